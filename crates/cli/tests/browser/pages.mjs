// Which pages there are, from the server's own list.
import { home, setting, settings } from "./lib.mjs";

// Addresses that only lead on.
const LEADS_ON = new Set(["/", "/organizations/{organization}/settings/teams/{team}/members"]);
const LEADS_BACK = /\/roles\/take$/;
// Files and streams, which no window shows; and the pages of one passkey, which passkeys.mjs looks at: a browser is needed to have one.
const NO_PAGES = /\/(events|log|export|artifacts\/\{artifact\}|passkeys\/\{passkey\}\/\w+)$/;
// What anyone may see.
export const OPEN = ["/sign-in", "/sign-in/link", "/invitation"];

// Of routes, those that are pages.
export function only(routes) {
  return routes.filter(({ route }) => !route.startsWith("/assets/") && !route.endsWith("/reveal") && !NO_PAGES.test(route) && !LEADS_BACK.test(route) && !LEADS_ON.has(route));
}

// Every page: the routes that are asked for by GET, with something in the places that they leave open.
export function pages() {
  const all = only(setting.pages);
  if (all.length < 20) throw new Error(`only ${all.length} pages: the list is not read as it was`);
  return all;
}

// What development alone has: every component there is.
export const DEVELOPMENT = ["/dev/components", "/dev/components/dialog"];

// A page that is the answer to a form: a fault at a field, with what was written.
export async function fault(page) {
  await page.goto(`${settings}/tokens/new`);
  await page.locator("#networks").fill("everywhere");
  await page.locator("#description").fill("Oslo");
  await page.getByRole("button", { name: "Create agent token" }).click();
  await page.locator("#networks-error").waitFor();
}

// The permissions as a dialog above the list.
export async function dialog(page) {
  await page.goto(`${settings}/tokens`);
  await page.getByRole("link", { name: "Edit permissions" }).first().click();
  await page.getByRole("dialog").waitFor();
}

// The user menu, open.
export async function menu(page) {
  await page.goto(`${home}/agents`);
  await page.locator("details.menu summary").click();
}

// A page with a value.
export async function value(page) {
  await page.goto(`${settings}/tokens/new`);
  await page.fill("#description", "Fresh");
  await page.getByRole("button", { name: "Create agent token" }).click();
  await page.locator("#token-value").waitFor();
}

export const STATES = { fault, dialog, menu, value };
