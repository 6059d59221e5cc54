// Small things that every script needs.

export const byId = (id) => document.getElementById(id);

export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

const isKept = (node) => node.dataset?.keep !== undefined;
const alike = (one, other) =>
  isKept(one) && isKept(other) && ["class", "action"].every((name) => one.getAttribute(name) === other.getAttribute(name));

export function morph(old, now) {
  // Changes only what differs: a press on a button, a selection, the focus and an unfolded output survive.
  if (old.isEqualNode(now) || alike(old, now)) return;
  if (old.nodeName !== now.nodeName || old.nodeType !== Node.ELEMENT_NODE || isKept(old) || isKept(now))
    return old.replaceWith(now);
  for (const { name } of [...old.attributes])
    if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (name !== "open") old.setAttribute(name, value);
  keepPlace(old, now);
  const after = [...now.childNodes];
  [...old.childNodes].forEach((child, n) => (after[n] ? morph(child, after[n]) : child.remove()));
  old.append(...after.slice(old.childNodes.length));
}

function keepPlace(old, now) {
  // What is kept stays itself where something new stands before it.
  const place = (node) => [...node.parentNode.childNodes].indexOf(node);
  for (const child of [...now.children]) {
    const same = isKept(child) && [...old.children].find((other) => alike(other, child));
    if (same && place(same) !== place(child)) child.replaceWith(same);
  }
}

export const tell = (words) => (byId("news").textContent = words);
