// The texts of strangers that come with work: builds, their labels, meta-data, annotations, logs and artifacts, as an agent and its jobs send them
// by the API of agents; and what Dagster+ agents say of themselves.
import { agentCall, connect, createToken, dagsterCall, register, rest } from "./api.mjs";
import { home, setting, settings, step } from "./lib.mjs";
import { bundles, each, wrongs } from "./vector_checks.mjs";
import { SHORT, VECTORS } from "./vector_list.mjs";

const PIPELINE = "vectors";
const builds = `/organizations/${setting.organization}/pipelines/${PIPELINE}/builds`;
// How many texts go with one build: their lines fit on one part of its log, and their annotations on its page.
const SHARE = 16;
// Most characters of a message, and of what else is a line.
const MESSAGE = 1000;
const LINE = 255;
const CONTEXT = 100;

// What may stand in an annotation.
const ELEMENTS = ["a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var"];
const ATTRIBUTES = ["href", "title", "lang", "start", "colspan", "rowspan", "scope", "open", "rel"];

// A text as terminals are told to write it: in colours, as a link, behind a picture, over what was there before. Each looks like the text alone, but
// for the words of a picture or of a link of Buildkite's, which stand before it.
const WORDS = "<img src=x onerror=alert(1)>";
const TERMINALS = [
  ["", ""],
  ["\x1b[31;1m", "", "\x1b[0m"],
  ["\x1b]8;;javascript:alert(1)\x07", "", "\x1b]8;;\x07"],
  ["\x1b]8;id=\"><script>alert(1)</script>;https://evil.example/\x1b\\", "", "\x1b]8;;\x1b\\"],
  ["gone\r", ""],
  ["\x1b[2K\x1b[1G", "", "xx\b\b"],
  [`\x1b]1338;url='javascript:alert(1)';alt='${WORDS}'\x07`, WORDS],
  [`\x1b]1339;url='javascript:alert(1)';content='${WORDS}'\x07`, WORDS],
  ["\x1b]1339;url='javascript:alert(1)'\x07", "javascript:alert(1)"],
  ["\x1b]1337;File=name=eA==;inline=1:PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+\x07", "[picture]"],
  ["\x1b_bk;t=1767225600000\x07", ""],
];

// A text alone in a fence, where it is shown as it is; then as whatever Markdown and HTML make of it.
function note(text) {
  return [`\`\`\`\`\n${text}\n\`\`\`\``, text, `<div>\n${text}\n</div>`, `[x](<${text}>)`, `![x](${text})`, `|a|\n|-|\n|${text}|`, `<details><summary>${text}</summary></details>`].join("\n\n");
}

function shares(texts) {
  return Array.from({ length: Math.ceil(texts.length / SHARE) }, (_, at) => texts.slice(at * SHARE, (at + 1) * SHARE));
}

// One build whose job sends each of the texts in every field that jobs have. Answers the build, and which texts were taken where.
async function run(agent, texts, message) {
  const build = await rest("POST", builds, { message });
  if (build.status !== 201) throw new Error(`a build is refused: ${build.text}`);
  const ping = await agentCall("GET", "/ping", agent);
  const id = JSON.parse(ping.text).job?.id;
  if (!id) throw new Error(`no job is offered: ${ping.status} ${ping.text}`);
  const job = JSON.parse((await agentCall("PUT", `/jobs/${id}/accept`, agent)).text).token;
  const send = async (method, path, body, kind) => (await agentCall(method, `/jobs/${id}${path}`, job, body, kind)).status < 300;
  const must = async (what, sent) => {
    if (!(await sent)) throw new Error(`${what} is refused`);
  };
  await must("the start", send("PUT", "/start", { started_at: "2026-01-02T03:04:05Z" }));
  const taken = { keys: [], paths: [], contexts: [] };
  await each(texts, async (text) => {
    if (await send("POST", "/data/set", { key: text, value: text })) taken.keys.push(text);
    else await must("meta-data", send("POST", "/data/set", { key: `key of ${texts.indexOf(text)}`, value: text }));
    const context = text.length <= CONTEXT ? text : `context of ${texts.indexOf(text)}`;
    await must("an annotation", send("POST", "/annotations", { context, body: note(text) }));
    taken.contexts.push({ context, text });
    const file = { path: text, absolute_path: `/build/${texts.indexOf(text)}`, file_size: 5, sha1sum: "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d" };
    if (await send("POST", "/artifacts", { id: crypto.randomUUID(), artifacts: [file] })) taken.paths.push(text);
  });
  const written = texts.flatMap((text) => TERMINALS.map(([before, words, after = ""]) => [`${before}${text}${after}`, `${words}${text}`]));
  const lines = [...written, ...texts.map((text) => [`+++ ${text}`, text])];
  const log = new TextEncoder().encode(lines.map(([written]) => `${written}\n`).join(""));
  await must("the log", send("POST", `/chunks?sequence=1&offset=0&size=${log.length}`, log, "text/plain"));
  // Jobs that wait for what nobody answers, so that the agent is offered none of them.
  const labelled = texts.map((label) => ({ command: "true", label, depends_on: "hold" }));
  Object.assign(labelled[0], { command: texts, env: Object.fromEntries(texts.map((text, at) => [`TEXT_${at}`, text])) });
  await must("the labels", send("POST", "/pipelines", { uuid: crypto.randomUUID(), pipeline: { steps: [{ block: "Hold", key: "hold" }, ...labelled] } }));
  await must("the end", send("PUT", "/finish", { exit_status: "0" }));
  return { path: `${home}/builds/${PIPELINE}/${JSON.parse(build.text).number}`, id, texts, message, lines: lines.map(([, text]) => text), ...taken };
}

