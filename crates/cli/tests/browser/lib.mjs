// What the scripts of these tests share: the conversation with the test that started them, a browser, and what people do again and again.
//
// A line of JSON each way. The first that is told is the setting. `ask` is answered by one line; `check` and `row` are not answered.
// A check that does not hold ends the script: what comes after it would fail for the same reason.
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { inspect } from "node:util";

const require = createRequire(`${process.env.COUNTERSIGN_TEST_BROWSER_TOOLS}/`);
const { chromium } = require("playwright-core");
// The text of axe, to be put into a page.
export const AXE = require.resolve("axe-core/axe.min.js");

// How long a click or a page may take, in milliseconds, on a busy machine.
const PATIENCE = 120_000;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function told() {
  const { value, done } = await lines.next();
  if (done) throw new Error("the test has gone away");
  return JSON.parse(value);
}

export function say(it) {
  process.stdout.write(`${JSON.stringify(it)}\n`);
}

export async function ask(what, more = {}) {
  say({ ask: what, ...more });
  return told();
}

export const setting = await told();
export const home = `/organizations/${setting.organization}`;
export const settings = `${home}/settings`;

// A step: what it follows, and what has to hold. `must` ends it where something does not.
export async function step(follows, run) {
  const must = (holds, saw) => {
    if (!holds) throw new Error(typeof saw === "string" ? saw : inspect(saw));
  };
  try {
    await run(must);
    say({ check: follows, ok: true, saw: "" });
  } catch (error) {
    say({ check: follows, ok: false, saw: String(error.stack ?? error).slice(0, 4000) });
    throw error;
  }
}

// A step on which nothing else depends: the script goes on after it, and all that is wrong is told at once.
export async function look(follows, run) {
  await step(follows, run).catch(() => {});
}

// Runs a script with a browser, and ends both.
export async function main(run) {
  const browser = await chromium.launch({
    executablePath: setting.chromium,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  });
  let code = 0;
  try {
    await run(browser);
    say({ done: true });
  } catch (error) {
    code = 1;
    process.stderr.write(`${error.stack ?? error}\n`);
  } finally {
    await browser.close();
  }
  process.exit(code);
}

// A browser window of somebody, with a list of what a page may never do: show a dialog, run into its own policy, throw.
export async function person(browser, options = {}) {
  const context = await browser.newContext({ baseURL: setting.address, viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const faults = [];
  if (options.javaScriptEnabled !== false) {
    await context.exposeBinding("reportViolation", (_, what) => { faults.push(`policy: ${what}`); });
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample} at ${location.pathname}`);
      });
    });
  }
  context.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    // It may be gone with its window by then.
    dialog.dismiss().catch(() => {});
  });
  context.on("weberror", (error) => { faults.push(`script: ${error.error()}`); });
  context.on("console", (message) => {
    if (/Content Security Policy|Trusted Type/i.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  const page = await context.newPage();
  return { context, page, faults };
}

// What axe finds wrong with the page that is shown, by the rules of WCAG 2.2 AA.
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function violations(page, rules = { type: "tag", values: RULES }) {
  const found = await page.evaluate(async (rules) => (await window.axe.run(document, { runOnly: rules, resultTypes: ["violations"] })).violations, rules);
  return found.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join("; ")}`);
}

// Uses a link that was made for somebody, as the browser opens it: by its address alone where there is script.
export async function signIn(who, whose, hasScript = true) {
  const { page } = who;
  if (hasScript) {
    await page.goto(`/sign-in#${whose.link}`);
    await page.waitForURL("**/sign-in/link");
  } else {
    await page.goto("/sign-in/link");
    await page.fill("#link", whose.link);
  }
  await page.fill("#password", setting.password);
  await page.getByRole("button", { name: "Set the password and sign in" }).click();
  // Whoever belongs to several organizations may be led to another one.
  await page.waitForURL((url) => url.pathname.startsWith("/organizations/"));
  await page.goto(`${home}/agents`);
}

// Whoever is asked for their password gives it, and is where they wanted to be: what they were about to do is done, without script with one more click.
export async function prove(page, hasScript = true) {
  await page.waitForLoadState("load");
  const asks = page.getByRole("heading", { name: "Confirm that it is you" });
  if (await asks.count() === 0) return false;
  await page.fill("#password", setting.password);
  await page.getByRole("button", { name: "Confirm", exact: true }).click();
  if (!hasScript) {
    await page.waitForLoadState("load");
    const again = page.locator("[data-again-form]");
    if (await again.count()) await again.getByRole("button", { name: "Continue" }).click();
  }
  await page.waitForURL((url) => url.pathname !== "/prove");
  await page.waitForLoadState("load");
  return true;
}

// Whether something comes to be seen: a click that leads to another page is over before that page has been read.
export function shows(what) {
  return what.waitFor().then(() => true, (error) => {
    if (error.name === "TimeoutError") return false;
    throw error;
  });
}

// Does something, and proves who does it where that is asked for.
export async function proved(page, act, hasScript = true) {
  await act();
  await prove(page, hasScript);
}

// User menu › Organization Settings.
export async function openSettings(page) {
  await page.locator("details.menu summary").click();
  await page.locator("details.menu").getByRole("link", { name: "Organization Settings" }).click();
  await page.waitForURL(`**${settings}`);
}

// The tab of that name in the settings.
export async function openTab(page, name) {
  await page.getByRole("navigation", { name: "Organization Settings" }).getByRole("link", { name, exact: true }).click();
  await page.waitForLoadState("load");
}

// User menu › Sign out.
export async function signOut(page) {
  await page.locator("details.menu summary").click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.waitForURL("**/sign-in");
}

// The value of the cookie of this name; null where the browser has none.
export async function cookie(context, name) {
  return (await context.cookies(setting.address)).find((it) => it.name === name)?.value ?? null;
}

// The row of a token in a list.
export function row(page, description) {
  return page.locator("tbody tr").filter({ has: page.getByRole("rowheader").filter({ hasText: description }) });
}

// The value that a page shows; none: null.
export async function shownValue(page) {
  const value = page.locator("#token-value");
  return (await value.count()) === 0 ? null : value.inputValue();
}

// What is on the clipboard, as another page is given it by a paste: these pages may not read it.
export async function pasted(context) {
  const server = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end("<!doctype html><title>Paste</title><textarea autofocus></textarea>");
  });
  await new Promise((ready) => { server.listen(0, "127.0.0.1", ready); });
  const page = await context.newPage();
  try {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.locator("textarea").focus();
    await page.keyboard.press("Control+V");
    return await page.locator("textarea").inputValue();
  } finally {
    await page.close();
    server.close();
  }
}

// An authenticator in a browser's own device.
export async function authenticator({ context, page }) {
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  const tell = (what, more = {}) => devtools.send(`WebAuthn.${what}`, { authenticatorId, ...more });
  return {
    keys: async () => (await tell("getCredentials")).credentials,
    verifies: (isUserVerified) => tell("setUserVerified", { isUserVerified }),
    // Has it hold this key and no other.
    holds: async (credential) => {
      await tell("clearCredentials");
      await tell("addCredential", { credential });
    },
  };
}
