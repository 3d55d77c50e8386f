// A provider of OpenID Connect, which is another site: signing in, proving, an invitation, and who does not get in.
import { fork } from "node:child_process";
import { AXE, ask, cookie, home, main, person, prove, setting, settings, shows, signIn, signOut, step, violations } from "./lib.mjs";

const { issuer } = setting.provider;
const WITH = "Sign in with localhost";
const HELD = "countersign-provider";
const SIGN_IN = "countersign";

function startProvider() {
  // What it writes is no line of the conversation with the test.
  const child = fork(new URL("oidc.mjs", import.meta.url), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  return new Promise((resolve, reject) => {
    child.on("message", () => resolve(child));
    child.on("exit", () => reject(new Error("the provider has ended")));
    child.send({ ...setting.provider, callback: `${setting.address}/sign-in/callback` });
  });
}

// Says at the provider who one is.
async function logIn(page, email) {
  await page.waitForURL(`${issuer}/interaction/**`);
  await page.fill("[name=login]", email);
  await page.getByRole("button", { name: "Log in" }).click();
}

// Signs in by the provider, from the page of signing in.
async function enter(page, email) {
  await page.getByRole("button", { name: WITH }).click();
  await logIn(page, email);
}

function isAt(path) {
  return (url) => url.origin === setting.address && url.pathname === path;
}

// The words of a page that says that somebody was not let in.
async function refusal(page) {
  await page.waitForURL(isAt("/sign-in"));
  return page.getByRole("alert").innerText();
}

const provider = await startProvider();
process.on("exit", () => { provider.kill("SIGKILL"); });

await main(async (browser) => {
  const ada = await person(browser);
  const { page, context } = ada;
  await context.addInitScript({ path: AXE });
  // With a password, which is asked for at the end.
  await signIn(ada, setting.admin);
  const before = await cookie(context, SIGN_IN);
  await signOut(page);

  await step("signing in: to the provider, and back to where one wanted to go", async (must) => {
    await page.goto(`${settings}/members`);
    await page.waitForURL(isAt("/sign-in"));
    const found = await violations(page);
    must(found.length === 0, found);
    await page.getByRole("button", { name: WITH }).click();
    await page.waitForURL(`${issuer}/interaction/**`);
    const held = (await context.cookies(setting.address)).find((it) => it.name === HELD);
    must(held?.httpOnly && held.sameSite === "Lax" && held.path === "/", held);
    await logIn(page, setting.admin.email);
    await page.waitForURL(isAt(`${settings}/members`));
    must(await shows(page.getByRole("heading", { level: 1 }).first()), page.url());
    const now = await cookie(context, SIGN_IN);
    must(now && now !== before, "the sign-in has no value of its own");
  });
  await step("signing in: what the browser held for the way is gone, and nothing of it is in an address", async (must) => {
    must(await cookie(context, HELD) === null, "it is still held");
    must(!page.url().includes("code"), page.url());
    must(!(await page.content()).includes("code="), "the page has the code");
    // What one goes back to is the page of signing in, or the provider's.
    await page.goBack({ waitUntil: "commit" });
    must(!page.url().includes("/sign-in/callback"), page.url());
  });
  await step("the account says who vouches for one", async (must) => {
    await page.goto("/account");
    const row = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: issuer }) });
    must((await row.innerText()).includes(`subject-of-${setting.admin.email}`), await page.innerText("main"));
    const found = await violations(page);
    must(found.length === 0, found);
  });
  await step("proving: the provider asks again who one is, and leads back", async (must) => {
    await ask("advance", { seconds: 301 });
    await page.goto(`${settings}/tokens/new`);
    await page.waitForURL(isAt("/prove"));
    await page.getByRole("button", { name: "Confirm with localhost" }).click();
    // It knows who is there, and asks nevertheless. Somebody else is not taken.
    await logIn(page, setting.member.email);
    await page.waitForURL(isAt("/prove"));
    must((await page.getByRole("alert").innerText()).includes("was not taken"), await page.innerText("main"));
    must(new URL(page.url()).searchParams.get("to") === `${settings}/tokens/new`, page.url());
    await page.getByRole("button", { name: "Confirm with localhost" }).click();
    await logIn(page, setting.admin.email);
    await page.waitForURL(isAt(`${settings}/tokens/new`));
    must(await shows(page.getByRole("button", { name: "Create agent token" })), await page.innerText("main"));
    must(await shows(page.getByRole("status").filter({ hasText: "five minutes" })), "it says nothing");
  });

  await step("an address that nobody has here, and one that is not verified, are answered alike", async (must) => {
    const words = [];
    for (const email of ["nobody@acme.example", `unverified:${setting.member.email}`]) {
      const stranger = await person(browser);
      await stranger.page.goto("/sign-in");
      await enter(stranger.page, email);
      words.push(await refusal(stranger.page));
      must(!(await stranger.page.content()).includes("code="), "the page has the code");
      must(await cookie(stranger.context, SIGN_IN) === null, "they are signed in");
      must(await cookie(stranger.context, HELD) === null, "what they held for the way is still there");
      must(stranger.faults.length === 0, stranger.faults);
      await stranger.context.close();
    }
    must(words[0] === words[1] && words[0].includes("was not taken"), words);
  });
  await step("an answer that is brought into another browser is not taken", async (must) => {
    const mallory = await person(browser);
    let brought;
    mallory.page.on("request", (it) => {
      if (new URL(it.url()).pathname === "/sign-in/callback") brought = it.url();
    });
    await mallory.page.goto("/sign-in");
    await mallory.page.getByRole("button", { name: WITH }).click();
    await mallory.page.waitForURL(`${issuer}/interaction/**`);
    // Her own browser is not to use it up.
    await mallory.context.clearCookies({ name: HELD });
    await logIn(mallory.page, setting.member.email);
    await mallory.page.waitForURL(isAt("/sign-in"));
    must(brought?.includes("code="), brought);
    const victim = await person(browser);
    await victim.page.goto(brought);
    await victim.page.waitForURL(isAt("/sign-in"));
    must((await victim.page.getByRole("status").innerText()).includes("another browser"), await victim.page.innerText("main"));
    // Nor while they are on their way themselves.
    await victim.page.getByRole("button", { name: WITH }).click();
    await victim.page.waitForURL(`${issuer}/interaction/**`);
    await victim.page.goto(brought);
    must((await refusal(victim.page)).includes("was not taken"), await victim.page.innerText("main"));
    must(await cookie(victim.context, SIGN_IN) === null, "they are signed in");
    await mallory.context.close();
    await victim.context.close();
  });

  await step("an invitation is accepted without a password", async (must) => {
    await page.goto(`${settings}/members/invite`);
    await page.fill("#email", "carol@acme.example");
    await page.locator("main").getByRole("button", { name: /invit/i }).click();
    const link = await page.locator("#token-value, section.told input").first().inputValue();
    const carol = await person(browser);
    await carol.page.goto(link);
    await carol.page.waitForURL(isAt("/invitation"));
    await carol.page.fill("#name", "Carol");
    await carol.page.getByRole("button", { name: "Become a member with localhost" }).click();
    await logIn(carol.page, "mallory@acme.example");
    await carol.page.waitForURL(isAt("/invitation"));
    must((await carol.page.getByRole("alert").innerText()).includes("another address"), await carol.page.innerText("main"));
    must(await carol.page.inputValue("#name") === "Carol", "the name is lost");
    const other = await person(browser);
    await other.page.goto(link);
    await other.page.waitForURL(isAt("/invitation"));
    await other.page.fill("#name", "Carol");
    await other.page.getByRole("button", { name: "Become a member with localhost" }).click();
    await logIn(other.page, "carol@acme.example");
    await other.page.waitForURL(isAt(home));
    must(await shows(other.page.getByRole("status").filter({ hasText: "member now" })), await other.page.innerText("main"));
    await page.goto(`${settings}/members`);
    must((await page.innerText("main")).includes("Carol"), await page.innerText("main"));
    must(carol.faults.length + other.faults.length === 0, [...carol.faults, ...other.faults]);
  });
  await step("what the provider calls one is forgotten", async (must) => {
    await page.goto("/account");
    await page.getByRole("button", { name: "Forget" }).click();
    await page.waitForLoadState("load");
    await prove(page);
    must(await shows(page.getByRole("status").filter({ hasText: "forgotten" })), page.url());
    must(await page.getByRole("button", { name: "Forget" }).count() === 0, "it is still known");
  });
  await step("all of it needs no script", async (must) => {
    const plain = await person(browser, { javaScriptEnabled: false });
    await plain.page.goto(`/sign-in?to=${encodeURIComponent("/account")}`);
    must(await plain.page.getByRole("button", { name: "Sign in with a passkey" }).isHidden(), "a passkey is offered");
    await enter(plain.page, setting.admin.email);
    await plain.page.waitForURL(isAt("/account"));
    await plain.context.close();
  });
  await step("while the provider does not answer this is said, and the password still works", async (must) => {
    await signOut(page);
    provider.kill("SIGKILL");
    // What it said of itself is believed for an hour.
    await ask("advance", { seconds: 3601 });
    const [answer] = await Promise.all([
      page.waitForResponse((it) => new URL(it.url()).pathname === "/sign-in/provider"),
      page.getByRole("button", { name: WITH }).click(),
    ]);
    must(answer.status() === 503, answer.status());
    await page.waitForLoadState("load");
    must((await page.innerText("main")).includes("does not answer"), await page.innerText("main"));
    await page.goto("/sign-in");
    await page.fill("#email", setting.admin.email);
    await page.fill("#password", setting.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForURL((url) => url.pathname.startsWith("/organizations/"));
    must(await cookie(context, SIGN_IN) !== null, page.url());
  });
  await step("no page shows a dialog of the browser, throws, or runs into its own policy", async (must) => {
    must(ada.faults.length === 0, ada.faults);
  });
});
