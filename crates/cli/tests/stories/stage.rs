//! A server, and what a story asks of it.

use std::fmt::Write as _;
use std::time::Duration;

use countersign_testkit::harness::api::{graphql, public_id};
use countersign_testkit::harness::http::{Answer, Call, Connection};
use countersign_testkit::harness::installation::{Installation, Server};
use countersign_testkit::harness::moment;
use countersign_testkit::harness::program::Program;
use countersign_testkit::{Engine, TestDatabase};
use serde_json::{Value, json};

use crate::agents::{Agent, Kind};

/// How long anything may take that ought to be quick, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// What a build and its only job are asked for.
const BUILD: &str = "query($uuid: ID!) { build(uuid: $uuid) { state
    annotations { context style body priority scope }
    metaData { key value }
    jobs(first: 10) { edges { node { ... on JobTypeCommand {
        uuid state exitStatus signal signalReason startedAt finishedAt } } } } } }";

/// A server, and the agent that a story is told with.
pub struct Stage {
    pub kind: Kind,
    pub installation: Installation,
    pub server: Option<Server>,
    // Last, so that it goes last.
    database: TestDatabase,
}

/// A build of one job.
pub struct Build {
    pub uuid: String,
    pub job: String,
}

impl Stage {
    /// A fresh server.
    pub async fn set(engine: Engine, kind: Kind) -> Self {
        let database = TestDatabase::new(engine).await;
        let folder = database.folder.path();
        let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
        let rows = database.database.clone();
        let mut installation = Installation::init(program, rows, &folder.join("data"), &folder.join("logs")).await;
        let quick = ["--ping-interval", "1s", "--job-status-interval", "1s", "--heartbeat-interval", "2s"];
        installation.server_arguments = quick.map(Into::into).to_vec();
        let server = Some(installation.start().await);
        Self { kind, installation, server, database }
    }

    /// Starts an agent with the default token.
    pub fn agent(&self, name: &str) -> Agent {
        self.agent_with(name, &[])
    }

    /// The same, one that only polls. In their default mode the real agents that were tried stay for ever, doing nothing, when their session
    /// ends in the middle of a job and the streaming call was not offered.
    pub fn polling_agent(&self, name: &str) -> Agent {
        self.agent_with(name, if self.kind.is_native() { &[] } else { &["--ping-mode", "poll-only"] })
    }

    fn agent_with(&self, name: &str, more: &[&str]) -> Agent {
        let folder = self.database.folder.path().join(name);
        let endpoint = format!("http://{}/v3", self.installation.listen);
        self.kind.start(&folder, name, &endpoint, &self.installation.made.agent_token, more)
    }

    /// Sends a call.
    pub async fn call(&self, call: &Call) -> Answer {
        Connection::new(self.installation.listen).call(call).await.expect("the server answers")
    }

