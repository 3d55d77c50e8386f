// Whoever was signed out elsewhere is told so here: a page with a value forgets it, and any other says that it shows what was.

const CHECK = 5000;
// Asking counts as use, so it has an end: what stands on a page for longer is asked of when somebody comes back to it.
const CHECKED_FOR = 10 * 60 * 1000;

// The page of whoever is signed in has this form.
const isOfPerson = (root) => root.querySelector("form[action='/sign-out']") !== null;
const hasValue = (root) => root.querySelector("[data-secret]") !== null;

function isSignedOut() {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("HEAD", "/account");
    request.onload = () => resolve(new URL(request.responseURL || location.href).pathname === "/sign-in");
    // Nobody can tell now.
    request.onerror = () => resolve(false);
    request.send();
  });
}

function leave(words) {
  const main = document.getElementById("main");
  if (main.dataset.signedOut !== undefined) return;
  main.dataset.signedOut = "";
  const said = document.createElement("div");
  said.className = "problem";
  said.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.textContent = words;
  const link = document.createElement("a");
  link.href = `/sign-in?to=${encodeURIComponent(location.pathname.replace(/\/value$/, "") + location.search)}`;
  link.textContent = "Sign in again";
  const way = document.createElement("p");
  way.append(link);
  said.append(text, way);
  if (hasValue(document)) {
    // Nothing of it stays: it stands in the commands that start an agent, too.
    main.replaceChildren(said);
    link.focus();
  } else {
    main.prepend(said);
  }
}

let isBusy = false;

// Answers whether one is signed out.
export async function checkSignedIn() {
  if (isBusy) return false;
  isBusy = true;
  try {
    const isOut = await isSignedOut();
    if (isOut) leave(hasValue(document)
      ? "You are signed out. The value that stood here is gone from this page."
      : "You are signed out. This page shows nothing new until you sign in again.");
    return isOut;
  } finally {
    isBusy = false;
  }
}

export function signed(root) {
  if (!isOfPerson(root) || !(hasValue(root) || root.querySelector("[data-stream]"))) return;
  const isGone = () => document.getElementById("main").dataset.signedOut !== undefined;
  if (hasValue(root)) {
    const timer = setInterval(async () => {
      if (document.visibilityState === "visible" && await checkSignedIn()) clearInterval(timer);
    }, CHECK);
    setTimeout(() => clearInterval(timer), CHECKED_FOR);
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && !isGone()) checkSignedIn();
  });
  // A page that a browser has kept whole and shows again is asked for anew: what it held may be nobody's to see by now.
  addEventListener("pagehide", (event) => {
    if (event.persisted && hasValue(document)) document.getElementById("main").replaceChildren();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
