// A page's live stream, and what the frame says of the connection.
import { byId } from "./dom.js";

let connection = { name: "still", word: "Not live" };
let works = true; // what the executor's heartbeat says, as far as the bot is there to tell it

export function state(name, word) {
  connection = { name, word };
  show();
}

export function executor(online) {
  works = online;
  show();
}

function show() {
  const lost = connection.name === "lost";
  byId("connection").dataset.state = works ? connection.name : "lost";
  byId("connection").textContent = works || lost ? connection.word : "Offline";
  const banner = byId("banner");
  const text = lost ? banner.dataset.lost : banner.dataset.offline;
  banner.hidden = works && !lost;
  if (!banner.hidden && banner.textContent !== text) banner.textContent = text; // it is read out at each change
}

export function connect(address, handlers) {
  // `handlers` by the event's name get its data; one that answers "end" has seen the last of it.
  // Comes back by itself, and goes on after what it saw last.
  const stream = new EventSource(address);
  let seen = address;
  stream.onopen = () => state("live", "Live");
  for (const [name, handle] of Object.entries(handlers))
    stream.addEventListener(name, (event) => {
      seen = past(address, event.lastEventId);
      if (handle(event.data) !== "end") return;
      stream.close();
      state("still", "Ended");
    });
  stream.addEventListener("resync", () => location.reload());
  stream.onerror = async () => {
    state("lost", "Reconnecting");
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    const home = await fetch("/", { method: "HEAD", redirect: "manual" }).catch(() => null);
    if (home?.status === 401) location.reload();
    else setTimeout(connect, 3000, seen, handlers);
  };
}

function past(address, id) {
  const url = new URL(address, location);
  url.searchParams.set("after", id);
  return url.pathname + url.search;
}
