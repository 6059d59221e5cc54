// The list of jobs lives: rows come, change and go; buttons ask without leaving the page.
import { takeForms } from "./ask.js";
import { byId, fragment, morph, tell } from "./dom.js";
import { connect } from "./live.js";
import { dress } from "./times.js";

const rows = byId("rows");

function row(html) {
  const now = fragment(html);
  dress(now);
  const old = byId(now.id);
  if (old) {
    const before = old.dataset.tone;
    morph(old, now); // which takes out of `now` what is new
    if (before !== old.dataset.tone) announce(old);
    return;
  }
  const next = [...rows.children].find((other) => other.dataset.order < now.dataset.order);
  rows.insertBefore(now, next ?? null);
  announce(now);
}

function announce(element) {
  tell(`${element.querySelector(".tone").textContent.trim()}: ${element.querySelector("h2").textContent.trim()}`);
}

function list(ids) {
  // What is not in the list any more has gone to another tab, or to the next page.
  const kept = new Set(ids.split(" "));
  for (const each of [...rows.children]) if (!kept.has(each.id)) each.remove();
  count();
}

let counting = 0;
function count() {
  clearTimeout(counting);
  if (document.querySelector("[data-count]")) counting = setTimeout(recount, 400);
}

async function recount() {
  const page = await fetch(location.href, { headers: { Accept: "text/html" } }).then((answer) => answer.text());
  const now = new DOMParser().parseFromString(page, "text/html");
  for (const each of document.querySelectorAll("[data-count]"))
    each.replaceWith(now.querySelector(`[data-count="${each.dataset.count}"]`) ?? each);
}

takeForms();
if (document.body.dataset.live) connect(document.body.dataset.live, { row, list });