async function open(page, path, must) {
  const answer = await page.goto(path);
  must(answer.status() === 200, `${path}: ${answer.status()}`);
  const found = await wrongs(page);
  must(found.length === 0, `${path}: ${found.join("\n")}`);
}

// What stands behind each word of a list of facts.
async function facts(page) {
  return page.evaluate(() => [...document.querySelectorAll("dl.facts dt")].map((it) => [it.textContent, it.nextElementSibling.textContent]));
}

// What stands in an annotation and is not on the list of what may.
async function strange(page) {
  return page.evaluate(([elements, attributes]) => [...document.querySelectorAll("article.note *")]
    .filter((it) => !elements.includes(it.localName) || [...it.attributes].some(({ name }) => !attributes.includes(name)))
    .map((it) => it.outerHTML.slice(0, 200)), [ELEMENTS, ATTRIBUTES]);
}

function all(wanted, shown, what, must) {
  const known = new Set(shown);
  const left = wanted.filter((text) => !known.has(text));
  must(left.length === 0, `${what}: ${left.length} of ${wanted.length} are not shown as they are, such as ${left[0]}; but ${JSON.stringify(shown.slice(0, 5))}`);
}

// Sends them, and looks at each page that shows them.
export async function work({ page, shown }) {
  const done = [];
  await step("builds and jobs: messages, branches, commits, authors, labels, commands, variables", async (must) => {
    const steps = 'steps: [{command: "true", label: "First", agents: {queue: "vectors"}}]';
    const made = await rest("POST", `/organizations/${setting.organization}/pipelines`, { name: PIPELINE, configuration: steps, repository: "git@example.com:x/y.git" });
    must(made.status < 300, made.text);
    const token = await createToken("for work");
    const agent = await register(token.value, "worker", { meta_data: ["queue=vectors"] });
    must(agent && (await connect(agent)), "no agent");
    const messages = bundles(VECTORS, MESSAGE);
    for (const [at, texts] of shares(VECTORS).entries()) done.push(await run(agent, texts, messages[at % messages.length]));
    must(done.length >= messages.length, `${done.length} builds for ${messages.length} messages`);
    for (const { path, message, texts } of done) {
      await open(page, path, must);
      must((await page.locator("p.message").textContent()) === message, `${path}: another message`);
      all(texts, await page.locator("tbody th[scope=row] > a").allTextContents(), `${path}, labels`, must);
      const first = await page.evaluate((label) => [...document.querySelectorAll("tbody th[scope=row] > a")].find((it) => it.textContent === label).getAttribute("href"), texts[0]);
      await open(page, first, must);
      must((await page.locator("h1").textContent()) === texts[0], `${first}: another label`);
      must((await page.locator("#command code").textContent()) === texts.join("\n"), `${first}: another command`);
      all(texts, (await facts(page)).map(([, value]) => value), `${first}, variables`, must);
      for (const view of ["graph", "waterfall"]) await open(page, `${path}?view=${view}`, must);
    }
    const written = [];
    await each(SHORT, async (text) => {
      must(text.length <= LINE, text);
      const build = await rest("POST", builds, { message: text, branch: text, commit: text, author: { name: text, email: "x@example.com" } });
      must(build.status === 201, `refused: ${text}: ${build.text}`);
      written.push({ text, number: JSON.parse(build.text).number });
    });
    await shown(`${home}/builds`, SHORT, must);
    for (const { text, number } of written) {
      await open(page, `${home}/builds/${PIPELINE}/${number}`, must);
      const told = Object.fromEntries(await facts(page));
      for (const what of ["Branch", "Commit", "BUILDKITE_BUILD_AUTHOR"]) must(told[what] === text, `${text}: ${what} is ${told[what]}`);
    }
  });
  await step("meta-data of builds: keys and values", async (must) => {
    must(done.reduce((sum, it) => sum + it.keys.length, 0) > 0.9 * VECTORS.length, "few keys are taken");
    for (const { path, texts, keys } of done) {
      await open(page, path, must);
      const told = await facts(page);
      all(keys, told.map(([key]) => key), `${path}, keys`, must);
      all(texts, told.map(([, value]) => value), `${path}, values`, must);
    }
  });
  await step("annotations: Markdown, HTML and contexts", async (must) => {
    for (const { path, contexts } of done) {
      await open(page, path, must);
      const inside = await strange(page);
      must(inside.length === 0, `${path}: ${inside.join("\n")}`);
      const notes = await page.evaluate(() => [...document.querySelectorAll("article.note")].map((it) =>
        [it.getAttribute("aria-label"), it.querySelector("pre code")?.textContent ?? ""]));
      all(contexts.map(({ context }) => `Note: ${context}`), notes.map(([label]) => label), `${path}, contexts`, must);
      all(contexts.map(({ text }) => `${text}\n`), notes.map(([, text]) => text), `${path}, texts`, must);
    }
    // Control: what is not on the list is found out, and so is an address that runs.
    await page.evaluate(() => {
      const note = document.querySelector("article.note");
      note.append(document.createElement("form"));
      note.querySelector("p").className = "notice";
      note.append(Object.assign(document.createElement("a"), { href: "javascript:alert(1)" }));
    });
    must((await strange(page)).length === 2 && (await wrongs(page)).length === 1, `what was planted is not found: ${await strange(page)}; ${await wrongs(page)}`);
  });
  await step("lines of logs: colours, links of terminals, cursors, headings", async (must) => {
    for (const { path, id, lines } of done) {
      await open(page, `${path}/jobs/${id}`, must);
      const told = await page.evaluate(() => [...document.querySelectorAll("#log [id^=L]")].map((it) =>
        [...it.children].filter((child) => child.localName === "span" && child.className !== "n").map((child) => child.textContent).join("|")));
      must(told.length === lines.length, `${path}: ${told.length} lines of ${lines.length}`);
      const at = told.findIndex((line, at) => line !== lines[at]);
      must(at === -1, `${path}, line ${at + 1}: ${told[at]} and not ${lines[at]}`);
      must((await page.locator("#log a:not(.n):not(.to), #log img, #log svg").count()) === 0, `${path}: a link or a picture came out of the log`);
    }
    // What is found in it is marked, and stays a text.
    const { path, id, texts } = done[0];
    for (const text of texts.slice(0, 3)) {
      await open(page, `${path}/jobs/${id}?search=${encodeURIComponent(text)}`, must);
      must((await page.locator(".hits mark").first().textContent()).toLowerCase() === text.toLowerCase(), `${text} is not marked`);
    }
  });
  await step("paths of artifacts", async (must) => {
    must(done.reduce((sum, it) => sum + it.paths.length, 0) > 0.5 * VECTORS.length, "few paths are taken");
    for (const { path, paths } of done) {
      await open(page, `${path}/artifacts`, must);
      all(paths, await page.locator("tbody th[scope=row]").allTextContents(), `${path}, artifacts`, must);
    }
  });
}

