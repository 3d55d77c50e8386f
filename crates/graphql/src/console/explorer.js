// The schema explorer: types and fields by name, and what one type has.

const spelled = (type) => {
  if (type.kind === "NON_NULL") return spelled(type.ofType) + "!";
  if (type.kind === "LIST") return "[" + spelled(type.ofType) + "]";
  return type.name;
};
const inner = (type) => (type.ofType ? inner(type.ofType) : type.name);

const element = (name, text, className) => {
  const it = document.createElement(name);
  if (text) it.textContent = text;
  if (className) it.className = className;
  return it;
};

export class Explorer {
  constructor({ place, search, back }) {
    Object.assign(this, { place, search, back, types: new Map(), way: [] });
    search.addEventListener("input", () => this.list());
    back.addEventListener("click", () => {
      this.way.pop();
      const last = this.way.pop();
      if (last) this.open(last);
      else this.list();
    });
  }

  show(schema) {
    const own = schema.types.filter((type) => !type.name.startsWith("__"));
    this.types = new Map(own.map((type) => [type.name, type]));
    this.roots = [schema.queryType, schema.mutationType].filter(Boolean).map((type) => type.name);
    this.list();
  }

  list() {
    this.way = [];
    this.back.hidden = true;
    const wanted = this.search.value.trim().toLowerCase();
    const names = [...this.types.keys()].sort();
    const first = (name) => (this.roots ?? []).includes(name);
    const list = element("ul");
    for (const name of [...names.filter(first), ...names.filter((name) => !first(name))]) {
      const type = this.types.get(name);
      const fields = (type.fields ?? type.inputFields ?? []).filter((it) => it.name.toLowerCase().includes(wanted));
      const matches = name.toLowerCase().includes(wanted);
      if (!matches && fields.length === 0) continue;
      const item = element("li");
      item.append(this.link(name), " ", element("span", type.kind.toLowerCase().replace("_", " "), "note"));
      if (wanted && !matches) item.append(element("p", fields.map((it) => it.name).join(", "), "note"));
      list.append(item);
    }
    this.place.replaceChildren(list.children.length ? list : element("p", "Nothing has this name.", "note"));
  }

  link(name) {
    if (!this.types.has(name)) return element("code", name);
    const button = element("button", name);
    button.type = "button";
    button.addEventListener("click", () => this.open(name));
    return button;
  }

  open(name) {
    this.way.push(name);
    this.back.hidden = false;
    const type = this.types.get(name);
    const parts = [element("h3", name)];
    if (type.description) parts.push(element("p", type.description));
    const named = [
      ["Implements", type.interfaces],
      ["Possible types", type.possibleTypes],
    ];
    for (const [title, others] of named) {
      if (!others?.length) continue;
      const line = element("p", title + ": ");
      others.forEach((other, at) => line.append(at ? ", " : "", this.link(other.name)));
      parts.push(line);
    }
    const list = element("ul");
    for (const field of type.fields ?? type.inputFields ?? []) list.append(this.field(field));
    for (const value of type.enumValues ?? []) {
      const item = element("li");
      item.append(element("code", value.name), element("p", value.description ?? "", "note"));
      list.append(item);
    }
    parts.push(list);
    this.place.replaceChildren(...parts);
    this.place.scrollTop = 0;
    this.place.focus();
  }

  field(field) {
    const item = element("li");
    item.append(element("code", field.name), ": ", this.typed(field.type));
    if (field.defaultValue) item.append(element("code", " = " + field.defaultValue));
    if (field.isDeprecated) item.append(element("p", "Deprecated. " + (field.deprecationReason ?? ""), "note"));
    if (field.description) item.append(element("p", field.description, "note"));
    for (const arg of field.args ?? []) {
      const line = element("div", "· ");
      line.append(element("code", arg.name), ": ", this.typed(arg.type));
      if (arg.defaultValue) line.append(element("code", " = " + arg.defaultValue));
      item.append(line);
    }
    return item;
  }

  typed(type) {
    const [before, after] = spelled(type).split(inner(type));
    const span = element("span");
    span.append(before, this.link(inner(type)), after);
    return span;
  }
}
