// The console: sends what is in the editor and shows what comes back. The token stays in its field and goes nowhere else.

import { examples } from "./examples.js";
import { Explorer } from "./explorer.js";
import { introspection } from "./introspection.js";
import { prettify } from "./prettify.js";

const at = (id) => document.getElementById(id);
const explorer = new Explorer({ place: at("explorer"), search: at("search"), back: at("back") });

async function send(query, variables) {
  const headers = { "content-type": "application/json" };
  const token = at("token").value.trim();
  if (token) headers.authorization = "Bearer " + token;
  const answer = await fetch("/graphql", {
    method: "POST",
    credentials: "omit",
    headers,
    body: JSON.stringify({ query, variables }),
  });
  return { answer, body: await answer.json() };
}

function variables() {
  const text = at("variables").value.trim();
  if (!text) return {};
  const value = JSON.parse(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("must be a JSON object");
  return value;
}

function show(text, status, wrong) {
  at("result").textContent = text;
  at("result").classList.toggle("wrong", wrong);
  at("status").textContent = status;
}

async function run() {
  let given;
  try {
    given = variables();
  } catch (error) {
    show("The variables cannot be read: " + error.message, "Not sent", true);
    at("variables").focus();
    return;
  }
  at("run").disabled = true;
  at("status").textContent = "Running …";
  try {
    const { answer, body } = await send(at("query").value, given);
    const cost = answer.headers.get("ratelimit-complexity-actual");
    const status = answer.status + (cost === null ? "" : ", " + cost + " points");
    show(JSON.stringify(body, null, 2), status, !answer.ok || Boolean(body.errors));
  } catch (error) {
    show("The server cannot be reached: " + error.message, "No answer", true);
  } finally {
    at("run").disabled = false;
  }
}

async function load() {
  at("load").disabled = true;
  try {
    const { body } = await send(introspection, {});
    if (body.data) explorer.show(body.data.__schema);
    else at("explorer").textContent = body.errors[0].message;
  } catch (error) {
    at("explorer").textContent = "The server cannot be reached: " + error.message;
  } finally {
    at("load").disabled = false;
  }
}

function choose() {
  const example = examples[at("example").value];
  if (!example) return;
  at("query").value = example.query + "\n";
  at("variables").value = example.variables ? JSON.stringify(example.variables, null, 2) + "\n" : "";
  at("query").focus();
}

examples.forEach((example, index) => at("example").add(new Option(example.name, index)));
at("query").value = examples[0].query + "\n";
at("example").addEventListener("change", choose);
at("run").addEventListener("click", run);
at("load").addEventListener("click", load);
at("prettify").addEventListener("click", () => {
  at("query").value = prettify(at("query").value);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
