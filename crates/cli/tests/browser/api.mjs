// Calls of agents and of people's programs, by which scripts prepare what pages show and learn what tokens are worth.
import { setting } from "./lib.mjs";

async function call(path, authorization, body) {
  const headers = { authorization, ...(body && { "content-type": "application/json" }) };
  const answer = await fetch(`${setting.direct}${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  return { status: answer.status, text: await answer.text() };
}

// Asks the public API as the admin. A field that is refused is null in the answer.
export async function graphql(query, variables = {}) {
  const { status, text } = await call("/graphql", `Bearer ${setting.user_token}`, { query, variables });
  if (status !== 200) throw new Error(`GraphQL: ${status} ${text}`);
  return JSON.parse(text).data ?? {};
}

// Whether the server accepts a token of either kind.
export async function accepts(value) {
  const answer = value.startsWith("csnut_")
    ? await call("/graphql", `Bearer ${value}`, { query: "{ __typename }" })
    : await call("/v3/token", `Token ${value}`);
  return answer.status === 200;
}

// Registers an agent; answers its session, or null where it is refused.
export async function register(value, name, more = {}) {
  const body = {
    name, hostname: name, os: "linux", arch: "amd64", version: "3.137.0", build: "1", meta_data: ["queue=default"], pid: 1, features: [], ...more,
  };
  const answer = await call("/v3/register", `Token ${value}`, body);
  return answer.status === 200 ? JSON.parse(answer.text).access_token : null;
}

// Has an agent appear among those that are connected.
export async function connect(session) {
  return (await call("/v3/connect", `Token ${session}`, {})).status === 200;
}

// Whether an agent is answered.
export async function pings(session) {
  return (await call("/v3/ping", `Token ${session}`)).status === 200;
}

export async function organization() {
  return (await graphql("query($slug: ID!) { organization(slug: $slug) { id } }", { slug: setting.organization })).organization.id;
}

// Creates an agent token; answers its value, its id and its uuid.
export async function createToken(description, more = "") {
  const made = await graphql(
    `mutation($organization: ID!, $description: String!) { agentTokenCreate(input: {organizationID: $organization, description: $description${more}}) {
      tokenValue agentTokenEdge { node { id uuid } } } }`,
    { organization: await organization(), description },
  );
  const it = made.agentTokenCreate;
  return it && { value: it.tokenValue, ...it.agentTokenEdge.node };
}

export async function revokeToken(id, reason) {
  await graphql("mutation($id: ID!, $reason: String!) { agentTokenRevoke(input: {id: $id, reason: $reason}) { agentToken { id } } }", { id, reason });
}

async function send(method, path, headers, body) {
  const answer = await fetch(`${setting.direct}${path}`, { method, headers, body });
  return { status: answer.status, text: await answer.text() };
}

// Asks REST as the admin.
export async function rest(method, path, body) {
  const headers = { authorization: `Bearer ${setting.user_token}`, ...(body && { "content-type": "application/json" }) };
  return send(method, `/v2${path}`, headers, body && JSON.stringify(body));
}

// Calls as an agent, with its session, or as a job, with its token. A body of another kind than JSON is sent as it is.
export async function agentCall(method, path, value, body, kind = "application/json") {
  const headers = { authorization: `Token ${value}`, ...(body && { "content-type": kind }) };
  return send(method, `/v3${path}`, headers, body && kind === "application/json" ? JSON.stringify(body) : body);
}

// Calls as a Dagster+ agent, or as Dagster's commands for people do; answers the text.
export async function dagsterCall(value, query, variables) {
  const headers = { "dagster-cloud-api-token": value, "content-type": "application/json" };
  return (await send("POST", "/dagster/graphql", headers, JSON.stringify({ query, variables }))).text;
}
