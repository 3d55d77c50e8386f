// A new password is typed once, and can be looked at: whoever sees what they typed need not type it twice, and a long one is no guess. Without script
// it is as it was.

export function passwords(root) {
  for (const input of root.querySelectorAll("input[type=password][autocomplete=new-password]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.setAttribute("aria-controls", input.id);
    const show = (isShown) => {
      input.type = isShown ? "text" : "password";
      button.textContent = isShown ? "Hide the password" : "Show the password";
    };
    show(false);
    button.addEventListener("click", () => show(input.type === "password"));
    // What is sent is kept by no list of words that were typed before.
    input.form?.addEventListener("submit", () => show(false));
    input.spellcheck = false;
    input.autocapitalize = "none";
    input.after(button);
  }
}
