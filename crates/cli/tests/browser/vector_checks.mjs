// What the tests of strangers' texts share: what is wrong with a page, and which texts it does not show as they are.

// The most parts of a list that are looked at.
const PARTS = 40;

// Calls for each of many, a few at a time.
export async function each(all, run) {
  const left = [...all];
  const worker = async () => {
    while (left.length > 0) await run(left.shift());
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

// Texts in bundles that are no longer than a field takes.
export function bundles(texts, most) {
  const all = [""];
  for (const text of texts) {
    const last = all.at(-1);
    const more = last === "" ? text : `${last} ${text}`;
    if (more.length <= most) all[all.length - 1] = more;
    else all.push(text);
  }
  return all.filter((it) => it !== "" && it.length <= most);
}

// What is wrong with a page that shows what strangers wrote.
export async function wrongs(page) {
  return page.evaluate(() => {
    const found = [];
    const scripts = [...document.scripts].filter((it) => !new URL(it.src, location.href).pathname.startsWith("/assets/"));
    for (const it of scripts) found.push(`a script: ${it.outerHTML.slice(0, 200)}`);
    // Pictures that the server draws.
    const drawn = ":where(svg.columns, svg.graph, svg.waits, svg.spans, svg.sign)";
    const never = `iframe, object, embed, svg:not(${drawn}), math, base, style, img, video, audio, marquee, portal, meta[http-equiv], template, body body, [srcdoc]`;
    for (const it of document.querySelectorAll(never)) found.push(`an element: ${it.outerHTML.slice(0, 200)}`);
    for (const it of document.querySelectorAll("*")) {
      for (const { name, value } of it.attributes) {
        if (/^on/i.test(name) || name === "style") found.push(`an attribute: ${name}=${value.slice(0, 200)}`);
        // Markdown may lead elsewhere, by an address that opens a page and runs nothing.
        const ways = it.closest(".note") && it.rel?.includes("noopener") ? /^(\/organizations\/|https?:|mailto:)/ : /^(\/(?!\/)|#|\?line=|data:,$)/;
        if (/^(href|src|action|formaction)$/i.test(name) && !ways.test(value)) found.push(`an address: ${name}=${value.slice(0, 200)}`);
      }
    }
    return found;
  });
}

// Which of these texts a page shows, in the page: whole, or as much of the beginning of a long one as a list has room for.
function seen(all) {
  const body = document.body.textContent;
  const begun = (text) => {
    const signs = [...text];
    for (let most = signs.length - 1; most >= 16; most -= 1) {
      if (body.includes(`${signs.slice(0, most).join("")}…`)) return true;
    }
    return false;
  };
  return all.filter((text) => body.includes(text) || begun(text));
}

// Opens a page and what follows it; answers the texts that are not shown as they are.
export async function missing(page, path, texts, must) {
  const left = new Set(texts);
  let next = path;
  for (let part = 0; next && part < PARTS; part += 1) {
    const answer = await page.goto(next);
    must(answer.status() === 200, `${next}: ${answer.status()}`);
    const found = await wrongs(page);
    must(found.length === 0, `${next}: ${found.join("\n")}`);
    for (const text of await page.evaluate(seen, [...left])) left.delete(text);
    const link = page.locator("nav.pager a[rel=next]").first();
    next = left.size > 0 && (await link.count()) > 0 ? await link.getAttribute("href") : null;
  }
  return [...left];
}
