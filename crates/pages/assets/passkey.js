// Passkeys: the page holds what is asked, the browser has a passkey answer it, and a form carries the answer. Where the browser has no passkeys
// nothing of it is shown.
import { pageAt } from "./dialog.js";

// What was asked can be answered for five minutes; after four of them, in milliseconds, it is asked anew.
const GOOD = 4 * 60 * 1000;

const kind = window.PublicKeyCredential;
const areThere = Boolean(kind && kind.parseCreationOptionsFromJSON && kind.parseRequestOptionsFromJSON);

const WORDS = {
  NotAllowedError: "Nothing was done: the browser was told not to, or has no passkey for this server, or it took too long. Try again.",
  InvalidStateError: "This device holds a passkey of yours for this server already.",
  SecurityError: "The browser has no passkeys at this address. Open the server by its public address.",
};

function answer(form) {
  const { publicKey } = JSON.parse(form.dataset.options);
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey: kind.parseCreationOptionsFromJSON(publicKey) })
    : navigator.credentials.get({ publicKey: kind.parseRequestOptionsFromJSON(publicKey) });
}

// Takes a fresh question out of the page as it is now.
async function askAnew(form) {
  const page = await pageAt(new URL(form.dataset.again, location.href).href);
  const fresh = page.querySelector(`form[data-passkey="${form.dataset.passkey}"]`);
  form.dataset.options = fresh.dataset.options;
  form.elements.challenge.value = fresh.elements.challenge.value;
}

function prepare(form) {
  const button = form.querySelector("button");
  const wrong = form.querySelector(":scope > .wrong");
  let until = performance.now() + GOOD;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    wrong.hidden = true;
    try {
      if (performance.now() > until) {
        // Whoever is led elsewhere by then, to prove who they are, goes there.
        try {
          await askAnew(form);
        } catch {
          location.assign(form.dataset.again);
          return;
        }
        until = performance.now() + GOOD;
      }
      form.elements.credential.value = JSON.stringify(await answer(form));
      form.submit();
    } catch (error) {
      wrong.textContent = WORDS[error.name] || `The browser could not do it (${error.name}).`;
      wrong.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}

export function passkeys(root) {
  if (!areThere) return;
  for (const form of root.querySelectorAll("form[data-passkey]")) prepare(form);
  for (const none of root.querySelectorAll("[data-passkey-none]")) none.hidden = true;
}
