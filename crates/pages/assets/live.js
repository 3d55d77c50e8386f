// What goes on is shown as it goes on. The server says only that there is news; then this page is asked for again, and what has changed of it is put in place.
// A page that shows a value says which other one to ask for: that value is asked for by nobody but people.
// A document that is read so runs nothing.

const MAX_LINES = 5000;

function pageAt(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => {
      if (request.status === 200 && request.response) resolve(request.response);
      else reject(new Error("no page"));
    };
    request.onerror = reject;
    request.send();
  });
}

// What has the focus keeps it: by its place among what can have it.
function replace(region, fresh, enhance) {
  const canHaveFocus = "a[href], button, input, select, textarea, summary";
  const at = [...region.querySelectorAll(canHaveFocus)].indexOf(document.activeElement);
  const open = new Set([...region.querySelectorAll("details[open][id]")].map((it) => it.id));
  const nodes = [...fresh.childNodes].map((node) => document.adoptNode(node));
  region.replaceChildren(...nodes);
  for (const id of open) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  enhance(region);
  withoutStream(region);
  if (at >= 0) {
    const next = region.querySelectorAll(canHaveFocus)[at];
    if (next) next.focus({ preventScroll: true });
  }
}

function isWritten(region) {
  return region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
}

// Lines that are new stand behind those that are there; the last one may have grown.
function append(log, fresh, enhance) {
  const isAtEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 40;
  for (const part of [...fresh.children]) {
    const lines = [...(part.matches(".lines") ? part : part.querySelector(".lines")).children];
    const head = part.querySelector("summary");
    if (head && !document.getElementById(head.id)) {
      log.append(document.adoptNode(part));
      continue;
    }
    const into = head ? document.getElementById(head.id).parentElement.querySelector(".lines") : [...log.querySelectorAll(".lines")].pop();
    for (const line of lines) {
      const known = document.getElementById(line.id);
      const adopted = document.adoptNode(line);
      if (known) known.replaceWith(adopted);
      else into.append(adopted);
    }
  }
  const all = log.querySelectorAll(".lines > div");
  for (const line of [...all].slice(0, Math.max(0, all.length - MAX_LINES))) line.remove();
  enhance(log);
  if (isAtEnd) window.scrollTo({ top: document.documentElement.scrollHeight });
}

async function tail(log, enhance) {
  for (let more = true; more;) {
    const from = Math.max(1, Number(log.dataset.tail));
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("line", from);
    const page = await pageAt(address.href);
    const fresh = page.getElementById("log");
    const extent = page.getElementById("log-extent");
    if (!fresh) return;
    const lines = fresh.querySelectorAll("[id^=L]");
    const last = lines.length ? Number(lines[lines.length - 1].id.slice(1)) : from;
    append(log, fresh, enhance);
    const empty = document.getElementById("log-empty");
    if (empty && lines.length) empty.remove();
    const shown = document.getElementById("log-extent");
    if (extent && shown) shown.textContent = extent.textContent;
    more = last > from && !("tail" in fresh.dataset) && Boolean(page.querySelector("a[rel=next]"));
    log.dataset.tail = last;
  }
}

function withoutStream(region) {
  for (const link of region.querySelectorAll("[data-without-stream]")) link.hidden = true;
}

// The style sheet shows these to nobody who has script, until there is no stream.
function withStreamLost(region) {
  for (const link of region.querySelectorAll("[data-without-stream]")) {
    link.hidden = false;
    link.dataset.lost = "";
  }
}

export function live(root, enhance) {
  const region = root.querySelector("[data-stream]");
  if (!region) return;
  if (!window.EventSource) {
    withStreamLost(region);
    return;
  }
  const log = root.querySelector("#log[data-tail]");
  let isBusy = false;
  let isWanted = false;
  const follow = async () => {
    isWanted = true;
    if (isBusy) return;
    isBusy = true;
    try {
      while (isWanted) {
        isWanted = false;
        if (log) await tail(log, enhance);
        if (isWritten(region) || document.querySelector("dialog[open]")) continue;
        const page = await pageAt(region.dataset.page || location.href.split("#")[0]);
        const fresh = page.getElementById(region.id);
        if (fresh) replace(region, fresh, enhance);
      }
    } catch {
      withStreamLost(region);
    } finally {
      isBusy = false;
    }
  };
  const source = new EventSource(region.dataset.stream);
  source.addEventListener("open", () => withoutStream(region));
  source.addEventListener("error", () => withStreamLost(region));
  source.addEventListener("news", follow);
  source.addEventListener("last", () => {
    source.close();
    follow();
  });
  source.addEventListener("end", () => {
    source.close();
    withStreamLost(region);
  });
}
