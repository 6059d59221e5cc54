// One job lives: its output grows, its head changes, and one can follow, find and point at what it did.
import { takeForms } from "./ask.js";
import { byId, morph, tell } from "./dom.js";
import { finder } from "./find.js";
import { connect } from "./live.js";
import { dress } from "./times.js";

const log = byId("log");
let following = !location.hash;

// --- The end of it --------------------------------------------------------------------------------------------

const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;

function toEnd() {
  log.scrollTop = log.scrollHeight;
  byId("to-end").hidden = true;
}

function follow(on) {
  following = on;
  byId("follow").setAttribute("aria-pressed", String(on));
  if (on) toEnd();
}

log.addEventListener("wheel", (event) => event.deltaY < 0 && follow(false), { passive: true });
log.addEventListener("touchmove", () => isAtEnd() || follow(false), { passive: true });
log.addEventListener("scroll", () => isAtEnd() && (byId("to-end").hidden = true), { passive: true });
byId("follow").addEventListener("click", () => follow(!following));
byId("to-end").addEventListener("click", () => {
  follow(true);
  log.closest(".viewer").scrollIntoView({ block: "nearest" });
});
byId("wrap").addEventListener("click", (event) => {
  const on = log.classList.toggle("unwrapped");
  event.currentTarget.setAttribute("aria-pressed", String(!on));
});

const find = finder(log, () => follow(false));

// --- What comes -----------------------------------------------------------------------------------------------

function grow(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  log.querySelector(".nothing")?.remove();
  for (const block of [...template.content.children]) {
    dress(block);
    const old = byId(block.id);
    if (old) morph(old, block);
    else log.append(block);
  }
  if (following) toEnd();
  else byId("to-end").hidden = isAtEnd();
  find();
}

function head(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  dress(template.content);
  const words = () => byId("job-head").querySelector(".tone").textContent.trim();
  const before = words();
  for (const part of [...template.content.children]) morph(byId(part.id), part);
  if (words() !== before) tell(words());
}

async function look() {
  // An ended job has no stream, and yet another one may go on with it.
  const html = await fetch(location.pathname, { headers: { Accept: "text/html" } }).then((page) => page.text());
  const page = new DOMParser().parseFromString(html, "text/html");
  // What the stream has brought meanwhile is newer than what was fetched.
  const old = Number(page.getElementById("job-head").dataset.asOf) < Number(byId("job-head").dataset.asOf);
  const parts = old ? ["remarks"] : ["job-asks", "job-head", "job-past", "remarks"];
  head(parts.map((id) => page.getElementById(id).outerHTML).join(""));
}

document.addEventListener("asked", look);

async function earlier(link) {
  link.setAttribute("aria-busy", "true");
  const html = await fetch(link.dataset.earlier).then((answer) => answer.text());
  const height = log.scrollHeight - log.scrollTop;
  const template = document.createElement("template");
  template.innerHTML = html;
  dress(template.content);
  link.parentElement.replaceWith(template.content);
  log.scrollTop = log.scrollHeight - height; // what one reads stays where it is
  find();
}

log.addEventListener("click", (event) => {
  const link = event.target.closest("[data-earlier]");
  if (link) event.preventDefault(), earlier(link);
});

// --- Where one came to see ------------------------------------------------------------------------------------

function point() {
  const wanted = Number(/^#e(\d+)$/.exec(location.hash)?.[1]);
  if (!wanted) return;
  const blocks = [...log.querySelectorAll("[data-seq]")];
  const block = blocks.filter((each) => Number(each.dataset.seq) <= wanted).pop();
  if (!block) return location.assign(`?at=${wanted}#e${wanted}`);
  follow(false);
  for (const other of log.querySelectorAll(".pointed")) other.classList.remove("pointed");
  block.classList.add("pointed");
  block.scrollIntoView({ block: "center" });
}

byId("wrap").hidden = false;
const live = document.body.dataset.live;
byId("follow").hidden = !live;
if (following) toEnd();
point();
addEventListener("hashchange", point);
takeForms();
if (live) connect(live, { log: grow, head, end: () => "end" });
