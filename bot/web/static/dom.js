// Small things that every script needs.

export const byId = (id) => document.getElementById(id);

export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

export function morph(old, now) {
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

export const tell = (words) => (byId("news").textContent = words);
