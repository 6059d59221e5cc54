// Pages of shared records: their forms are sent by the script, and what they change is shown without a reload.
import { takeForms } from "./ask.js";
import { byId, morph } from "./dom.js";
import { dress } from "./times.js";

async function look() {
  const html = await fetch(location.href, { headers: { Accept: "text/html" } }).then((page) => page.text());
  const now = new DOMParser().parseFromString(html, "text/html").getElementById("records");
  if (!now) return location.reload();
  now.querySelector("#answer")?.replaceWith(byId("answer").cloneNode(true)); // it says what has just been done
  for (const each of document.querySelectorAll("#records details.own[open]")) each.open = false;
  dress(now);
  morph(byId("records"), now);
}

document.addEventListener("asked", (event) => (event.detail?.on ? location.assign(event.detail.on) : look()));
takeForms();
