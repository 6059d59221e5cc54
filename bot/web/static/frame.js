// What every page can do: the theme, the keyboard, times that tick, and whether the bot is there at all.
import { byId } from "./dom.js";
import { executor, state } from "./live.js";
import "./times.js";

const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;

function showTheme() {
  const now = root.dataset.theme ?? "auto";
  byId("theme").querySelector("b").textContent = now;
  for (const each of document.querySelectorAll("[data-theme-choice]"))
    each.setAttribute("aria-pressed", each.dataset.themeChoice === now);
}

const nextTheme = () => take(THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length]);

function take(next) {
  if (next === "auto") delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // It holds for this page then.
  }
  showTheme();
}

byId("theme").addEventListener("click", nextTheme);
for (const each of document.querySelectorAll("[data-theme-choice]"))
  each.addEventListener("click", () => take(each.dataset.themeChoice));
if (byId("theming")) byId("theming").hidden = false;
byId("show-keys").addEventListener("click", showKeys);
byId("theme").hidden = byId("show-keys").hidden = false;
showTheme();

function showKeys() {
  if (byId("menu").matches(":popover-open")) byId("menu").hidePopover();
  byId("keys").showModal();
}

// --- The keyboard ---------------------------------------------------------------------------------------------

let went = -Infinity; // when `g` was pressed
const ITEMS = "[data-item]";

function step(by) {
  const items = [...document.querySelectorAll(ITEMS)].filter((item) => item.checkVisibility());
  const now = items.indexOf(document.activeElement?.closest(ITEMS));
  const next = items[now < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, now + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  t: nextTheme,
  "?": showKeys,
  "/": () => document.querySelector("[data-search]")?.focus(),
  Enter: () => document.activeElement?.matches(ITEMS) && document.activeElement.querySelector("a")?.click(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape" && typing?.matches("[data-search]")) return typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const goes = event.timeStamp - went < 1500 && document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
  went = event.key === "g" ? event.timeStamp : -Infinity;
  if (goes) return goes.click();
  const own = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (!KEYS[event.key] && !own) return;
  event.preventDefault();
  if (own) own.click();
  else KEYS[event.key]();
});

// --- Whether the bot is there ---------------------------------------------------------------------------------

const LOOK_MS = 15_000;

async function look() {
  const signal = AbortSignal.timeout(LOOK_MS);
  const beat = await fetch("/api/heartbeat", { signal })
    .then((answer) => (answer.ok ? answer.json() : null))
    .catch(() => null);
  if (beat) executor(beat.online);
  // A page with a stream of its own knows by that whether the bot is there.
  if (!document.body.dataset.live) state(...(beat ? ["live", "Online"] : ["lost", "Offline"]));
}

look();
setInterval(look, LOOK_MS);
addEventListener("online", look);
