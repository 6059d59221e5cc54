// Times on the reader's own clock: the moment, how long ago, how long still; the whole of it on hover.

const TICKING = "[data-since], [data-until], time[data-ago]";
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

export function dress(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
    if (time.dataset.ago !== undefined) continue;
    const today = at.toDateString() === new Date().toDateString();
    const day = today ? {} : { month: "short", day: "numeric" };
    const second = time.dataset.seconds !== undefined ? { second: "2-digit" } : {};
    const zone = time.dataset.zone !== undefined ? { timeZoneName: "short" } : {};
    time.textContent = at.toLocaleString([], { hour: "2-digit", minute: "2-digit", ...second, ...day, ...zone });
  }
  for (const each of root.querySelectorAll(TICKING)) tick(each);
}

function tick(element) {
  const { since, until } = element.dataset;
  if (element.dataset.ago !== undefined) return relative(element);
  const passed = until ? new Date(until) - Date.now() : Date.now() - new Date(since);
  const s = Math.max(0, Math.floor(passed / 1000));
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  const two = (n) => String(n).padStart(2, "0");
  element.textContent = (until ? "in " : "") + (h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`);
}

function relative(time) {
  const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  if (unit === "day" && seconds < -7 * 86_400)
    time.textContent = new Date(time.dateTime).toLocaleDateString([], { dateStyle: "medium" });
  else time.textContent = unit === "second" && seconds > -45 ? "just now" : ago.format(Math.trunc(seconds / size), unit);
}

dress(document);
setInterval(() => document.querySelectorAll(TICKING).forEach(tick), 1000);
