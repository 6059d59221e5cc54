// Schedules and settings: forms ask without leaving the page, and what they changed is shown at once.
import { takeForms } from "./ask.js";
import { byId, morph } from "./dom.js";
import { dress } from "./times.js";

async function refresh() {
  const page = await fetch(location.pathname, { headers: { Accept: "text/html" } }).then((answer) => answer.text());
  const now = new DOMParser().parseFromString(page, "text/html");
  for (const part of document.querySelectorAll("[data-fresh]")) {
    const fresh = now.getElementById(part.id);
    if (!fresh) continue;
    dress(fresh);
    morph(part, fresh);
  }
}

takeForms();
document.addEventListener("asked", () => {
  if (byId("new")) byId("new").open = false;
  byId("answer").scrollIntoView({ block: "nearest" });
  refresh();
});
