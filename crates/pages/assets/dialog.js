// A page that also opens as a dialog: the link leads to the page, the script shows its part of it above this one.

export function toggles(root) {
  for (const toggle of root.querySelectorAll("input[name=org_agent]")) {
    const below = toggle.closest("fieldset").querySelector("[data-below-toggle]");
    const follow = () => { below.disabled = toggle.checked; };
    toggle.addEventListener("change", follow);
    follow();
  }
}

// A document that is read so runs nothing. Whoever is led elsewhere, to prove who they are, goes there as without script.
export function pageAt(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => {
      const isIt = request.status === 200 && request.responseURL === address;
      if (isIt) resolve(request.response);
      else reject(new Error("another page"));
    };
    request.onerror = reject;
    request.send();
  });
}

// What stands in the fields of a dialog.
function written(dialog) {
  return [...dialog.querySelectorAll("form")].map((form) => new URLSearchParams(new FormData(form)).toString()).join("\n");
}

// What was changed is thrown away by whoever says so, and by no key alone.
function askFirst(dialog) {
  const asked = dialog.querySelector("[data-asks]");
  if (asked) {
    asked.querySelector("button").focus();
    return;
  }
  const back = document.activeElement;
  const box = document.createElement("div");
  box.className = "problem";
  box.setAttribute("role", "alertdialog");
  box.setAttribute("aria-label", "Changes that are not saved");
  box.dataset.asks = "";
  const text = document.createElement("p");
  text.textContent = "You have changed something that is not saved yet.";
  const button = (words, act) => {
    const it = document.createElement("button");
    it.type = "button";
    it.className = "button small";
    it.textContent = words;
    it.addEventListener("click", act);
    return it;
  };
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.append(
    button("Keep editing", () => {
      box.remove();
      if (dialog.contains(back)) back.focus();
    }),
    button("Discard the changes", () => dialog.close()),
  );
  box.append(text, bar);
  dialog.prepend(box);
  bar.querySelector("button").focus();
}

async function open(link, enhance) {
  const page = await pageAt(link.href);
  const body = page && page.querySelector("[data-dialog-body]");
  if (!body) throw new Error("not a dialog");
  const dialog = document.createElement("dialog");
  const heading = body.querySelector("h1");
  heading.id = "dialog-heading";
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(document.adoptNode(body));
  document.body.append(dialog);
  enhance(dialog);
  const before = written(dialog);
  const leave = () => {
    if (written(dialog) === before) dialog.close();
    else askFirst(dialog);
  };
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-dialog-close]")) {
      event.preventDefault();
      leave();
    }
  });
  // Escape, and a phone's way back.
  dialog.addEventListener("cancel", (event) => {
    if (event.target !== dialog) return;
    event.preventDefault();
    leave();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  dialog.showModal();
}

export function dialogs(root, enhance) {
  for (const link of root.querySelectorAll("a[data-dialog]")) {
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
