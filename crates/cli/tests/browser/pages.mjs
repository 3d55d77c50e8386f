// Which pages there are, from the server's own list.
import { connect, createToken, register, revokeToken } from "./api.mjs";
import { ask, authenticator, home, setting, settings, shownValue } from "./lib.mjs";

// Addresses that only lead on.
const LEADS_ON = new Set(["/", "/organizations/{organization}/settings/teams/{team}/members"]);
const LEADS_BACK = /\/roles\/take$/;
// Files and streams, which no window shows; and the pages of one passkey, which are states below: a browser is needed to have one.
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
async function dialog(page) {
  await page.goto(`${settings}/tokens`);
  await page.getByRole("link", { name: "Edit permissions" }).first().click();
  await page.getByRole("dialog").waitFor();
}

// The user menu, open.
async function menu(page) {
  await page.goto(`${home}/agents`);
  await page.locator("details.menu summary").click();
}

// A page with a value.
async function value(page) {
  await page.goto(`${settings}/tokens/new`);
  await page.fill("#description", "Fresh");
  await page.getByRole("button", { name: "Create agent token" }).click();
  await page.locator("#token-value").waitFor();
}

// The agents that a revoked token has left connected.
async function leaving(page) {
  const token = await createToken("Render farm");
  await connect(await register(token.value, "render-1"));
  await revokeToken(token.id, "Its host was stolen");
  await page.goto(`${settings}/tokens/${token.uuid}/revoke`);
  await page.getByRole("heading", { name: "Agents of a revoked token" }).waitFor();
}

// An invitation that was made, with its link.
async function invited(page) {
  await page.goto(`${settings}/members/invite`);
  await page.fill("#email", "newcomer@acme.example");
  await page.getByRole("button", { name: "Create invitation" }).click();
  await page.getByRole("region", { name: "Invitation" }).waitFor();
}

// A link by which a member signs in, who became one by the invitation above.
async function link(page) {
  const invitation = await shownValue(page);
  const theirs = await page.context().browser().newContext({ baseURL: setting.address });
  const newcomer = await theirs.newPage();
  await newcomer.goto(invitation);
  await newcomer.waitForURL("**/invitation");
  await newcomer.fill("#name", "Newcomer");
  await newcomer.fill("#password", setting.password);
  await newcomer.getByRole("button", { name: "Become a member", exact: true }).click();
  await newcomer.waitForURL(`**${home}**`);
  await theirs.close();
  await page.goto(`${settings}/members?search=newcomer`);
  await page.getByRole("link", { name: "Newcomer", exact: true }).click();
  await page.getByRole("button", { name: "Make a sign-in link" }).click();
  await page.getByRole("region", { name: "Sign-in link" }).waitFor();
}

// Whoever is about to take their own role from themself.
async function demotion(page) {
  await page.goto(`${settings}/members`);
  await page.getByRole("rowheader").filter({ hasText: setting.admin.email }).getByRole("link").click();
  await page.locator("input[name=role][value=member]").check();
  await page.getByRole("button", { name: "Change the role" }).click();
  await page.getByRole("heading", { name: "Become a plain member" }).waitFor();
}

// A passkey, on its way to another name, and out.
async function renaming(page) {
  await authenticator({ context: page.context(), page });
  await page.goto("/account/passkeys/new");
  await page.fill("#name", "Laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("link", { name: "Rename" }).click();
  await page.locator("#name").waitFor();
}

async function removal(page) {
  await page.goto("/account");
  await page.getByRole("link", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove the passkey" }).waitFor();
}

// Whoever sent a form too late, and is asked who they are before it is done.
async function proof(page) {
  await page.goto(`${settings}/tokens/new`);
  await page.fill("#description", "Kept while one proves who one is");
  await ask("advance", { seconds: 301 });
  await page.getByRole("button", { name: "Create agent token" }).click();
  await page.getByRole("heading", { name: "Confirm that it is you" }).waitFor();
}

// In this order: some need what the one before has left, and after the last one proves anew who one is.
export const STATES = { fault, dialog, menu, value, leaving, invited, link, demotion, renaming, removal, proof };
