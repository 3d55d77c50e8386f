// Every page by axe, in both themes and on a small screen: no violation, and nothing to scroll sideways at 360 px and at 400 %.
import { AXE, look, main, person, setting, shows, signIn, violations } from "./lib.mjs";
import { DEVELOPMENT, OPEN, STATES, pages } from "./pages.mjs";
import { populate } from "./populate.mjs";

// What else there is to find where only the screen is another one.
const LAYOUT = ["target-size", "scrollable-region-focusable", "label", "link-name", "button-name"];
const WIDE = { width: 1280, height: 900 };
const SMALL = { width: 360, height: 740 };
// A screen of 1280 by 1024 at 400 %.
const MAGNIFIED = { width: 320, height: 256 };

// Looks at what the page shows now, in each theme and on each screen.
async function inspect(page, name, must) {
  const faults = [];
  for (const [screen, scheme, rules] of [[WIDE, "light"], [WIDE, "dark"], [SMALL, "light", { type: "rule", values: LAYOUT }]]) {
    await page.setViewportSize(screen);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const it of await violations(page, rules)) faults.push(`${scheme}, ${screen.width} px: ${it}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) faults.push(`${wide} px to scroll sideways at ${screen.width} px`);
  }
  await page.setViewportSize(MAGNIFIED);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) faults.push(`${wide} px to scroll sideways at 400 %`);
  must(faults.length === 0, `${name}:\n${faults.join("\n")}`);
  await page.setViewportSize(WIDE);
}

await main(async (browser) => {
  const nobody = await person(browser);
  await nobody.context.addInitScript({ path: AXE });
  for (const path of [...OPEN, ...DEVELOPMENT]) {
    await look(`nobody: ${path}`, async (must) => {
      await nobody.page.goto(path);
      await inspect(nobody.page, path, must);
    });
  }
  await look("nobody: the first thing that the keyboard reaches leads past what stands on every page", async (must) => {
    await nobody.page.goto("/sign-in");
    await nobody.page.evaluate(() => document.activeElement.blur());
    const skip = nobody.page.getByRole("link", { name: "Skip to the content" });
    await skip.focus();
    must(await skip.evaluate((it) => it.getBoundingClientRect().top >= 0), "it cannot be seen");
    await nobody.page.keyboard.press("Enter");
    must(await shows(nobody.page.locator("#main:focus")), "the focus is elsewhere");
    must(new URL(nobody.page.url()).pathname === "/sign-in", nobody.page.url());
  });
  await look("control: a page without a language, with text that can hardly be read, is found out", async (must) => {
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
    await look(`admin: ${path}`, async (must) => {
      const answer = await ada.page.goto(path);
      must(answer.status() === (path.endsWith("/nowhere") ? 404 : 200), answer.status());
      await inspect(ada.page, path, must);
    });
  }
  for (const [name, show] of Object.entries(STATES)) {
    await look(`admin: ${name}`, async (must) => {
      await show(ada.page);
      await inspect(ada.page, name, must);
    });
  }
  await look("a page keeps to a chosen look whatever the system has", async (must) => {
    await STATES.menu(ada.page);
    await ada.page.getByRole("button", { name: "Dark" }).click();
    await ada.page.emulateMedia({ colorScheme: "light" });
    must(await shows(ada.page.locator('html[data-theme="dark"]')), "the choice is not kept");
    const found = await violations(ada.page);
    must(found.length === 0, found);
  });
  await look("no page ran into its own policy", async (must) => {
    must(ada.faults.length + nobody.faults.length === 0, [...ada.faults, ...nobody.faults]);
  });
});
