// What goes on is shown as it goes on, and takes nothing out of anybody's hands.
import { ask, home, main, person, prove, setting, settings, shownValue, shows, signIn, step } from "./lib.mjs";

const at = (end) => setting.pages.find((it) => it.route.endsWith(end)).path;
const build = at("/builds/{pipeline}/{build}");
const job = at("/jobs/{job}");

// The server looks for news every two seconds of its clock, which goes on until something holds.
async function until(page, holds, more) {
  for (let looks = 0; looks < 600; looks += 1) {
    if (await page.evaluate(holds, more)) return true;
    // No further than what else ends by the clock.
    if (looks < 60) await ask("advance", { seconds: 2 });
    await page.waitForTimeout(100);
  }
  return false;
}

const focused = (page) => page.evaluate(() => document.activeElement.textContent);

await main(async (browser) => {
  const ada = await person(browser);
  const { context, page } = ada;
  await signIn(ada, setting.admin);
  await context.addInitScript(() => {
    window.streams = [];
    window.EventSource = class extends EventSource {
      constructor(...all) {
        super(...all);
        window.streams.push(this);
      }
    };
  });

  await step("a log grows where it is read", async (must) => {
    await page.goto(job);
    await ask("write", { text: "--- More\nline A\n" });
    must(await until(page, () => document.querySelector("#log").textContent.includes("line A")), await page.innerText("#log"));
    must((await page.innerText("#log-extent")).includes("to 7 of 7"), await page.innerText("#log-extent"));
    must(await page.locator("#log summary").count() === 3, await page.innerText("#log"));
  });
  await step("a group is opened by what comes later", async (must) => {
    await page.evaluate(() => { [...document.querySelectorAll("#log details")].pop().open = false; });
    await ask("write", { text: "^^^ +++\nline B\n" });
    must(await until(page, () => document.querySelector("#log").textContent.includes("line B")), await page.innerText("#log"));
    const last = page.locator("#log details").last();
    must(await last.evaluate((it) => it.open && it.textContent.includes("line B")), await last.evaluate((it) => it.outerHTML));
  });
  await step("a window that nobody sees holds no connection", async (must) => {
    const turn = (state) => page.evaluate((now) => {
      Object.defineProperty(document, "visibilityState", { value: now, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      return window.streams.map((it) => it.readyState);
    }, state);
    const hidden = await turn("hidden");
    must(hidden.every((it) => it === 2), hidden);
    await ask("write", { text: "line C\n" });
    const seen = await turn("visible");
    must(seen.filter((it) => it !== 2).length === 1, seen);
    must(await until(page, () => document.querySelector("#log").textContent.includes("line C")), await page.innerText("#log"));
  });
  await step("a line is shown, whatever group it is in", async (must) => {
    await page.goto(`${job}?line=1#L2`);
    must(await shows(page.locator("#L2")), await page.innerText("#log"));
    await page.evaluate(() => { document.querySelector("#L2").closest("details").open = false; location.hash = ""; });
    await page.evaluate(() => { location.hash = "#L2"; });
    must(await shows(page.locator("#L2")), await page.innerText("#log"));
  });
  await step("what has the focus keeps it when another button goes", async (must) => {
    await page.goto(build);
    await page.getByRole("button", { name: "Cancel Lint (2 of 3)" }).focus();
    const other = await context.newPage();
    await other.goto(build);
    await other.getByRole("button", { name: /^Cancel :hammer: Unit/ }).click();
    await other.waitForLoadState("load");
    await other.close();
    must(await until(page, () => !document.querySelector("#live").textContent.includes("Cancel :hammer: Unit")), await page.innerText("#live"));
    must((await focused(page)).includes("Lint (2 of 3)"), await focused(page));
  });
  await step("where what had the focus is gone, nothing else gets it, and where the build stands now is told", async (must) => {
    const other = await context.newPage();
    await other.goto(build);
    await other.getByRole("button", { name: "Cancel Lint (2 of 3)" }).click();
    await other.waitForLoadState("load");
    await other.close();
    must(await until(page, () => !document.querySelector("#live").textContent.includes("Cancel Lint (2 of 3)")), await page.innerText("#live"));
    must(await page.evaluate(() => document.activeElement.id) === "live", await focused(page));
    must(await until(page, () => document.querySelector("#live-said").textContent !== ""), "nothing is told");
  });
  await step("whoever signs out everywhere leaves no value in another window", async (must) => {
    await page.goto(`${settings}/tokens/new`);
    await prove(page);
    await page.fill("#description", "Left open");
    await page.getByRole("button", { name: "Create agent token" }).click();
    await page.locator("#token-value").waitFor();
    const value = await shownValue(page);
    const agents = await context.newPage();
    await agents.goto(`${home}/agents`);
    const other = await context.newPage();
    await other.goto("/account");
    await other.getByRole("button", { name: /everywhere/i }).click();
    await other.waitForURL("**/sign-in");
    await page.bringToFront();
    await page.getByRole("link", { name: "Sign in again" }).waitFor({ timeout: 60_000 });
    must(!(await page.content()).includes(value), "the value stands in the page");
    must(await shownValue(page) === null, "the value is shown");
    must((await page.innerText("main")).includes("You are signed out"), await page.innerText("main"));
    await agents.bringToFront();
    must(await until(agents, () => document.querySelector("#main").textContent.includes("You are signed out")), await agents.innerText("main"));
    must(await agents.getByRole("link", { name: "Sign in again" }).getAttribute("href") === `/sign-in?to=${encodeURIComponent(`${home}/agents`)}`, "it leads back");
    await agents.close();
    await other.close();
  });
  await step("no page did what it may not", async (must) => {
    must(ada.faults.length === 0, ada.faults);
  });
});
