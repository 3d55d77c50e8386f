// The pencil beside a description opens its field where it stands: the form of the page that the link leads to, put in its place. Without script, and
// whenever anything else comes than is expected, that page is what one gets.
import { pageAt } from "./dialog.js";

function send(form) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.responseType = "document";
    request.onload = () => resolve({ status: request.status, page: request.response });
    request.onerror = reject;
    request.send(new URLSearchParams(new FormData(form)).toString());
  });
}

const formOf = (page) => page?.getElementById("description")?.closest("form");

// What was done, for whoever sees it and whoever hears it.
function say(words) {
  const main = document.getElementById("main");
  main.querySelector("[data-pencil-said]")?.remove();
  const said = document.createElement("p");
  said.className = "notice";
  said.setAttribute("role", "status");
  said.dataset.pencilSaid = "";
  main.prepend(said);
  said.textContent = words;
}

// The same place on another page: the row of this pencil, or the heading.
function placeOn(page, link) {
  const same = [...page.querySelectorAll("a.pencil")].find((it) => it.getAttribute("href") === link.getAttribute("href"));
  return same?.closest("tr, h1");
}

async function open(link, enhance) {
  const page = await pageAt(link.href);
  const found = formOf(page);
  if (!found) throw new Error("no form");
  const form = document.adoptNode(found);
  const cell = link.closest("th");
  const heading = link.closest("h1");
  if (!cell && !heading) throw new Error("no place");
  const before = cell ? [...cell.childNodes] : [];
  if (cell) cell.replaceChildren(form);
  else {
    heading.before(form);
    heading.hidden = true;
  }
  const input = form.elements.description;
  const text = input.value;
  const close = () => {
    if (cell) cell.replaceChildren(...before);
    else {
      form.remove();
      heading.hidden = false;
    }
    link.focus();
  };
  const cancel = form.querySelector(".foot a");
  cancel.addEventListener("click", (event) => {
    event.preventDefault();
    close();
  });
  form.addEventListener("keydown", (event) => {
    // What was typed goes by the button alone.
    if (event.key === "Escape" && input.value === text) {
      event.preventDefault();
      close();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await save(form, link, enhance);
    } catch {
      form.submit();
    }
  });
  input.focus();
  input.select();
}

async function save(form, link, enhance) {
  const { status, page } = await send(form);
  const refused = formOf(page);
  if (status === 422 && refused) {
    const field = document.adoptNode(refused.querySelector(".field"));
    form.querySelector(".field").replaceWith(field);
    field.querySelector("input").focus();
    return;
  }
  const done = page?.querySelector(".notice[role=status]");
  if (status !== 200 || !done) throw new Error("another page");
  const isRow = form.closest("tr") !== null;
  // It is saved by now: what cannot be shown in its place is asked for anew, and nothing is sent twice.
  let fresh;
  try {
    fresh = placeOn(isRow ? await pageAt(location.href) : page, link);
  } catch {
    fresh = null;
  }
  const old = isRow ? form.closest("tr") : form.nextElementSibling;
  if (!fresh || !old) {
    location.reload();
    return;
  }
  const place = document.adoptNode(fresh);
  old.replaceWith(place);
  if (!isRow) {
    form.remove();
    document.title = page.title;
  }
  enhance(place);
  say(done.textContent);
  place.querySelector("a.pencil")?.focus();
}

export function pencils(root, enhance) {
  for (const link of root.querySelectorAll("a.pencil")) {
    link.addEventListener("click", async (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      try {
        await open(link, enhance);
      } catch {
        location.assign(link.href);
      }
    });
  }
}
