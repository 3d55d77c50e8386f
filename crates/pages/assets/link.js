// Links that carry a value behind their #: it is put into the form and taken out of the address before anything else.

export function links(root) {
  const value = location.hash.slice(1);
  if (!value) return;
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
