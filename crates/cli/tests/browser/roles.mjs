// Every page by somebody of every role: its status, and what is offered on it. Whatever is offered is there.
//
// Those who see the same stand in one line. All members are Viewers here, until they are given more. A service user cannot sign in: it is
// tried with the value of its token, as a header and as the cookie of a sign-in.
import { look, main, person, say, setting } from "./lib.mjs";
import { only, OPEN, pages } from "./pages.mjs";

const ADMIN = "organization admin";
// Who is not signed in.
const OUTSIDE = ["nobody", "service user"];

// What can be clicked in the page's own part, in the order of its words, and where the links of the whole page lead.
async function offered(page) {
  return page.evaluate(() => {
    const all = [...document.querySelectorAll("main :is(a[href], button, input:not([type=hidden]), select, textarea)")];
    const name = (of) => of.getAttribute("aria-label") ?? (of.labels?.[0] ?? of).textContent;
    const shown = all.filter((of) => !of.closest(".crumbs, [aria-hidden=true]") && of.checkVisibility());
    const words = shown.map((of) => name(of).replace(/\s+/g, " ").trim());
    const ways = [...document.querySelectorAll("body a[href^='/']")].map((it) => it.getAttribute("href"));
    return { words: [...new Set(words)].sort().join(" | "), ways };
  });
}

// Somebody uses the link that was made for them.
async function comesIn({ context }, { link }) {
  const headers = { Origin: setting.address, "Sec-Fetch-Site": "same-origin" };
  const answer = await context.request.post("/sign-in/link", { form: { link, password: setting.password }, headers, maxRedirects: 0 });
  if (answer.status() !== 303) throw new Error(`${link.slice(0, 8)}…: ${answer.status()} ${await answer.text()}`);
}

// A browser for each of them, by what they are called in the table.
async function everybody(browser) {
  const { members, robot } = setting.people;
  const people = new Map();
  for (const { role, link } of [{ role: ADMIN, link: setting.admin.link }, ...members]) {
    people.set(role, await person(browser));
    await comesIn(people.get(role), { link });
  }
  people.set("nobody", await person(browser));
  const service = await person(browser, { extraHTTPHeaders: { Authorization: `Bearer ${robot}` } });
  await service.context.addCookies([{ name: "countersign", value: robot, url: setting.address }]);
  people.set("service user", service);
  return people;
}

// Every page that they look at, with what it is called in the table.
function all() {
  const more = (of, words) => only(of).map(({ route, path }) => ({ route: `${route} ${words}`, path }));
  const { token, branch } = setting.people;
  return [...pages(), ...more(token, "(of one deployment)"), ...more(branch, "(a branch deployment)")];
}

await main(async (browser) => {
  const people = await everybody(browser);
  // By role: where each page led, and the ways that were offered on those that were there.
  const seen = new Map([...people.keys()].map((role) => [role, { led: new Map(), ways: new Set() }]));
  for (const { route, path } of all()) {
    const same = new Map();
    const visits = [...people].map(async ([role, { page }]) => {
      const status = (await page.goto(path)).status();
      const at = new URL(page.url()).pathname;
      const { words, ways } = await offered(page);
      const led = at === new URL(path, setting.address).pathname ? "" : ` at ${at}`;
      seen.get(role).led.set(path, at);
      if (status === 200) ways.forEach((way) => seen.get(role).ways.add(way));
      return [role, `${status}${led} [${words}]`];
    });
    for (const [role, what] of await Promise.all(visits)) same.set(what, [...(same.get(what) ?? []), role]);
    say({ row: route });
    for (const [what, roles] of same) say({ row: `  ${roles.join(", ")}: ${what}` });
  }
  await Promise.all([...people].map(([role, { context, faults }]) => look(`${role}: each way that is offered leads to a page`, async (must) => {
    const { ways } = seen.get(role);
    must(ways.size > (OUTSIDE.includes(role) ? 2 : 15), [...ways]);
    for (const way of ways) {
      const answer = await context.request.get(way);
      must(answer.status() === 200, `${way}: ${answer.status()}`);
    }
    must(faults.length === 0, faults);
  })));
  for (const role of OUTSIDE) {
    await look(`${role}: every page but those of signing in leads to it`, async (must) => {
      for (const { route, path } of all()) {
        const at = seen.get(role).led.get(path);
        must(OPEN.includes(at) || route.endsWith("{*rest}"), `${path}: ${at}`);
      }
    });
  }
});
