// What HTML cannot do by itself. Every page works without any of this.
import { copying } from "./copy.js";
import { times } from "./time.js";
import { dialogs, toggles } from "./dialog.js";
import { links } from "./link.js";
import { live, targets } from "./live.js";
import { passkeys } from "./passkey.js";
import { passwords } from "./password.js";
import { pencils } from "./pencil.js";
import { signed } from "./signed.js";

function enhance(root) {
  copying(root);
  times(root);
  toggles(root);
}

// What leads on from a part of a page, and opens above it or in its place.
function enliven(root) {
  enhance(root);
  dialogs(root, enhance);
  pencils(root, enliven);
}

enliven(document);
links(document);
passkeys(document);
passwords(document);
signed(document);
live(document, enliven);

targets();

// A page that holds a value is the answer to a form: a reload must not send that again, and going back must not show it.
const told = document.querySelector("[data-address]");
if (told && !location.pathname.endsWith("/value")) {
  history.replaceState(null, "", told.dataset.address);
}

// Whoever was asked who they are in the middle of a form goes on with it.
document.querySelector("[data-again-form]")?.submit();

// Only one menu is open, and it closes when one goes on elsewhere.
const menu = document.querySelector("details.menu");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
