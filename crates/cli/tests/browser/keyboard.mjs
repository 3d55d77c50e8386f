// The keyboard reaches everything and is never lost; nothing moves that nobody moved; times are the reader's own.
import { createToken } from "./api.mjs";
import { home, look, main, person, setting, settings, signIn } from "./lib.mjs";
import { DEVELOPMENT, fault } from "./pages.mjs";
import { populate } from "./populate.mjs";

// What the keyboard can stop at, and is there to be seen.
const STOPS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
// The most that may shift while a page comes up: what is counted as good is ten times as much.
const SHIFT = 0.01;

// What has the focus: what it is, whether it is in the window, and whether one sees that it has the focus.
function focused(page) {
  return page.evaluate(() => {
    const it = document.activeElement;
    const box = it.getBoundingClientRect();
    const style = getComputedStyle(it);
    return {
      name: `${it.tagName} ${it.id} ${(it.textContent || it.value || "").trim().slice(0, 40)}`,
      isBody: it === document.body,
      isInside: Boolean(it.closest("dialog")),
      isInWindow: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
      hasRing: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    };
  });
}

// Presses Tab until the focus leaves the page or is at its beginning again; answers what was stopped at.
async function walk(page, most = 200) {
  // From the first stop on, wherever the page has put the focus: to it and not to the beginning Tab goes on from there.
  await page.locator(".skip").focus();
  await page.keyboard.press("Shift");
  const stops = [await focused(page)];
  for (let number = 0; number < most; number += 1) {
    await page.keyboard.press("Tab");
    const it = await focused(page);
    if (it.isBody || it.name === stops[0].name) return stops;
    stops.push(it);
  }
  throw new Error(`no end after ${most} stops`);
}

function unseen(stops) {
  return stops.filter((it) => !it.isInWindow || !it.hasRing).map((it) => `${it.name}${it.isInWindow ? "" : ", not in the window"}${it.hasRing ? "" : ", without a ring"}`);
}

// What moves by itself, or takes its time.
function moving(page) {
  return page.evaluate(() => [...document.querySelectorAll("*")].flatMap((it) => [null, "::before", "::after"].flatMap((part) => {
    const style = getComputedStyle(it, part);
    const moves = style.animationName !== "none" || style.transitionDuration.split(",").some((time) => parseFloat(time) > 0);
    return moves ? [`${it.tagName}${part ?? ""}`] : [];
  })));
}

