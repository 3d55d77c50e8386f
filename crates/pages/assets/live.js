// What goes on is shown as it goes on. The server says only that there is news; then this page is asked for again, and what has changed of it is put in place.
// A page that shows a value says which other one to ask for: that value is asked for by nobody but people.
// A document that is read so runs nothing.

import { checkSignedIn } from "./signed.js";

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

// What leads somewhere or does something, whatever it stands for now.
function meaning(it) {
  const form = it.closest("form");
  const to = it.matches("summary") ? heading(it.parentElement) : it.getAttribute("href") ?? form?.getAttribute("action") ?? it.getAttribute("aria-label");
  return [it.localName, to, it.name, it.value].join(" ");
}

// What is behind a heading that one can open: a job's own notes have no ids.
function heading(it) {
  return it.id || [it.closest("[aria-label]")?.getAttribute("aria-label"), it.querySelector("summary")?.textContent].join(" ");
}

// What has the focus keeps it, wherever it stands now. Nothing else gets it: a key may be on its way down, and is not to cancel another job.
function replace(region, fresh, enhance) {
  const canHaveFocus = "a[href], button, input, select, textarea, summary, [tabindex]";
  const focused = region !== document.activeElement && region.contains(document.activeElement) ? meaning(document.activeElement) : null;
  const open = new Set([...region.querySelectorAll("details[open]")].map(heading));
  const nodes = [...fresh.childNodes].map((node) => document.adoptNode(node));
  region.replaceChildren(...nodes);
  for (const details of region.querySelectorAll("details:not([open])")) {
    if (open.has(heading(details))) details.open = true;
  }
  enhance(region);
  withoutStream(region);
  say(region, fresh.dataset.said);
  if (focused !== null) {
    region.tabIndex = -1;
    const next = [...region.querySelectorAll(canHaveFocus)].find((it) => meaning(it) === focused);
    (next ?? region).focus({ preventScroll: true });
  }
}

// What is new is told to whoever listens to the page.
function say(region, words) {
  const told = document.getElementById("live-said");
  if (!told || !words || words === region.dataset.said) return;
  region.dataset.said = words;
  told.textContent = words;
}

function isWritten(region) {
  return region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
}

// Lines that are new stand behind those that are there; the last one may have grown.
function append(log, fresh, enhance) {
  const isAtEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 40;
  for (const part of [...fresh.children]) {
    const lines = [...(part.matches(".lines") ? part : part.querySelector(".lines")).children];
    if ("opensBefore" in part.dataset) [...log.querySelectorAll("details")].pop()?.setAttribute("open", "");
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

// Answers the page that it has looked at last.
async function tail(log, enhance) {
  let page;
  for (let more = true; more;) {
    const from = Math.max(1, Number(log.dataset.tail));
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("line", from);
    address.searchParams.set("follow", "on");
    page = await pageAt(address.href);
    const fresh = page.getElementById("log");
    const extent = page.getElementById("log-extent");
    if (!fresh) return page;
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
  return page;
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
        const seen = log && await tail(log, enhance);
        if (isWritten(region) || document.querySelector("dialog[open]")) continue;
        const page = seen || await pageAt(region.dataset.page || location.href.split("#")[0]);
        const fresh = page.getElementById(region.id);
        if (fresh) replace(region, fresh, enhance);
      }
    } catch {
      withStreamLost(region);
    } finally {
      isBusy = false;
    }
  };
  let source = null;
  let hasEnded = false;
  const listen = () => {
    // It goes at once, so that nothing moves later, and comes back where the stream is refused.
    withoutStream(region);
    source = new EventSource(region.dataset.stream);
    source.addEventListener("open", () => withoutStream(region));
    source.addEventListener("news", follow);
    source.addEventListener("last", () => {
      hasEnded = true;
      source.close();
      follow();
    });
    source.addEventListener("end", () => {
      hasEnded = true;
      source.close();
      withStreamLost(region);
      checkSignedIn();
    });
    // A browser asks again by itself, but for what was refused; until then the page says that it does not follow.
    source.addEventListener("error", () => {
      withStreamLost(region);
      if (source?.readyState === EventSource.CLOSED) checkSignedIn();
    });
  };
  // Without HTTP/2 a browser has six connections to a server: windows that nobody sees take none of them.
  document.addEventListener("visibilitychange", () => {
    if (hasEnded) return;
    source?.close();
    source = null;
    if (document.visibilityState === "visible") listen();
  });
  if (document.visibilityState === "visible") listen();
}

// A line that is linked to is shown, whatever group it is in.
export function targets() {
  const show = () => {
    const target = location.hash.startsWith("#L") && document.getElementById(location.hash.slice(1));
    const group = target && target.closest("details:not([open])");
    if (!group || target.matches("summary")) return;
    group.open = true;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", show);
  show();
}
