// Every page by axe, in both themes and on a small screen: no violation, and nothing to scroll sideways at 360 px.
import { AXE, main, person, setting, signIn, step } from "./lib.mjs";
import { OPEN, STATES, pages } from "./pages.mjs";
import { populate } from "./populate.mjs";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WIDE = { width: 1280, height: 900 };
const SMALL = { width: 360, height: 740 };

async function violations(page) {
  const found = await page.evaluate(async (rules) => (await window.axe.run(document, { runOnly: rules, resultTypes: ["violations"] })).violations, RULES);
  return found.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join("; ")}`);
}

// Looks at what the page shows now, in each theme and on each screen.
async function look(page, name, must) {
  for (const [screen, scheme] of [[WIDE, "light"], [WIDE, "dark"], [SMALL, "light"]]) {
    await page.setViewportSize(screen);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const found = await violations(page);
    must(found.length === 0, `${name}, ${scheme}, ${screen.width} px:\n${found.join("\n")}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    must(wide <= 0, `${name}: ${wide} px to scroll sideways at ${screen.width} px`);
  }
  await page.setViewportSize(WIDE);
}

await main(async (browser) => {
  const nobody = await person(browser);
  await nobody.context.addInitScript({ path: AXE });
  for (const path of OPEN) {
    await step(`nobody: ${path}`, async (must) => {
      await nobody.page.goto(path);
      await look(nobody.page, path, must);
    });
  }
  await step("control: a page without a language, with text that can hardly be read, is found out", async (must) => {
    await nobody.page.evaluate(() => {
      document.documentElement.removeAttribute("lang");
      document.querySelector("main h1").style.color = "#ddd";
    });
    const found = await violations(nobody.page);
    must(["html-has-lang", "color-contrast"].every((rule) => found.some((it) => it.startsWith(rule))), found);
  });

  const ada = await person(browser);
  await ada.context.addInitScript({ path: AXE });
  await signIn(ada, setting.admin);
  const more = await populate();
  for (const path of [...pages().map((it) => it.path).filter((path) => !OPEN.includes(path)), ...more]) {
    await step(`admin: ${path}`, async (must) => {
      await ada.page.goto(path);
      await look(ada.page, path, must);
    });
  }
  for (const [name, show] of Object.entries(STATES)) {
    await step(`admin: ${name}`, async (must) => {
      await show(ada.page);
      await look(ada.page, name, must);
    });
  }
  await step("a page keeps to a chosen look whatever the system has", async (must) => {
    await STATES.menu(ada.page);
    await ada.page.getByRole("button", { name: "Dark" }).click();
    await ada.page.emulateMedia({ colorScheme: "light" });
    must(await ada.page.locator("html").getAttribute("data-theme") === "dark", "the choice is not kept");
    const found = await violations(ada.page);
    must(found.length === 0, found);
  });
  await step("no page ran into its own policy", async (must) => {
    must(ada.faults.length + nobody.faults.length === 0, [...ada.faults, ...nobody.faults]);
  });
});
