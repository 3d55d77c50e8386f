// Sets a document's lines and indents anew. Strings and comments stay as they are.

const token = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*|\.\.\.|[{}()[\]:=!|&$@,]|[^\s{}()[\]:=!|&$@,"#.]+|\./g;

export function prettify(text) {
  let out = "";
  let depth = 0;
  let round = 0;
  let previous = "";
  const newLine = () => {
    out = out.trimEnd() + "\n" + "  ".repeat(depth);
  };
  for (const [word] of text.matchAll(token)) {
    if (word === ",") {
      if (round > 0) out = out.trimEnd() + ", ";
    } else if (word === "{" && round === 0) {
      depth += 1;
      out = (out.trimEnd() + " {").trimStart();
      newLine();
    } else if (word === "}" && round === 0) {
      depth = Math.max(0, depth - 1);
      newLine();
      out += "}";
      if (depth === 0) out += "\n\n";
    } else if (word.startsWith("#")) {
      if (previous && !out.endsWith("\n") && out.trimEnd() !== "") newLine();
      out += word;
      newLine();
    } else {
      const glued = /^[)\]!:,]$/.test(word) || word === "(" || /^[([$@]$/.test(previous) || previous === "...";
      const fresh = depth > 0 && round === 0 && !glued && previous !== ":" && !/[\n ]$/.test(out);
      if (word === "..." && round === 0) newLine();
      else if (fresh && word !== "@" && !/^(on|=)$/.test(previous + "")) newLine();
      else if (!glued && out !== "" && !/\s$/.test(out)) out += " ";
      out = glued ? out.trimEnd() + word : out + word;
      if (/^[([{]$/.test(word)) round += 1;
      if (/^[)\]}]$/.test(word)) round = Math.max(0, round - 1);
    }
    previous = word;
  }
  return out.trim() + "\n";
}
