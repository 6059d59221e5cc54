// Finds words in what is shown of a log, marks them all and goes from one to the next.
import { byId } from "./dom.js";

const MOST = 1000;

export function finder(log, go) {
  // Answers with what looks anew, for when the log has grown; `go` is called before a find is scrolled to.
  const field = byId("find");
  let hits = [];
  let hit = -1;

  function find() {
    CSS.highlights.delete("found");
    hits = [];
    byId("found").textContent = "";
    const wanted = field.value.trim().toLowerCase();
    if (!wanted) return;
    const walker = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && hits.length < MOST)
      if (!walker.currentNode.parentElement.closest(".mark")) hits.push(...within(walker.currentNode, wanted));
    CSS.highlights.set("found", new Highlight(...hits));
    const part = log.querySelector("[data-earlier]") ? " in what is shown" : "";
    byId("found").textContent = `${hits.length} found${part}`;
  }

  function next(by) {
    if (!hits.length) return;
    go();
    hit = (hit + by + hits.length) % hits.length;
    const holder = hits[hit].startContainer.parentElement;
    const folded = holder.closest("details:not([open])");
    if (folded) folded.open = true;
    holder.scrollIntoView({ block: "center" });
  }

  field.addEventListener("input", () => ((hit = -1), find()));
  field.addEventListener("keydown", (event) => event.key === "Enter" && next(event.shiftKey ? -1 : 1));
  field.hidden = false;
  return find;
}

function within(node, wanted) {
  const text = node.data.toLowerCase();
  const ranges = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    const range = new Range();
    range.setStart(node, at);
    range.setEnd(node, at + wanted.length);
    ranges.push(range);
  }
  return ranges;
}
