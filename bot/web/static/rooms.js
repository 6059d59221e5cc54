// Which channels hold something new, as long as the page is looked at; and that this one has been read.
const LOOK_MS = 20_000;
const MOST = 100;

async function look() {
  if (document.visibilityState !== "visible") return;
  const channels = await fetch("/api/channels").then((answer) => (answer.ok ? answer.json() : [])).catch(() => []);
  for (const { name, unread } of channels) {
    const badge = document.querySelector(`[data-unread="${CSS.escape(name)}"]`);
    if (!badge) continue;
    badge.firstChild.data = unread < MOST ? unread : `${MOST - 1}+`;
    badge.hidden = !unread;
  }
}

export async function read(channel, id) {
  // Nothing is lost where it fails: the badge stays until the channel is opened again.
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ read: id });
  await fetch(`/api/channels?channel=${channel}`, { method: "PATCH", headers, body }).catch(() => null);
}

setInterval(look, LOOK_MS);
document.addEventListener("visibilitychange", look);
