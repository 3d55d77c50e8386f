// Times in the reader's own zone, with the exact one on hover.

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function times(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.dateTime;
    time.textContent = ("clock" in time.dataset ? clock : format).format(at);
  }
  for (const hint of root.querySelectorAll("[data-utc]")) hint.hidden = true;
}
