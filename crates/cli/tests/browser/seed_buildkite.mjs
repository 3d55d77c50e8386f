// Buildkite's page on agent tokens, click by click. Each step is named after the part of the page that it follows. What that page has people
// do by GraphQL alone can be done by clicks here too.
import { accepts, connect, organization, pings, register } from "./api.mjs";
import { ask, home, main, openSettings, openTab, pasted, person, prove, proved, row, setting, settings, shownValue, shows, signIn, step } from "./lib.mjs";

const DEFAULT = "Default agent registration token";
const NEW = "Read-only token for static site generator";
const MINUTE = 60;

await main(async (browser) => {
  const ada = await person(browser);
  const { page, context } = ada;
  await signIn(ada, setting.admin);
  let value;
  let own;

  await step("an admin sees the organization's tokens on the page of agents", async (must) => {
    await page.goto("/organizations/-/agents");
    must(await shows(page.getByRole("heading", { level: 2, name: "Agent tokens" })), page.url());
    must(await row(page, DEFAULT).count() === 1, "the default token is not on the page");
    must(!(await page.content()).includes("csnat_"), "a value is in the page that nobody asked for");
  });
  await step("the default token: there is one from the beginning, and it works", async (must) => {
    await proved(page, () => row(page, DEFAULT).getByRole("button", { name: "Reveal Agent Token" }).click());
    if (await page.locator("#token-value").count() === 0) await row(page, DEFAULT).getByRole("button", { name: "Reveal Agent Token" }).click();
    await page.locator("#token-value").waitFor();
    const first = await shownValue(page);
    must(first && await accepts(first), first);
  });

  await step("creating tokens: the description names the environment, and is needed", async (must) => {
    await openSettings(page);
    await openTab(page, "Tokens");
    await page.getByRole("link", { name: "+ Create agent token" }).first().click();
    must((await page.innerText("#description-hint")).includes("environment"), await page.innerText("main"));
    await page.getByRole("button", { name: "Create agent token" }).click();
    must(new URL(page.url()).pathname === `${settings}/tokens/new`, "a token without a description was made");
    await page.fill("#description", NEW);
    must(await page.getByLabel("For 10 minutes after creation").isChecked(), "the window is not the default");
    await page.getByRole("button", { name: "Create agent token" }).click();
    await page.waitForURL("**/value");
    value = await shownValue(page);
    own = page.url();
    must(value && await accepts(value), value);
  });
  await step("using tokens: the start command has the value in BUILDKITE_AGENT_TOKEN", async (must) => {
    const command = await page.locator("#start-buildkite-code").innerText();
    must(command.startsWith(`BUILDKITE_AGENT_TOKEN="${value}" buildkite-agent start`), command);
    await page.locator('[data-copy="start-buildkite-code"]').click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    must(await pasted(context) === command, "another text was pasted");
  });
  await step("creating tokens: within ten minutes the value stays visible when the page is reloaded", async (must) => {
    await page.reload();
    must(await shownValue(page) === value, await shownValue(page));
    await ask("advance", { seconds: 9 * MINUTE });
    await page.reload();
    must(new URL(page.url()).pathname !== "/prove", "the password is asked for within the ten minutes");
    must(await shownValue(page) === value, await shownValue(page));
  });
  await step("creating tokens: after ten minutes the value is gone", async (must) => {
    await ask("advance", { seconds: 2 * MINUTE });
    await page.reload();
    must(await shownValue(page) === null && !(await page.content()).includes(value), "the value is shown");
    must(await page.getByRole("button", { name: "Reveal token" }).count() === 0, "it is offered to be revealed");
    must(await accepts(value), "the token itself is accepted no more");
  });
  await step("creating tokens: the organization's id is on the page of its settings", async (must) => {
    await openSettings(page);
    const id = await page.innerText("#organization-id");
    must(id === await organization(), id);
    await page.locator('[data-copy="organization-id"]').click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    must(await pasted(context) === id, "another text was pasted");
  });
  await step("creating tokens: the description is shown on the page of agents", async (must) => {
    await page.goto(`${home}/agents`);
    must(await row(page, NEW).count() === 1, await page.innerText("main"));
  });
  await step("creating tokens: there can be several, and all are on the page of agents", async (must) => {
    for (const name of ["Oslo", "Bergen"]) {
      await page.goto(`${settings}/tokens/new`);
      await prove(page);
      await page.fill("#description", name);
      await page.getByRole("button", { name: "Create agent token" }).click();
      await page.waitForURL("**/value");
    }
    await page.goto(`${home}/agents`);
    for (const name of [DEFAULT, NEW, "Oslo", "Bergen"]) must(await row(page, name).count() === 1, name);
  });
  await step("revoking tokens: Agents > Reveal Agent Token", async (must) => {
    const reveal = () => row(page, "Oslo").getByRole("button", { name: "Reveal Agent Token" }).click();
    await reveal();
    await page.waitForLoadState("load");
    await prove(page);
    await page.locator("#token-value").waitFor();
    must(await accepts(await shownValue(page)), "the value is refused");
  });

  let session;
  await step("revoking tokens: with a reason, which is kept", async (must) => {
    session = await register(value, "connected-before");
    must(session && await connect(session), "no agent can register");
    await page.goto(own.replace("/value", "/revoke"));
    await prove(page);
    must((await page.innerText(".effects")).includes("1 agent is connected with it"), await page.innerText(".effects"));
    // What hangs on the token changes while it is being read: it is shown again.
    await register(value, "connected-meanwhile");
    await page.fill("#reason", "Left in a public log");
    await page.getByRole("button", { name: "Revoke the token" }).click();
    must(await shows(page.getByRole("alert").filter({ hasText: "has changed since" })), page.url());
    must((await page.innerText(".effects")).includes("2 agents are connected with it"), await page.innerText(".effects"));
    must(await page.inputValue("#reason") === "Left in a public log", "what was written is lost");
    must(await page.getByLabel("Keep: they stay connected").isChecked(), "the mildest is not the default");
    await page.getByRole("button", { name: "Revoke the token" }).click();
    await page.getByRole("status").filter({ hasText: "The token is revoked" }).waitFor();
    must(await shows(page.getByText("Left in a public log").first()), await page.innerText("main"));
    must((await page.innerText("main")).includes("2 agents are still connected with it"), await page.innerText("main"));
    await page.getByRole("link", { name: "Disconnect or drain its agents" }).click();
    await page.getByRole("heading", { name: "Agents of a revoked token" }).waitFor();
    must(await page.getByRole("radio", { checked: true }).count() === 0, "what becomes of them is chosen for one");
  });
  await step("revoking tokens: no new agent can start with the token", async (must) => {
    must(!(await accepts(value)), "the token is accepted");
    must(await register(value, "too-late") === null, "an agent has registered");
  });
  await step("revoking tokens: connected agents are not affected", async (must) => {
    must(await pings(session), "its calls are refused");
    await page.goto(`${home}/agents`);
    must((await row(page, "connected-before").innerText()).includes("Connected"), await page.innerText("main"));
  });
  await step("scope of access: another organization's tokens are not there", async (must) => {
    const grace = await person(browser);
    await signIn(grace, setting.member);
    const answer = await grace.page.goto(own.replace("/value", ""));
    must([403, 404].includes(answer.status()), answer.status());
    must((await page.goto(`${settings.replace(setting.organization, "globex")}/tokens`)).status() === 404, page.url());
    must(grace.faults.length === 0, grace.faults);
  });

  await step("no page shows a dialog of the browser, throws, or runs into its own policy", async (must) => {
    must(ada.faults.length === 0, ada.faults);
  });
});