const HEARTBEATS = `mutation($all: [AgentHeartbeatInput!], $errors: [String!]) { userCloudAgent {
  addAgentHeartbeats(serializedAgentHeartbeats: $all, serializedErrors: $errors) { ok } } }`;
const LOCATION = "mutation($it: GenericScalar!) { addOrUpdateLocationFromDocument(document: $it) { __typename } }";

// The same of Dagster+ agents, and of code locations.
export async function dagster({ shown }) {
  await step("Dagster+ agents: labels, what they say of their code and of their own faults", async (must) => {
    const token = await createToken("for Dagster+ agents");
    await each(SHORT, async (text) => {
      const error = { __class__: "SerializableErrorInfo", message: text, stack: [text], cls_name: text };
      const server = { __class__: "CloudCodeServerHeartbeat", location_name: text, error, server_status: { __enum__: "CloudCodeServerStatus.FAILED" } };
      const beat = { __class__: "AgentHeartbeat", timestamp: 1, agent_id: crypto.randomUUID(), agent_label: text, metadata: { version: text, type: text }, code_server_heartbeats: [server] };
      const met = { __class__: "TimestampedError", timestamp: 1, error };
      const told = await dagsterCall(token.value, HEARTBEATS, {
        all: [{ deploymentName: "default", serializedAgentHeartbeat: JSON.stringify(beat) }], errors: [JSON.stringify(met)],
      });
      must(told.includes('"ok":true'), `refused: ${text}: ${told}`);
    });
    await shown(`${home}/agents`, SHORT, must);
    await shown(`${home}`, [], must);
    await shown(`${settings}/tokens/${token.uuid}`, [], must);
    await shown(`${settings}/tokens/${token.uuid}/revoke`, [], must);
  });
  await step("names of code locations, in the audit log", async (must) => {
    const taken = [];
    await each(SHORT, async (text) => {
      const told = await dagsterCall(setting.user_token, LOCATION, { it: { location_name: text, code_source: { module_name: "m" } } });
      if (told.includes('"WorkspaceEntry"')) taken.push(text);
    });
    must(taken.length > 0.5 * SHORT.length, `only ${taken.length} names are taken`);
    await shown(`${settings}/audit-log?action=`, taken, must);
  });
}
