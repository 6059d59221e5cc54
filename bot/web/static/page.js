"use strict";
// The channel comes alive: messages by server-sent events, the command box, buttons that ask first, local times.

const byId = (id) => document.getElementById(id);
const scroller = byId("scroller");
const log = byId("log");
const text = byId("text");
const newDelivery = () =>
  // randomUUID needs https, and the page may be served without it in a private network.
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// --- Messages -------------------------------------------------------------------------------------------------

function morph(old, now) {
  // Changes only what differs: a press on a button, a selection, the focus and an unfolded output survive.
  if (old.isEqualNode(now) || old.dataset?.keep !== undefined) return;
  if (old.nodeName !== now.nodeName || old.nodeType !== Node.ELEMENT_NODE) return old.replaceWith(now);
  for (const { name } of [...old.attributes])
    if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (name !== "open") old.setAttribute(name, value);
  const after = [...now.childNodes];
  [...old.childNodes].forEach((child, n) => (after[n] ? morph(child, after[n]) : child.remove()));
  old.append(...after.slice(old.childNodes.length));
}

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
  const template = document.createElement("template");
  template.innerHTML = html;
  const element = template.content.firstElementChild;
  const atEnd = isAtEnd();
  const before = byId(element.id)?.dataset.tone;
  dress(element);
  place(element);
  if (atEnd) toEnd();
  else if (before === undefined) byId("jump").hidden = false;
  if (element.dataset.sort !== "page" && before !== element.dataset.tone) tell(byId(element.id));
}

function tell(element) {
  const words = [".tone", ".title, .name, .prose"].map((part) => element.querySelector(part)?.textContent.trim());
  byId("news").textContent = words.filter(Boolean).join(": ");
}

const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
const toEnd = () => (scroller.scrollTop = scroller.scrollHeight);

// --- Times ----------------------------------------------------------------------------------------------------

const TICKING = "[data-since], [data-until]";

function dress(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const today = at.toDateString() === new Date().toDateString();
    const day = today ? {} : { month: "short", day: "numeric" };
    time.textContent = at.toLocaleString([], { hour: "2-digit", minute: "2-digit", ...day });
    time.title = at.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  }
  for (const span of root.querySelectorAll(TICKING)) tick(span);
}

function tick(span) {
  const { since, until } = span.dataset;
  const passed = until ? new Date(until) - Date.now() : Date.now() - new Date(since);
  const s = Math.max(0, Math.floor(passed / 1000));
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  const two = (n) => String(n).padStart(2, "0");
  span.textContent = (until ? "in " : "") + (h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`);
}

// --- The live stream ------------------------------------------------------------------------------------------

function connect(address) {
  const stream = new EventSource(address);
  let seen = address;
  stream.onopen = () => state("live", "Live");
  stream.onmessage = (event) => {
    seen = `${location.pathname}/live?after=${event.lastEventId}`;
    show(event.data);
  };
  stream.addEventListener("resync", () => location.reload());
  stream.onerror = async () => {
    state("lost", "Reconnecting");
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    const home = await fetch("/", { method: "HEAD", redirect: "manual" }).catch(() => null);
    if (home?.status === 401) location.reload();
    else setTimeout(connect, 3000, seen);
  };
}

function state(name, word) {
  byId("connection").dataset.state = name;
  byId("connection").textContent = word;
  byId("banner").hidden = name !== "lost";
}

// --- Asking ---------------------------------------------------------------------------------------------------

const deliveries = new WeakMap();
async function send(form, fields) {
  // Says what the desk answered, to this person alone; null where nobody answered: then the next try is the
  // same delivery.
  if (!deliveries.has(form)) deliveries.set(form, newDelivery());
  const button = form.querySelector("button:not([type])");
  button.disabled = true;
  byId("answer").hidden = true; // it answered what was asked before
  mark(form);
  try {
    const own_zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
    const { files, ...words } = { ...fields, own_zone, delivery: deliveries.get(form) };
    const response = await fetch(form.action, { method: "POST", ...sealed(words, form.elements.files?.files) });
    const answer = await response.json();
    deliveries.delete(form);
    if (answer.ok || !mark(form, answer)) note(answer.ok === true, answer.html, answer.detail);
    return answer;
  } catch {
    note(false, "", "No answer came. Send it again: it is not done twice.");
    return null;
  } finally {
    button.disabled = false;
  }
}

function sealed(words, files) {
  // Without files it goes as JSON; with them as the form itself would send it.
  if (!files?.length) return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(words) };
  const body = new FormData();
  for (const [name, value] of Object.entries(words)) body.append(name, value);
  for (const file of files) body.append("files", file);
  return { headers: { Accept: "application/json" }, body };
}

function note(ok, html, plain) {
  const box = byId("answer-text");
  if (html) box.innerHTML = html;
  else box.textContent = plain;
  box.dataset.ok = ok ? "yes" : "no";
  byId("answer").hidden = false;
}

function mark(form, refusal) {
  // Puts a refusal beside the field that is wrong; without one, takes the last one away.
  for (const old of form.querySelectorAll("[aria-invalid]")) {
    old.removeAttribute("aria-invalid");
    byId(`wrong-${old.name}`).hidden = true;
  }
  const field = refusal?.field && form.elements[refusal.field];
  const place = field && byId(`wrong-${field.name}`);
  if (!place) return false;
  place.innerHTML = refusal.sentence;
  place.hidden = false;
  field.setAttribute("aria-invalid", "true");
  field.focus();
  return true;
}

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

async function confirmed(form) {
  const dialog = byId("confirm");
  byId("question").textContent = form.dataset.confirm;
  byId("confirmed").textContent = `Yes, ${form.querySelector("button").textContent.toLowerCase()}`;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  return dialog.returnValue === "yes";
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  event.preventDefault();
  if (form.id === "compose") return sendCommand(form);
  if (form.id === "job") return sendJob(form);
  if (form.dataset.confirm && !(await confirmed(form))) return;
  const answer = await send(form, Object.fromEntries(new FormData(form)));
  if (answer?.ok) form.reset();
});

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
document.addEventListener("input", (event) => deliveries.delete(event.target.form)); // other words are another delivery
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
dress(document);
toEnd();
setInterval(() => document.querySelectorAll(TICKING).forEach(tick), 1000);
connect(document.body.dataset.live);