await main(async (browser) => {
  const ada = await person(browser, { timezoneId: "Asia/Kathmandu", locale: "en-GB" });
  const { page } = ada;
  await signIn(ada, setting.admin);
  await populate();
  const token = await createToken("Edited by keyboard");

  await look("Tab goes through a page from its beginning to its end, and what has the focus is seen", async (must) => {
    for (const path of [`${settings}/tokens`, `${settings}/tokens/new`, `${home}/builds/demo/1`, ...DEVELOPMENT]) {
      for (const size of [{ width: 1280, height: 900 }, { width: 360, height: 740 }]) {
        await page.setViewportSize(size);
        await page.goto(path);
        const stops = await walk(page);
        // Of choices with one name the keyboard stops at one; what is switched off and what is folded away is passed over.
        const count = await page.evaluate((what) => [...document.querySelectorAll(what)].filter((it) => it.checkVisibility({ visibilityProperty: true }) && it.tabIndex >= 0 && !it.matches(":disabled") && it.type !== "radio").length, STOPS);
        must(stops.length >= count, `${path} at ${size.width} px: ${stops.length} of ${count}: ${stops.map((it) => it.name).join("; ")}`);
        must(unseen(stops).length === 0, { path, width: size.width, unseen: unseen(stops) });
      }
    }
  });
  await page.setViewportSize({ width: 1280, height: 900 });
  await look("the skip link is the first stop", async (must) => {
    await page.goto(`${settings}/tokens`);
    await page.keyboard.press("Tab");
    must((await focused(page)).name.includes("Skip to the content"), await focused(page));
  });
  await look("the user menu opens by Enter and closes by Escape, which gives the focus back", async (must) => {
    await page.goto(`${home}/agents`);
    const summary = page.locator("details.menu summary");
    await summary.focus();
    await page.keyboard.press("Enter");
    must(await page.locator("details.menu").evaluate((it) => it.open), "it stays closed");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    must(!await page.locator("details.menu").evaluate((it) => it.open), "it stays open");
    must(await summary.evaluate((it) => it === document.activeElement), "the focus is lost");
  });

  const edit = () => page.getByRole("link", { name: "Edit permissions of Edited by keyboard" });
  async function open() {
    await page.goto(`${settings}/tokens`);
    await edit().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
  }
  await look("a dialog keeps the focus inside", async (must) => {
    await open();
    let count = 0;
    for (let number = 0; number < 40; number += 1) {
      await page.keyboard.press("Tab");
      const it = await focused(page);
      // Between its last and its first stop the browser itself has one.
      must(it.isInside || it.isBody, it);
      if (it.isInside) count += 1;
      else await page.keyboard.press("Tab");
    }
    must(count > 20, count);
    await page.keyboard.press("Shift+Tab");
    const it = await focused(page);
    must(it.isInside || it.isBody, it);
  });
  await look("Escape closes a dialog, and the focus is where it was", async (must) => {
    await open();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    must(await edit().evaluate((it) => it === document.activeElement), await focused(page));
  });
  await look("Cancel closes a dialog, and the focus is where it was", async (must) => {
    await open();
    await page.getByRole("dialog").getByRole("link", { name: "Cancel" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("dialog").waitFor({ state: "detached" });
    must(await edit().evaluate((it) => it === document.activeElement), await focused(page));
    must(new URL(page.url()).pathname === `${settings}/tokens`, page.url());
  });
  await look("the first field that is wrong has the focus, and says what is wrong with it", async (must) => {
    await fault(page);
    const found = await page.evaluate(() => {
      const it = document.activeElement;
      const words = (it.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "");
      return { id: it.id, isInvalid: it.getAttribute("aria-invalid"), words };
    });
    must(found.id === "networks" && found.isInvalid === "true", found);
    must(found.words.some((words) => words.includes("everywhere")), found);
  });
  await look("control: a focus that cannot be seen is found out", async (must) => {
    await page.goto(`${settings}/tokens`);
    await page.evaluate(() => { document.querySelector("#search").style.outline = "none"; });
    const found = unseen(await walk(page));
    must(found.some((name) => name.startsWith("INPUT search")), found);
  });
  await look("nothing moves where motion is not wanted", async (must) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    for (const path of [`${settings}/tokens/${token.uuid}/permissions`, ...DEVELOPMENT]) {
      await page.goto(path);
      must((await moving(page)).length === 0, { path, moving: await moving(page) });
    }
  });
  await look("control: motion is found out", async (must) => {
    await page.emulateMedia({ reducedMotion: "no-preference" });
    await page.goto(DEVELOPMENT[1]);
    must((await moving(page)).length > 0, "the toggle moves");
  });

  await look("times are in the reader's zone, with the exact one on hover", async (must) => {
    await page.goto(`${settings}/tokens/${token.uuid}`);
    const created = page.locator(".facts time").first();
    const [exact, words, title] = await created.evaluate((it) => [it.dateTime, it.textContent, it.title]);
    const local = new Date(exact).toLocaleTimeString("en-GB", { timeZone: "Asia/Kathmandu", timeStyle: "short" });
    must(words.includes(local) && /GMT\+5:45|Nepal/.test(words), { exact, words, local });
    must(title.includes(local) && /GMT\+5:45|Nepal/.test(title), title);
    await page.goto(`${home}/agents`);
    const seen = page.locator("time[data-age]").first();
    must(/^(just now|\d+ (min|h|days?) ago)$/.test(await seen.textContent()), await seen.textContent());
    must(/GMT\+5:45|Nepal/.test(await seen.getAttribute("title")), await seen.getAttribute("title"));
  });
  await look("without script times are said by their distance, with the exact one on hover", async (must) => {
    const plain = await browser.newContext({ baseURL: setting.address, javaScriptEnabled: false, storageState: await ada.context.storageState() });
    const other = await plain.newPage();
    await other.goto(`${home}/agents`);
    const seen = other.locator("time[data-age]").first();
    must(/^(just now|\d+ (min|h|days?) ago)$/.test(await seen.textContent()), await seen.textContent());
    must(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/.test(await seen.getAttribute("title")), await seen.getAttribute("title"));
    await plain.close();
  });
  await look("nothing shifts while a page comes up", async (must) => {
    const shifted = [];
    for (const path of [home, `${home}/agents`, `${home}/builds`, `${home}/builds/demo/1`, settings, `${settings}/tokens`, `${settings}/tokens/${token.uuid}`, `${settings}/audit-log`, "/account"]) {
      await page.goto(path);
      const shift = await page.evaluate(() => new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 700);
      }));
      if (shift > SHIFT) shifted.push(`${path}: ${shift}`);
    }
    must(shifted.length === 0, shifted);
  });
});
