// Passkeys, with authenticators that Chromium plays: added, signed in with, proved with, renamed, removed; and those that are not taken.
import { AXE, ask, authenticator, cookie, main, person, setting, settings, shows, signIn, signOut, step, violations } from "./lib.mjs";

const SIGN_IN = "countersign";
const WITH = "Sign in with a passkey";

function row(page, name) {
  return page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
}

function isAt(path) {
  return (url) => url.pathname === path;
}

// What a page says was wrong with a passkey that was shown.
async function refusal(page) {
  return page.locator(".problem").innerText();
}

async function said(page, words, must) {
  must(await shows(page.getByRole("status").filter({ hasText: words })), await page.innerText("main"));
}

await main(async (browser) => {
  const ada = await person(browser);
  const { page, context } = ada;
  await context.addInitScript({ path: AXE });
  const faults = [];
  const checked = async (must) => {
    const found = await violations(page);
    must(found.length === 0, found);
    await page.setViewportSize({ width: 360, height: 740 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    must(wide <= 0, `${wide} px to scroll sideways`);
    await page.setViewportSize({ width: 1280, height: 900 });
  };
  const addWith = async ({ page }, name) => {
    await page.goto("/account/passkeys/new");
    await page.fill("#name", name);
    await page.getByRole("button", { name: "Add a passkey" }).click();
  };

  await step("a browser without passkeys, or without script, is offered none", async (must) => {
    const without = await person(browser);
    await without.context.addInitScript(() => { delete window.PublicKeyCredential; });
    const plain = await person(browser, { javaScriptEnabled: false });
    for (const it of [without, plain]) {
      await it.page.goto("/sign-in");
      must(await shows(it.page.getByRole("button", { name: "Sign in", exact: true })), it.page.url());
      must(await it.page.getByRole("button", { name: WITH, includeHidden: true }).isHidden(), "it is offered");
    }
    await signIn(plain, setting.member, false);
    await plain.page.goto("/account/passkeys/new");
    must(await shows(plain.page.getByText("A passkey needs scripts")), await plain.page.innerText("main"));
    must(await plain.page.getByRole("button", { name: "Add a passkey", includeHidden: true }).isHidden(), "it is offered");
    await without.context.close();
    await plain.context.close();
  });

  await signIn(ada, setting.admin);
  const laptop = await authenticator(ada);
  await step("adding: one proves first who one is, and is told what a passkey is", async (must) => {
    await ask("advance", { seconds: 301 });
    await page.goto("/account");
    await page.getByRole("link", { name: "Add a passkey" }).click();
    await page.waitForURL(isAt("/prove"));
    must(await page.getByRole("button", { name: "Confirm with a passkey", includeHidden: true }).count() === 0, "she has none yet");
    await page.fill("#password", setting.password);
    await page.getByRole("button", { name: "Confirm", exact: true }).click();
    await page.waitForURL(isAt("/account/passkeys/new"));
    must(await shows(page.getByText("A passkey is a key that")), page.url());
    must(await page.getByText("A passkey needs scripts").isHidden(), "it says that there are none");
    await checked(must);
  });
  await step("adding: it has a name, and is listed", async (must) => {
    await page.fill("#name", "Laptop");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.waitForURL(isAt("/account"));
    await said(page, "passkey is added", must);
    must((await row(page, "Laptop").innerText()).includes("Never"), await page.innerText("main"));
    const keys = await laptop.keys();
    must(keys.length === 1 && keys[0].isResidentCredential && keys[0].rpId === "localhost", keys);
    await checked(must);
  });
  await step("adding: what is on the device already is said, and nothing is added twice", async (must) => {
    await addWith(ada, "Again");
    const wrong = page.locator("form[data-passkey] > .wrong");
    await wrong.waitFor();
    must((await wrong.innerText()).includes("already"), await wrong.innerText());
    must((await laptop.keys()).length === 1, await laptop.keys());
    await page.goto("/account");
    must(await row(page, "Again").count() === 0, "it is listed");
  });

  await step("signing in: without an address, to where one wanted to go, with a new cookie", async (must) => {
    const values = new Set([await cookie(context, SIGN_IN)]);
    for (const path of [`${settings}/members`, "/account"]) {
      await signOut(page);
      must(await cookie(context, SIGN_IN) === null, "one is still signed in");
      await page.goto(path);
      await page.waitForURL(isAt("/sign-in"));
      await page.getByRole("button", { name: WITH }).click();
      await page.waitForURL(isAt(path));
      values.add(await cookie(context, SIGN_IN));
    }
    must(values.size === 3 && !values.has(null), "each sign-in has a value of its own");
    must(!(await row(page, "Laptop").innerText()).includes("Never"), await page.innerText("main"));
    must((await page.innerText("main")).includes("This one"), await page.innerText("main"));
  });
  await signOut(page);
  await step("signing in: whoever does not show a finger is told so by the page", async (must) => {
    await laptop.verifies(false);
    await page.goto("/sign-in");
    await page.getByRole("button", { name: WITH }).click();
    const wrong = page.locator("form[data-passkey] > .wrong");
    await wrong.waitFor();
    must((await wrong.innerText()).includes("Nothing was done"), await wrong.innerText());
    await checked(must);
    must(await cookie(context, SIGN_IN) === null, "one is signed in");
    await laptop.verifies(true);
  });
  await step("signing in: a question that has gone stale is asked anew", async (must) => {
    await page.goto(`/sign-in?to=${encodeURIComponent("/account")}`);
    await ask("advance", { seconds: 301 });
    await page.evaluate(() => { performance.now = () => 301_000; });
    await page.getByRole("button", { name: WITH }).click();
    await page.waitForURL(isAt("/account"));
    must(await cookie(context, SIGN_IN) !== null, page.url());
    await signOut(page);
  });
  await step("signing in: what comes too late is not taken, and the next try is", async (must) => {
    await page.goto(`/sign-in?to=${encodeURIComponent("/account")}`);
    await ask("advance", { seconds: 301 });
    await page.getByRole("button", { name: WITH }).click();
    await page.locator(".problem").waitFor();
    must((await refusal(page)).includes("was not taken"), await refusal(page));
    must(page.url().endsWith(`/sign-in?to=${encodeURIComponent("/account")}`), page.url());
    await page.getByRole("button", { name: WITH }).click();
    await page.waitForURL(isAt("/account"));
  });
  await step("proving: the passkey stands for the password, and leads back", async (must) => {
    await ask("advance", { seconds: 301 });
    await page.goto(`${settings}/tokens/new`);
    await page.waitForURL(isAt("/prove"));
    await checked(must);
    await page.getByRole("button", { name: "Confirm with a passkey" }).click();
    await page.waitForURL(isAt(`${settings}/tokens/new`));
    await said(page, "five minutes", must);
    must(await shows(page.getByRole("button", { name: "Create agent token" })), page.url());
  });

  await step("a passkey of somebody else proves nothing", async (must) => {
    const grace = await person(browser);
    await grace.page.goto("/sign-in");
    await grace.page.fill("#email", setting.member.email);
    await grace.page.fill("#password", setting.password);
    await grace.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await grace.page.waitForURL((url) => url.pathname.startsWith("/organizations/"));
    const phone = await authenticator(grace);
    await addWith(grace, "Phone");
    await grace.page.waitForURL(isAt("/account"));
    const [hers] = await laptop.keys();
    await phone.holds(hers);
    await ask("advance", { seconds: 301 });
    await grace.page.goto("/prove?to=%2Faccount");
    // The browser shows it whatever it was asked for: the server is what says no.
    await grace.page.locator("form[data-passkey]").evaluate((form) => {
      const options = JSON.parse(form.dataset.options);
      options.publicKey.allowCredentials = [];
      form.dataset.options = JSON.stringify(options);
    });
    await grace.page.getByRole("button", { name: "Confirm with a passkey" }).click();
    await grace.page.locator(".problem").waitFor();
    must((await refusal(grace.page)).includes("was not taken"), await refusal(grace.page));
    must(new URL(grace.page.url()).pathname === "/prove", grace.page.url());
    faults.push(...grace.faults);
    await grace.context.close();
  });
  await step("a passkey that was copied, and counts from the beginning, is refused", async (must) => {
    const [key] = await laptop.keys();
    must(key.signCount > 1, `it does not count: ${key.signCount}`);
    await signOut(page);
    await laptop.holds({ ...key, signCount: 0 });
    await page.getByRole("button", { name: WITH }).click();
    await page.locator(".problem").waitFor();
    must((await refusal(page)).includes("was not taken"), await refusal(page));
    must(await cookie(context, SIGN_IN) === null, "one is signed in");
    await laptop.holds(key);
    await page.getByRole("button", { name: WITH }).click();
    await page.waitForURL((url) => url.pathname.startsWith("/organizations/"));
  });

  await step("renaming", async (must) => {
    await page.goto("/account");
    await row(page, "Laptop").getByRole("link", { name: "Rename" }).click();
    await checked(must);
    await page.fill("#name", " ");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#name-error").waitFor();
    await page.fill("#name", "Old laptop");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(isAt("/account"));
    await said(page, "name is saved", must);
    must(await row(page, "Old laptop").count() === 1 && await row(page, "Laptop").count() === 0, await page.innerText("main"));
  });
  await step("removing: what it means is said first, and it is worth nothing afterwards", async (must) => {
    await row(page, "Old laptop").getByRole("link", { name: "Remove" }).click();
    await page.waitForURL("**/remove");
    must(await shows(page.getByText("neither sign anyone in")), page.url());
    await checked(must);
    await page.getByRole("button", { name: "Remove the passkey" }).click();
    await page.waitForURL(isAt("/account"));
    await said(page, "passkey is removed", must);
    must(await row(page, "Old laptop").count() === 0, "it is still listed");
    await signOut(page);
    await page.getByRole("button", { name: WITH }).click();
    await page.locator(".problem").waitFor();
    must((await refusal(page)).includes("was not taken"), await refusal(page));
    must(await cookie(context, SIGN_IN) === null, "one is signed in");
    must((await laptop.keys()).length === 1, "the device still holds it");
  });
  await step("no page shows a dialog of the browser, throws, or runs into its own policy", async (must) => {
    must(ada.faults.length + faults.length === 0, [...ada.faults, ...faults]);
  });
});
