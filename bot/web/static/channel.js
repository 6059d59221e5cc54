// The channel comes alive: messages by server-sent events, the command box, output that unfolds.
import { send, takeForms } from "./ask.js";
import { byId, fragment, morph, tell } from "./dom.js";
import { connect } from "./live.js";
import { read } from "./rooms.js";
import { dress } from "./times.js";

const scroller = byId("scroller");
const log = byId("log");
const text = byId("text");

// --- Messages -------------------------------------------------------------------------------------------------

function insert(box, element) {
  const next = [...box.children].find((other) => other.dataset.order > element.dataset.order);
  box.insertBefore(element, next ?? null);
}

function place(element) {
  const old = byId(element.id);
  if (old) return morph(old, element);
  // An answer may come before the head of its thread, which was changed later; it moves when that comes.
  insert(byId(`m-${element.dataset.thread}`)?.querySelector(".thread") ?? log, element);
  const thread = element.querySelector(".thread");
  const id = element.id.slice(2);
  if (thread) for (const early of log.querySelectorAll(`:scope > [data-thread="${id}"]`)) insert(thread, early);
}

function show(html) {
  const element = fragment(html);
  const atEnd = isAtEnd();
  const before = byId(element.id)?.dataset.tone;
  dress(element);
  place(element);
  if (atEnd) toEnd();
  else if (before === undefined) byId("jump").hidden = false;
  if (!element.dataset.thread && before === undefined) hasRead(element.id.slice(2));
  if (element.dataset.sort !== "page" && before !== element.dataset.tone) announce(byId(element.id));
}

function announce(element) {
  const words = [".tone", ".title, .name, .prose"].map((part) => element.querySelector(part)?.textContent.trim());
  tell(words.filter(Boolean).join(": "));
}

let newest = ""; // which was shown and not told of yet
function hasRead(id) {
  if (document.visibilityState !== "visible") return (newest = id);
  newest = "";
  read(location.pathname.split("/").pop(), id);
}
document.addEventListener("visibilitychange", () => newest && hasRead(newest));

const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
const toEnd = () => (scroller.scrollTop = scroller.scrollHeight);

// --- Asking ---------------------------------------------------------------------------------------------------

async function sendJob(form) {
  const answer = await send(form, Object.fromEntries(new FormData(form)));
  if (!answer?.ok) return;
  form.reset();
  byId("new").open = false;
  text.focus();
}

function openForm() {
  byId("answer").hidden = true;
  byId("new").open = true;
  byId("field-prompt").focus();
}

async function sendCommand(form) {
  const sent = text.value;
  if (/^\s*\/job\s*$/.test(sent)) {
    text.value = "";
    return openForm();
  }
  const answer = await send(form, { text: sent });
  // What was typed meanwhile stays.
  if (answer?.ok && text.value === sent) text.value = "";
  showHint();
}

// --- The command box ------------------------------------------------------------------------------------------

const hint = byId("hint");
const usual = hint.innerHTML;
const chips = [...document.querySelectorAll(".chip")];
function showHint() {
  const verb = /^\s*(?:\/job\s+)?(\w+)/.exec(text.value)?.[1];
  const chip = chips.find((each) => each.textContent === verb);
  if (chip) hint.textContent = `${chip.dataset.usage} · ${chip.dataset.summary}`;
  else hint.innerHTML = usual;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill], #jump, #dismiss");
  if (!button) return;
  if (button.id === "jump") event.preventDefault(), toEnd();
  else if (button.id === "dismiss") (byId("answer").hidden = true), text.focus();
  else (text.value = button.dataset.fill), text.focus(), showHint();
});
text.addEventListener("input", showHint);
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  text.form.requestSubmit();
});
let stuck = true;
scroller.addEventListener(
  "scroll",
  () => {
    stuck = isAtEnd();
    if (stuck) byId("jump").hidden = true;
  },
  { passive: true },
);
new ResizeObserver(() => stuck && toEnd()).observe(scroller); // an answer or a keyboard takes its room
document.addEventListener(
  "toggle",
  async (event) => {
    const address = event.target.dataset.folded;
    if (!address || !event.target.open) return;
    const page = await fetch(address).then((response) => response.text());
    const whole = new DOMParser().parseFromString(page, "text/html").getElementById(event.target.id);
    if (whole) dress(whole), morph(event.target, whole);
  },
  true,
);

for (const hidden of document.querySelectorAll(".chips, .example, #dismiss")) hidden.hidden = false;
toEnd();
takeForms({ compose: sendCommand, job: sendJob });
connect(document.body.dataset.live, { message: show });
