// Times in the reader's own zone, with the exact one on hover. What is said by its distance goes on counting while the page stands.

// As the server writes them, so that nothing moves: what differs is the zone, which stands behind each.
const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const format = new Intl.DateTimeFormat("en-GB", options);
const named = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function zone(at) {
  return named.formatToParts(at).find((it) => it.type === "timeZoneName")?.value ?? "";
}

function parts(at) {
  return Object.fromEntries(format.formatToParts(at).map((it) => [it.type, it.value]));
}

function clock(at) {
  const { hour, minute, second } = parts(at);
  return `${hour}:${minute}:${second}`;
}

function words(time, at) {
  const { year, month, day, hour, minute } = parts(at);
  if ("clock" in time.dataset) return clock(at);
  if ("day" in time.dataset) return `${year}-${month}-${day}`;
  const isExact = time.closest("[data-seconds]") !== null;
  return `${year}-${month}-${day} ${isExact ? clock(at) : `${hour}:${minute}`} ${zone(at)}`;
}

// How often distances are counted anew, in milliseconds.
const EVERY = 30_000;

// In the words of the server.
function distance(age) {
  const length = Math.abs(age);
  if (length < 60) return age < 0 ? "in a moment" : "just now";
  let words;
  if (length < 3600) words = `${Math.floor(length / 60)} min`;
  else if (length < 86400) words = `${Math.floor(length / 3600)} h`;
  else words = `${Math.floor(length / 86400)} ${length < 172800 ? "day" : "days"}`;
  return age < 0 ? `in ${words}` : `${words} ago`;
}

// From the server's clock on: the reader's own may be wrong.
function count(time) {
  const passed = (performance.now() - Number(time.dataset.since)) / 1000;
  const words = distance(Math.floor(Number(time.dataset.age) + passed));
  if (time.textContent !== words) time.textContent = words;
}

export function times(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = exact.format(at);
    if ("age" in time.dataset) time.dataset.since = performance.now();
    else time.textContent = words(time, at);
  }
  for (const hint of root.querySelectorAll("[data-utc]")) hint.textContent = `Times are in ${zone(new Date())}.`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-since]")) count(time);
}, EVERY);
