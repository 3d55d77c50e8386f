// The stories of creating, permissions and revoking where the browser runs no script at all.
import { accepts } from "./api.mjs";
import { main, openSettings, openTab, person, prove, proved, row, setting, settings, shownValue, shows, signIn, step } from "./lib.mjs";

await main(async (browser) => {
  const ada = await person(browser, { javaScriptEnabled: false });
  const { page } = ada;
  let value;

  await step("signing in: the link is pasted", async (must) => {
    await signIn(ada, setting.admin, false);
    must(await shows(page.getByRole("heading", { level: 1 }).first()), page.url());
  });
  await step("the user menu opens", async (must) => {
    await openSettings(page);
    await openTab(page, "Tokens");
    must(await shows(page.getByRole("heading", { level: 1, name: "Agent tokens" })), page.url());
  });
  await step("creating: the value is shown, and selecting it is all that is offered", async (must) => {
    await page.getByRole("link", { name: "+ Create agent token" }).first().click();
    await page.fill("#description", "Plain");
    await page.getByRole("button", { name: "Create agent token" }).click();
    await page.waitForURL("**/value");
    value = await shownValue(page);
    must(value && await accepts(value), value);
    must(await page.locator("[data-copy]:visible").count() === 0, "a button is shown that does nothing");
    must(await shows(page.getByText("Select the value and copy it")), await page.innerText("main"));
    await page.reload();
    must(await shownValue(page) === value, await shownValue(page));
  });
  await step("revealing", async (must) => {
    await page.goto(`${settings}/tokens`);
    await proved(page, () => row(page, "Plain").getByRole("button", { name: "Reveal token" }).click(), false);
    must(await shownValue(page) === value, await shownValue(page));
  });
  await step("the pencil", async (must) => {
    await page.goto(`${settings}/tokens`);
    await row(page, "Plain").getByRole("link", { name: "Edit the description" }).click();
    await page.fill("#description", "Simple");
    await page.getByRole("button", { name: "Save" }).click();
    must(await shows(page.getByRole("status").filter({ hasText: "description is saved" })), page.url());
  });
  await step("permissions: a page of its own, on which every box can be ticked", async (must) => {
    await page.goto(`${settings}/tokens`);
    await row(page, "Simple").getByRole("link", { name: "Edit permissions" }).click();
    await prove(page, false);
    must(new URL(page.url()).pathname.endsWith("/permissions"), page.url());
    await page.getByRole("switch", { name: "Org Agent" }).uncheck();
    await page.getByRole("checkbox", { name: "default", exact: true }).check();
    await page.fill("#queues", "deploy");
    await page.getByRole("button", { name: "Save permissions" }).click();
    must(await shows(page.getByRole("status").filter({ hasText: "permissions are saved" })), page.url());
    await page.goto(`${settings}/tokens`);
    must((await row(page, "Simple").innerText()).includes("default; queue deploy"), await row(page, "Simple").innerText());
  });
  await step("revoking: from the permissions, with its confirmation", async (must) => {
    await row(page, "Simple").getByRole("link", { name: "Edit permissions" }).click();
    await page.locator(".foot").getByRole("link", { name: "Revoke" }).click();
    must(await shows(page.getByRole("heading", { name: "What will happen" })), page.url());
    must(await accepts(value), "it was revoked before that was confirmed");
    await page.fill("#reason", "Not needed");
    await page.getByRole("button", { name: "Revoke the token" }).click();
    must(await shows(page.getByText("The token is revoked")), page.url());
    must(!(await accepts(value)), "the token is accepted");
  });
  await step("a user token is created and revoked", async (must) => {
    await page.goto(`${settings}/user-tokens/new`);
    await page.fill("#description", "Mine");
    await page.getByRole("button", { name: "Create user token" }).click();
    await page.waitForURL("**/value");
    value = await shownValue(page);
    must(value && await accepts(value), value);
    await page.goto(`${settings}/user-tokens`);
    await proved(page, () => row(page, "Mine").getByRole("link", { name: "Revoke" }).click(), false);
    await page.getByRole("button", { name: "Revoke the token" }).click();
    must(!(await accepts(value)), "the token is accepted");
  });
  await step("a look is chosen, and one signs out", async (must) => {
    await page.locator("details.menu summary").click();
    await page.getByRole("button", { name: "Dark" }).click();
    must(await shows(page.locator('html[data-theme="dark"]')), page.url());
    await page.locator("details.menu summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    await page.goto(settings);
    must(new URL(page.url()).pathname === "/sign-in", page.url());
  });
});
