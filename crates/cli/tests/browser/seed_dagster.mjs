// The guide of Dagster+ on user and agent tokens, click by click. Each step is named after the part of the guide that it follows.
import { accepts } from "./api.mjs";
import { ask, main, openSettings, openTab, pasted, person, prove, proved, row, setting, settings, shownValue, shows, signIn, step } from "./lib.mjs";

const MENU = "the user menu leads to Organization Settings";
const FIRST = "Oslo build farm";
const RENAMED = "Bergen build farm";
const OWN = "Release script";

async function toTokens(page) {
  await openSettings(page);
  await openTab(page, "Tokens");
}

await main(async (browser) => {
  const ada = await person(browser);
  const { page, context } = ada;
  let value;

  await step("creating agent tokens, 1: signing in", async (must) => {
    await page.goto("/");
    must(new URL(page.url()).pathname === "/sign-in", page.url());
    await signIn(ada, setting.admin);
    must(!page.url().includes("#"), "the value of the link stays in the address");
  });
  await step(`creating agent tokens, 2: ${MENU}`, async (must) => {
    await openSettings(page);
    must(await shows(page.getByRole("heading", { level: 1, name: "General" })), page.url());
  });
  await step("creating agent tokens, 3: the tab Tokens", async (must) => {
    await openTab(page, "Tokens");
    must(await shows(page.getByRole("heading", { level: 1, name: "Agent tokens" })), page.url());
  });
  await step("creating agent tokens, 4: + Create agent token", async (must) => {
    await page.getByRole("link", { name: "+ Create agent token" }).first().click();
    await page.fill("#description", FIRST);
    must(await page.getByRole("switch", { name: "Org Agent" }).isChecked(), "a new token is no Org Agent by default");
    await page.getByLabel("For as long as the token lives").check();
    await page.getByRole("button", { name: "Create agent token" }).click();
    await page.waitForURL("**/value");
    value = await shownValue(page);
    must(value && await accepts(value), value);
    must(await shows(page.getByText("buildkite-agent start")), "no command to start an agent with");
  });

  await step("after creation: Reveal token shows the value", async (must) => {
    await toTokens(page);
    must(!(await page.content()).includes(value), "the list has the value");
    await row(page, FIRST).getByRole("button", { name: "Reveal token" }).click();
    await page.locator("#token-value").waitFor();
    must(await shownValue(page) === value, await shownValue(page));
  });
  await step("after creation: long after it too, where the policy is always", async (must) => {
    await ask("advance", { seconds: 3600 });
    await toTokens(page);
    await row(page, FIRST).getByRole("button", { name: "Reveal token" }).click();
    // What was asked for is done afterwards, without another click.
    must(await prove(page), "who one is is not asked again after an hour");
    await page.locator("#token-value").waitFor();
    must(await shownValue(page) === value, await shownValue(page));
    must(!page.url().includes("reveal"), "a reload would ask for the value again");
  });
  await step("after creation: a click on the value copies it to the clipboard", async (must) => {
    await page.locator("#token-value").click();
    await page.getByText("Copied to the clipboard.").waitFor();
    must(await pasted(context) === value, "another text was pasted");
    await page.locator("[data-secret]").getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
  });
  await step("after creation: the pencil edits the description", async (must) => {
    await toTokens(page);
    await row(page, FIRST).getByRole("link", { name: `Edit the description of ${FIRST}` }).click();
    must(await page.inputValue("#description") === FIRST, await page.inputValue("#description"));
    await page.fill("#description", RENAMED);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("status").filter({ hasText: "description is saved" }).waitFor();
    must(new URL(page.url()).pathname.endsWith("/tokens"), "the pencil edits in place");
    must(await page.evaluate(() => document.activeElement.matches("a.pencil")), "the pencil has the focus again");
    await toTokens(page);
    must(await row(page, RENAMED).count() === 1 && await row(page, FIRST).count() === 0, "the list has another name");
  });

  const dialog = page.getByRole("dialog");
  await step("permissions, 1 to 4: Edit beside the token opens the dialog", async (must) => {
    await toTokens(page);
    await row(page, RENAMED).getByRole("link", { name: "Edit permissions" }).click();
    await dialog.waitFor();
    must(await dialog.getByRole("heading", { level: 1 }).innerText() === `Permissions of ${RENAMED}`, await dialog.innerText());
    must(new URL(page.url()).pathname === `${settings}/tokens`, page.url());
    must(await dialog.evaluate((it) => it.contains(document.activeElement)), "the focus is elsewhere");
  });
  const toggle = dialog.getByRole("switch", { name: "Org Agent" });
  const boxes = dialog.getByRole("group", { name: "Deployments" });
  await step("permissions: by default a token reaches every deployment and branch deployment, which is called Org Agent", async (must) => {
    must(await toggle.isChecked(), "the toggle is off");
    must((await row(page, RENAMED).innerText()).includes("Org Agent: every deployment"), await row(page, RENAMED).innerText());
  });
  await step("permissions: the toggle is at the top right of the dialog", async (must) => {
    const [of, it, below] = [await dialog.boundingBox(), await toggle.boundingBox(), await boxes.boundingBox()];
    must(it.x > of.x + of.width / 2, { of, it });
    must(it.y < of.y + of.height / 3 && it.y < below.y, { of, it, below });
  });
  await step("permissions: single deployments can be edited once Org Agent is off", async (must) => {
    const one = boxes.getByRole("checkbox", { name: "default", exact: true });
    must(await one.isDisabled(), "a deployment can be ticked while Org Agent is on");
    await toggle.uncheck();
    must(await one.isEnabled(), "no deployment can be ticked while Org Agent is off");
    must(await boxes.getByRole("checkbox", { name: "All branch deployments" }).isEnabled(), "branch deployments cannot be ticked");
    await one.check();
    await dialog.getByRole("button", { name: "Save permissions" }).click();
    must(await shows(page.getByRole("status").filter({ hasText: "permissions are saved" })), page.url());
    await toTokens(page);
    must((await row(page, RENAMED).innerText()).includes("default"), await row(page, RENAMED).innerText());
    must(!(await row(page, RENAMED).innerText()).includes("Org Agent"), await row(page, RENAMED).innerText());
  });

  await step("revoking, 1 to 5: Revoke is at the bottom left of the permissions dialog", async (must) => {
    await row(page, RENAMED).getByRole("link", { name: "Edit permissions" }).click();
    await dialog.waitFor();
    must(!(await toggle.isChecked()), "the toggle was not kept");
    const revoke = dialog.getByRole("link", { name: "Revoke" });
    const [of, it, above] = [await dialog.boundingBox(), await revoke.boundingBox(), await boxes.boundingBox()];
    must(it.x < of.x + of.width / 3 && it.y > above.y + above.height, { of, it, above });
    await revoke.click();
    await page.waitForURL("**/revoke");
  });
  await step("revoking, 5: one is asked to confirm", async (must) => {
    must(await shows(page.getByRole("heading", { name: "What will happen" })), page.url());
    must(await accepts(value), "the token was revoked before that was confirmed");
    await page.fill("#reason", "Left in a public log");
    await page.getByRole("button", { name: "Revoke the token" }).click();
    must(await shows(page.getByText("Left in a public log").first()), page.url());
    must(!(await accepts(value)), "the token is accepted");
    await toTokens(page);
    must(await row(page, RENAMED).count() === 0, "it is listed as live");
    await page.selectOption("#filter", "revoked");
    await page.getByRole("button", { name: "Search" }).click();
    must((await row(page, RENAMED).innerText()).includes("Revoked"), "it is not listed as revoked");
  });

  const userTokens = async () => {
    await toTokens(page);
    await page.getByRole("navigation", { name: "Kinds of tokens" }).getByRole("link", { name: "User tokens" }).click();
    await page.waitForURL("**/user-tokens");
  };
  await step("user tokens, 1 to 4: + Create user token", async (must) => {
    await userTokens();
    await proved(page, () => page.getByRole("link", { name: "+ Create user token" }).first().click());
    if (await page.locator("#description").count() === 0) await page.goto(`${settings}/user-tokens/new`);
    await page.fill("#description", "Script");
    await page.getByLabel("For as long as the token lives").check();
    await page.getByRole("button", { name: "Create user token" }).click();
    await page.waitForURL("**/value");
    value = await shownValue(page);
    must(value && await accepts(value), value);
  });
  await step("user tokens: the pencil edits the description", async (must) => {
    await userTokens();
    await row(page, "Script").getByRole("link", { name: "Edit the description" }).click();
    await page.fill("#description", OWN);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("status").filter({ hasText: "description is saved" }).waitFor();
    await userTokens();
    must(await row(page, OWN).count() === 1, "the list has another name");
  });
  await step("user tokens: Reveal token shows the value", async (must) => {
    await ask("advance", { seconds: 3600 });
    await userTokens();
    await row(page, OWN).getByRole("button", { name: "Reveal token" }).click();
    must(await prove(page), "who one is is not asked again after an hour");
    await page.locator("#token-value").waitFor();
    must(await shownValue(page) === value, await shownValue(page));
  });
  await step("user tokens: a click on the value copies it to the clipboard", async (must) => {
    await page.locator("#token-value").click();
    await page.getByText("Copied to the clipboard.").waitFor();
    must(await pasted(context) === value, "another text was pasted");
  });
  await step("user tokens: Revoke", async (must) => {
    await userTokens();
    await proved(page, () => row(page, OWN).getByRole("link", { name: "Revoke" }).click());
    await page.fill("#reason", "Not needed");
    await page.getByRole("button", { name: "Revoke the token" }).click();
    must((await row(page, OWN).innerText()).includes("Revoked"), await page.innerText("main"));
    must(!(await accepts(value)), "the token is accepted");
  });

  const grace = await person(browser);
  let hers;
  await step("user tokens: managing those of others needs an Organization Admin", async (must) => {
    await signIn(grace, setting.member);
    await openSettings(grace.page);
    await openTab(grace.page, "Tokens");
    must(await grace.page.getByLabel("Manage tokens for").count() === 0, "a member is offered the tokens of others");
    must(await grace.page.getByRole("link", { name: "Agent tokens" }).count() === 0, "a member is led to agent tokens");
    const answer = await grace.page.goto(`${settings}/tokens`);
    must(answer.status() === 403, answer.status());
    await grace.page.goto(`${settings}/user-tokens`);
    await proved(grace.page, () => grace.page.getByRole("link", { name: "+ Create user token" }).first().click());
    await grace.page.fill("#description", "Nightly script");
    await grace.page.getByRole("button", { name: "Create user token" }).click();
    await grace.page.waitForURL("**/value");
    hers = await shownValue(grace.page);
    must(hers && await accepts(hers), hers);
  });
  await step("user tokens: Manage tokens for selects another member", async (must) => {
    await userTokens();
    const choice = page.getByLabel("Manage tokens for");
    const option = await choice.locator("option").filter({ hasText: setting.member.email }).getAttribute("value");
    await choice.selectOption(option);
    await page.getByRole("button", { name: "Show" }).click();
    must(await shows(page.getByRole("heading", { level: 1, name: `of ${setting.member.name}` })), await page.innerText("main"));
    must(await row(page, "Nightly script").count() === 1 && await row(page, OWN).count() === 0, await page.innerText("main"));
    must(await page.getByRole("button", { name: "Reveal token" }).count() === 0, "another member's value can be revealed");
    await proved(page, () => row(page, "Nightly script").getByRole("link", { name: "Revoke" }).click());
    await page.fill("#reason", "Lost");
    await page.getByRole("button", { name: "Revoke the token" }).click();
    must((await row(page, "Nightly script").innerText()).includes("Revoked"), await page.innerText("main"));
    must(!(await accepts(hers)), "the token is accepted");
  });

  await step("no page shows a dialog of the browser, throws, or runs into its own policy", async (must) => {
    must(ada.faults.length + grace.faults.length === 0, [...ada.faults, ...grace.faults]);
  });
});
