// Forms that ask the desk: sent by the script, answered beside the form, never done twice.
import { byId } from "./dom.js";

const newDelivery = () =>
  // randomUUID needs https, and the page may be served without it in a private network.
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const deliveries = new WeakMap();
export const forget = (form) => deliveries.delete(form); // other words are another delivery

export async function send(form, fields) {
  // Says what the desk answered, to this person alone; null where nobody answered: then the next try is the
  // same delivery.
  if (!deliveries.has(form)) deliveries.set(form, newDelivery());
  const button = form.querySelector("button:not([type])");
  button.disabled = true;
  hush(form);
  mark(form);
  try {
    const own_zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
    const { files, ...words } = { ...fields, own_zone, delivery: deliveries.get(form) };
    const response = await fetch(form.action, { method: "POST", ...sealed(words, form.elements.files?.files) });
    const answer = await response.json();
    deliveries.delete(form);
    if (answer.ok || !mark(form, answer)) note(form, answer.ok === true, answer.html, answer.detail, answer.picture);
    return answer;
  } catch {
    note(form, false, "", "No answer came. Send it again: it is not done twice.");
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

const place = (form) => form.closest("[data-asking]")?.querySelector(".said") ?? byId("answer");
const hush = (form) => (place(form).hidden = true); // it answered what was asked before

function note(form, ok, html, plain, picture) {
  const box = place(form);
  const text = box.querySelector(".said-text") ?? byId("answer-text");
  if (html) text.innerHTML = html;
  else text.textContent = plain;
  if (picture) text.append(Object.assign(new Image(), picture));
  text.dataset.ok = ok ? "yes" : "no";
  box.hidden = false;
}

function mark(form, refusal) {
  // Puts a refusal beside the field that is wrong; without one, takes the last one away.
  for (const old of form.querySelectorAll("[aria-invalid]")) {
    old.removeAttribute("aria-invalid");
    byId(`wrong-${old.name}`).hidden = true;
  }
  const field = refusal?.field && form.elements[refusal.field];
  const beside = field && byId(`wrong-${field.name}`);
  if (!beside) return false;
  beside.innerHTML = refusal.sentence;
  beside.hidden = false;
  field.setAttribute("aria-invalid", "true");
  field.focus();
  return true;
}

async function confirmed(form) {
  const dialog = byId("confirm");
  byId("question").textContent = form.dataset.confirm;
  byId("confirmed").textContent = `Yes, ${form.querySelector("button").textContent.trim().toLowerCase()}`;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  return dialog.returnValue === "yes";
}

export function takeForms(special = {}) {
  // Forms go to the desk by the script; those in `special`, by id, have a way of their own.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    event.preventDefault();
    if (special[form.id]) return special[form.id](form);
    if (form.dataset.confirm && !(await confirmed(form))) return;
    const answer = await send(form, Object.fromEntries(new FormData(form)));
    if (!answer?.ok) return;
    form.reset();
    document.dispatchEvent(new CustomEvent("asked", { detail: answer }));
  });
  document.addEventListener("input", (event) => forget(event.target.form));
}
