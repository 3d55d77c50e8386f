// Copying: a button, and a click on the value of a token.

async function copy(text) {
  await navigator.clipboard.writeText(text);
}

function textOf(element) {
  return element instanceof HTMLInputElement ? element.value : element.textContent;
}

export function copying(root) {
  // Without TLS to another machine browsers have no clipboard for pages: then the value is selected and copied by hand.
  const canCopy = Boolean(navigator.clipboard);
  for (const button of root.querySelectorAll("[data-copy]")) {
    const of = root.getElementById ? root.getElementById(button.dataset.copy) : root.querySelector(`#${button.dataset.copy}`);
    if (!of || !canCopy) continue;
    const words = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copy(textOf(of));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
  for (const secret of root.querySelectorAll("[data-secret]")) {
    const value = secret.querySelector("[data-copy-value]");
    const status = secret.querySelector("[data-copied]");
    if (canCopy) status.textContent = "Click the value to copy it.";
    value.addEventListener("click", async () => {
      value.select();
      if (!canCopy) return;
      await copy(value.value);
      status.textContent = "Copied to the clipboard.";
    });
  }
}
