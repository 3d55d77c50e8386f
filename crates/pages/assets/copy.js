// Copying: a button, and a click on the value of a token.

// Whether it is copied: a browser may refuse.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
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
      button.setAttribute("aria-live", "polite");
      button.textContent = (await copy(textOf(of))) ? "Copied" : "Select and copy it";
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
      const isCopied = await copy(value.value);
      status.textContent = isCopied ? "Copied to the clipboard." : "The browser refused: copy the selected value by hand.";
    });
  }
}
