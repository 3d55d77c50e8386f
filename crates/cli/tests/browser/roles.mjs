// Every page for an Organization Admin, a member and nobody: its status, and what is offered on it. Whatever is offered is there.
import { look, main, person, say, setting, signIn } from "./lib.mjs";
import { pages } from "./pages.mjs";

// What can be clicked in the page's own part, in the order of its words.
async function offered(page) {
  const words = await page.locator("main").evaluate((it) => {
    const all = [...it.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")];
    const name = (of) => of.getAttribute("aria-label") ?? (of.labels?.[0] ?? of).textContent;
    return all.filter((of) => !of.closest(".crumbs, [aria-hidden=true]") && of.checkVisibility()).map((of) => name(of).replace(/\s+/g, " ").trim());
  });
  return [...new Set(words)].sort();
}

await main(async (browser) => {
  const people = { admin: await person(browser), member: await person(browser), nobody: await person(browser) };
  await signIn(people.admin, setting.admin);
  await signIn(people.member, setting.member);
  for (const { route, path } of pages()) {
    for (const [role, { page }] of Object.entries(people)) {
      const answer = await page.goto(path);
      const at = new URL(page.url()).pathname;
      const led = at === new URL(path, setting.address).pathname ? "" : ` at ${at}`;
      say({ row: `${route} ${role}: ${answer.status()}${led} [${(await offered(page)).join(" | ")}]` });
    }
  }
  for (const [role, { page, context }] of Object.entries(people)) {
    await look(`${role}: each way that is offered leads to a page`, async (must) => {
      const ways = new Set();
      for (const { path } of pages()) {
        if ((await page.goto(path)).status() !== 200) continue;
        for (const way of await page.locator("body a[href^='/']").evaluateAll((all) => all.map((it) => it.getAttribute("href")))) ways.add(way);
      }
      must(ways.size > (role === "nobody" ? 2 : 15), [...ways]);
      for (const way of ways) {
        const answer = await context.request.get(way);
        must(answer.status() === 200, `${way}: ${answer.status()}`);
      }
    });
  }
  await look("nobody: every page but those of signing in leads to it", async (must) => {
    for (const { route, path } of pages()) {
      await people.nobody.page.goto(path);
      const at = new URL(people.nobody.page.url()).pathname;
      must(["/sign-in", "/sign-in/link", "/invitation"].includes(at) || route.endsWith("{*rest}"), `${path}: ${at}`);
    }
  });
});