    /// Asks the public API as the first admin.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self.call(&graphql(&self.installation.made.user_token, query, &variables)).await;
        let body = answer.json();
        assert!(answer.is_success() && body.get("errors").is_none(), "{}", answer.text());
        body["data"].clone()
    }

    /// Creates a build of one command.
    pub async fn build(&self, command: &str) -> Build {
        let definition = json!({ "steps": [{ "key": "work", "command": command }] }).to_string();
        let query = "mutation($organization: ID!, $definition: String!) { buildCreateFromDefinition(
            input: {organizationID: $organization, definition: $definition, pipeline: \"story\"}) {
            build { uuid jobs(first: 1) { edges { node { ... on JobTypeCommand { uuid } } } } } } }";
        let organization = &self.installation.made.organization;
        let made = self.ask(query, json!({ "organization": organization, "definition": definition })).await;
        let build = &made["buildCreateFromDefinition"]["build"];
        Build { uuid: text(&build["uuid"]), job: text(&build["jobs"]["edges"][0]["node"]["uuid"]) }
    }

    /// What the public API says of a build; its only job stands beside it under `job`.
    pub async fn look(&self, build: &Build) -> Value {
        let mut seen = self.ask(BUILD, json!({ "uuid": build.uuid })).await["build"].take();
        seen["job"] = seen["jobs"]["edges"][0]["node"].take();
        seen
    }

    /// Waits until the build is in a state.
    pub async fn until(&self, build: &Build, state: &str, agent: &Agent) -> Value {
        let began = moment::now();
        loop {
            let seen = self.look(build).await;
            if seen["state"] == state {
                return seen;
            }
            assert!(moment::since(began) < PATIENCE, "the build is not {state}: {seen}\n{}", agent.log());
            moment::sleep(LOOK).await;
        }
    }

    /// Waits until the build's log holds words.
    pub async fn until_log(&self, build: &Build, words: &str, agent: &Agent) {
        let began = moment::now();
        loop {
            let log = self.log(build).await;
            if log.contains(words) {
                return;
            }
            assert!(moment::since(began) < PATIENCE, "the log has no {words}:\n{log}\n{}", agent.log());
            moment::sleep(LOOK).await;
        }
    }

    /// The log of the build's job so far, without what terminals read.
    pub async fn log(&self, build: &Build) -> String {
        let query = "query($uuid: ID!, $from: Int!) { job(uuid: $uuid) { ... on JobTypeCommand {
            logPart(from: $from) { content next isComplete } } } }";
        let (mut log, mut from) = (String::new(), 0);
        loop {
            let part = self.ask(query, json!({ "uuid": build.job, "from": from })).await["job"]["logPart"].take();
            write!(log, "{}", part["content"].as_str().unwrap_or_default()).expect("a string");
            let next = part["next"].as_i64().unwrap_or(from);
            if next == from {
                return without_stamps(&log);
            }
            from = next;
        }
    }

    /// Cancels a build.
    pub async fn cancel(&self, build: &Build) {
        let id = self.ask("query($uuid: ID!) { build(uuid: $uuid) { id } }", json!({ "uuid": build.uuid })).await;
        let query = "mutation($id: ID!) { buildCancel(input: {id: $id}) { build { id } } }";
        self.ask(query, json!({ "id": id["build"]["id"] })).await;
    }

    /// Revokes the default agent token; `reach` says what becomes of connected agents.
    pub async fn revoke(&self, reach: &str) {
        let id = public_id(&self.installation.made.agent_token);
        let query = "mutation($id: ID!, $reach: ConnectedAgents!) { agentTokenRevoke(
            input: {id: $id, reason: \"leaked\", connectedAgents: $reach}) { agentToken { revokedAt } } }";
        self.ask(query, json!({ "id": id, "reach": reach })).await;
    }

    /// The connection state of the agent of a name.
    pub async fn agent_state(&self, name: &str) -> String {
        let query = "query { organization(slug: \"acme\") { agents(first: 50) { edges { node {
            name connectionState } } } } }";
        let agents = self.ask(query, json!({})).await;
        let edges = agents["organization"]["agents"]["edges"].as_array().cloned().unwrap_or_default();
        let found = edges.iter().find(|edge| edge["node"]["name"] == name);
        found.map(|edge| text(&edge["node"]["connectionState"])).unwrap_or_default()
    }

    /// Kills the server where it is.
    pub async fn kill_server(&mut self) {
        self.server.take().expect("it runs").kill().await;
    }

    /// Starts it again.
    pub async fn start_server(&mut self) {
        self.server = Some(self.installation.start().await);
    }
}

/// The text of a value that must be one.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A log without the time stamps that agents put before each line (`ESC _ bk;t=… BEL`), and without carriage returns.
fn without_stamps(log: &str) -> String {
    let mut plain = String::with_capacity(log.len());
    let mut rest = log;
    while let Some((before, stamp)) = rest.split_once("\u{1b}_") {
        plain.push_str(before);
        rest = stamp.split_once('\u{7}').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.replace('\r', "")
}
