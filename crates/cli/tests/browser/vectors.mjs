// Markup and scripts, in every field that a stranger can fill: each is shown as the text that it is. No dialog, no node that no template has,
// no report of the pages' own policy. The same texts on a page that writes them raw are found out.
import { createServer } from "node:http";
import { createToken, graphql, organization, register, connect, revokeToken } from "./api.mjs";
import { home, main, person, setting, settings, signIn, step } from "./lib.mjs";
import { bundles, each, missing, wrongs } from "./vector_checks.mjs";
import { SHORT, VECTORS } from "./vector_list.mjs";
import { dagster, work } from "./vector_work.mjs";

// Most characters of a reason, of a name, and of what a browser calls itself.
const REASON = 1000;
const NAME = 100;
const USER_AGENT = 256;
// How many people are invited: each chooses a password, which costs a while to hash.
const PEOPLE = 8;

// Whether a fault of this kind is seen in the end.
async function reports(who, kind) {
  for (let looks = 0; looks < 600; looks += 1) {
    if (who.faults.some((it) => it.startsWith(kind))) return true;
    await who.page.waitForTimeout(100);
  }
  return false;
}

await main(async (browser) => {
  const ada = await person(browser);
  const { page } = ada;
  await signIn(ada, setting.admin);
  const shown = async (path, texts, must) => {
    const left = await missing(page, path, texts, must);
    must(left.length === 0, `${path}: ${left.length} of ${texts.length} are not shown as they are, such as ${left[0]}`);
  };

  await step("there are enough of them", async (must) => {
    must(VECTORS.length >= 200 && new Set(VECTORS).size === VECTORS.length, VECTORS.length);
  });
  const tokens = [];
  await step("descriptions of agent tokens", async (must) => {
    await each(VECTORS, async (text) => {
      const made = await createToken(text);
      must(made, `refused: ${text}`);
      tokens.push({ text, ...made });
    });
    await shown(`${settings}/tokens`, VECTORS, must);
  });
  await step("names, hosts, versions and tags of agents", async (must) => {
    const names = [];
    await each(tokens, async ({ text, value }) => {
      const more = { hostname: `${text} host`, version: `${text} version`, meta_data: ["queue=default", `vector=${text}`] };
      // What is no name of an agent is refused, and is a host then.
      const session = (await register(value, text, more)) ?? (await register(value, "plain", more)) ?? (await register(value, "plain", { hostname: text }));
      must(session && await connect(session), `refused: ${text}`);
      names.push(text);
    });
    await shown(`${home}/agents`, names, must);
    const { uuid, text } = tokens[0];
    await shown(`${settings}/tokens/${uuid}`, [text], must);
    await shown(`${settings}/tokens/${uuid}/revoke`, [text], must);
  });
  await step("reasons, on the page of the token and in the audit log", async (must) => {
    const reasons = bundles(VECTORS, REASON);
    for (const [at, reason] of reasons.entries()) {
      await revokeToken(tokens[at].id, reason);
      await shown(`${settings}/tokens/${tokens[at].uuid}`, [reason], must);
    }
    await shown(`${settings}/audit-log`, tokens.slice(-20).map(({ text }) => text), must);
  });
  await step("descriptions of deployments, service users, teams and user tokens", async (must) => {
    const id = await organization();
    const texts = bundles(VECTORS, REASON);
    for (const [at, text] of texts.entries()) {
      const made = await graphql(
        `mutation($id: ID!, $text: String!, $name: String!) {
          a: deploymentCreate(input: {name: $name, description: $text}) { deployment { id } }
          b: serviceUserCreate(input: {name: $name, description: $text}) { serviceUser { id } }
          c: teamCreate(input: {organizationID: $id, name: $name, description: $text}) { team { id } }
          d: userTokenCreate(input: {description: $text}) { userToken { id } } }`,
        { id, text, name: `vector-${at}` },
      );
      must(made.a && made.b && made.c && made.d, `refused: ${text}`);
    }
    for (const path of ["deployments", "members", "teams", "user-tokens"]) await shown(`${settings}/${path}`, texts, must);
  });
  await step("names of members, chosen by whoever accepts an invitation", async (must) => {
    const names = [];
    for (const [at, name] of SHORT.filter((text) => text.length <= NAME).slice(0, PEOPLE).entries()) {
      const query = "mutation($email: String!) { organizationInvitationCreate(input: {email: $email}) { invitationValue } }";
      const made = await graphql(query, { email: `stranger-${at}@example.com` });
      const stranger = await person(browser);
      await stranger.page.goto("/invitation");
      await stranger.page.fill("#link", made.organizationInvitationCreate.invitationValue);
      await stranger.page.fill("#name", name);
      await stranger.page.fill("#password", setting.password);
      await stranger.page.getByRole("button", { name: "Become a member" }).click();
      await stranger.page.waitForLoadState("load");
      if (new URL(stranger.page.url()).pathname !== "/invitation") names.push(name);
      const found = await wrongs(stranger.page);
      must(found.length === 0 && stranger.faults.length === 0, [...found, ...stranger.faults]);
      await stranger.context.close();
    }
    must(names.length > 0, "each name was refused");
    await shown(`${settings}/members`, names, must);
    await shown(`${settings}/user-tokens`, names, must);
  });
  await work({ page, shown });
  await dagster({ shown });
  await step("what browsers call themselves", async (must) => {
    const agents = bundles(SHORT.filter((text) => /^[\x21-\x7e][\x20-\x7e]*$/.test(text)), USER_AGENT).slice(0, 3);
    for (const userAgent of agents) {
      const other = await person(browser, { userAgent });
      await other.page.goto("/sign-in");
      await other.page.fill("#email", setting.admin.email);
      await other.page.fill("#password", setting.password);
      await other.page.getByRole("button", { name: "Sign in", exact: true }).click();
      await other.page.waitForURL((url) => url.pathname.startsWith("/organizations/"));
      await other.context.close();
    }
    await shown("/account", agents, must);
  });
  await step("what is searched for, and where one is led", async (must) => {
    for (const text of SHORT.filter((_, at) => at % 3 === 0)) {
      for (const path of [`${settings}/tokens`, `${home}/agents`, `${settings}/audit-log`]) {
        await page.goto(`${path}?search=${encodeURIComponent(text)}&filter=${encodeURIComponent(text)}&show=${encodeURIComponent(text)}`);
        const found = await wrongs(page);
        must(found.length === 0, `${path}: ${found.join("\n")}`);
        // What cannot be searched for has a page that says so.
        const field = page.locator("#search");
        if (await field.count() === 1) must(await field.inputValue() === text, `${path}: ${await field.inputValue()}`);
      }
      await page.goto(`/sign-in?to=${encodeURIComponent(text)}`);
      const found = await wrongs(page);
      must(found.length === 0, `/sign-in: ${found.join("\n")}`);
    }
  });
  await step("0 dialogs, 0 reports of the pages' own policy, 0 faults of a script", async (must) => {
    must(ada.faults.length === 0, ada.faults);
  });

  await step("control: a page that writes them raw is found out, with a policy and without", async (must) => {
    let policy = "";
    const raw = createServer((_, answer) => {
      answer.setHeader("Content-Type", "text/html");
      if (policy) answer.setHeader("Content-Security-Policy", policy);
      answer.end(`<!doctype html><title>Raw</title><main>${VECTORS.join("\n")}</main>`);
    });
    await new Promise((ready) => { raw.listen(0, "127.0.0.1", ready); });
    const address = `http://127.0.0.1:${raw.address().port}/`;
    const bare = await person(browser);
    await bare.page.goto(address, { waitUntil: "commit" });
    must(await reports(bare, "dialog"), "no dialog was seen");
    must((await wrongs(bare.page)).some((it) => it.startsWith("a script") || it.startsWith("an element")), "no node was seen");
    policy = (await page.goto("/sign-in")).headers()["content-security-policy"];
    const guarded = await person(browser);
    await guarded.page.goto(address, { waitUntil: "commit" });
    must(await reports(guarded, "policy"), "no report of the policy was seen");
    // What ran in spite of it would have had time to say so.
    await guarded.page.waitForTimeout(500);
    must(!guarded.faults.some((it) => it.startsWith("dialog")), "the policy let a script run");
    raw.close();
  });
});
