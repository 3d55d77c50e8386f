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
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-dialog-close]")) {
      event.preventDefault();
      dialog.close();
    }
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
