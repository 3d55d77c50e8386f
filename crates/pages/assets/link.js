// Links that carry a value behind their #: it is put into the form and taken out of the address before anything else.

// A value has three parts; what leads to a part of the page has one.
const VALUE = /^\w+_\w+_\w+$/;

function use(root) {
  const value = location.hash.slice(1);
  if (!VALUE.test(value)) return;
  const field = root.querySelector("[data-link-field]");
  if (field) {
    history.replaceState(null, "", location.pathname + location.search);
    const input = root.getElementById(field.dataset.linkField);
    input.value = value;
    const next = field.querySelector("input:not([type=hidden]):not(#" + input.id + ")");
    if (next) next.focus();
    return;
  }
  const page = root.querySelector("[data-link-page]");
  if (page) location.replace(page.dataset.linkPage + "#" + value);
}

export function links(root) {
  use(root);
  // A link that is opened where its page is shown already loads no page anew.
  addEventListener("hashchange", () => use(root));
}
