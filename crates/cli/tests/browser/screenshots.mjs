// Every page at 360, 768 and 1440 px in both themes, for people to look at.
import { mkdir } from "node:fs/promises";
import { main, person, setting, signIn } from "./lib.mjs";
import { DEVELOPMENT, OPEN, STATES, pages } from "./pages.mjs";
import { populate } from "./populate.mjs";

const WIDTHS = [360, 768, 1440];
const THEMES = ["light", "dark"];

await main(async (browser) => {
  await mkdir(setting.out, { recursive: true });
  async function take(page, name) {
    for (const width of WIDTHS) {
      for (const colorScheme of THEMES) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        // What a change of the window moves is drawn a frame later.
        await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
        const path = `${setting.out}/${name.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "")}-${width}-${colorScheme}.png`;
        await page.screenshot({ path, fullPage: true });
      }
    }
  }
  const nobody = await person(browser);
  for (const path of setting.whole ? [...OPEN, ...DEVELOPMENT] : OPEN) {
    await nobody.page.goto(path);
    await take(nobody.page, path);
  }
  if (!setting.whole) return;
  const ada = await person(browser);
  await signIn(ada, setting.admin);
  const more = await populate();
  for (const { route, path } of pages().filter(({ route }) => !OPEN.includes(route))) {
    await ada.page.goto(path);
    await take(ada.page, route.replace("/organizations/{organization}", ""));
  }
  for (const [number, path] of more.entries()) {
    await ada.page.goto(path);
    await take(ada.page, `more ${number}`);
  }
  for (const [name, show] of Object.entries(STATES)) {
    await ada.page.setViewportSize({ width: 1440, height: 900 });
    await show(ada.page);
    await take(ada.page, `state ${name}`);
  }
});
