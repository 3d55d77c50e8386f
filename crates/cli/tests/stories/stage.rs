//! A server, and what a story asks of it.

use std::fmt::Write as _;
use std::path::Path;
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
const PATIENCE: Duration = Duration::from_secs(180);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(150);
/// How many logs are asked for in one call.
const LOGS_AT_ONCE: usize = 20;
/// What a build is asked for.
const BUILD: &str = "query($uuid: ID!) { build(uuid: $uuid) { state
    annotations { context style body priority scope }
    metaData { key value }
    jobs(first: 10) { edges { node { ... on JobTypeCommand {
        uuid stepKey state exitStatus signal signalReason runnableAt startedAt finishedAt agent { name } } } } } } }";
/// What each of many jobs is asked for.
const JOBS: &str = "query($uuid: ID!, $after: String) { build(uuid: $uuid) { jobs(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { ... on JobTypeCommand { uuid stepKey state exitStatus passed retried } } } } } }";
/// How often agents are told to call. Short, so that no story waits for them.
pub const QUICK: [&str; 6] = ["--ping-interval", "1s", "--job-status-interval", "1s", "--heartbeat-interval", "2s"];

/// A server, and the agent that a story is told with.
pub struct Stage {
    pub kind: Kind,
    pub installation: Installation,
    pub server: Option<Server>,
    // Last, so that it goes last.
    database: TestDatabase,
}

/// A build, and the first of its jobs.
pub struct Build {
    pub uuid: String,
    pub job: String,
}

impl Stage {
    /// A fresh server.
    pub async fn set(engine: Engine, kind: Kind) -> Self {
        Self::set_with(engine, kind, "0s", &QUICK).await
    }

    /// A fresh server that holds pings as long as this, with these arguments.
    pub async fn set_with(engine: Engine, kind: Kind, ping_hold: &str, arguments: &[&str]) -> Self {
        let database = TestDatabase::new(engine).await;
        let folder = database.folder.path();
        let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
        let rows = database.database.clone();
        let mut installation = Installation::init(program, rows, &folder.join("data"), &folder.join("logs")).await;
        installation.ping_hold = ping_hold.to_owned();
        installation.server_arguments = arguments.iter().map(Into::into).collect();
        let server = Some(installation.start().await);
        Self { kind, installation, server, database }
    }

    /// A folder of the story's own.
    pub fn folder(&self) -> &Path {
        self.database.folder.path()
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

    /// The same with more arguments.
    pub fn agent_with(&self, name: &str, more: &[&str]) -> Agent {
        let folder = self.folder().join(name.replace('%', "each-"));
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
        self.build_of(&json!({ "steps": [{ "key": "work", "command": command }] })).await
    }

    /// Creates a build.
    pub async fn build_of(&self, definition: &Value) -> Build {
        let query = "mutation($organization: ID!, $definition: String!) { buildCreateFromDefinition(
            input: {organizationID: $organization, definition: $definition, pipeline: \"story\"}) {
            build { uuid jobs(first: 1) { edges { node { ... on JobTypeCommand { uuid } } } } } } }";
        let organization = &self.installation.made.organization;
        let variables = json!({ "organization": organization, "definition": definition.to_string() });
        let made = self.ask(query, variables).await;
        let build = &made["buildCreateFromDefinition"]["build"];
        Build { uuid: text(&build["uuid"]), job: text(&build["jobs"]["edges"][0]["node"]["uuid"]) }
    }

    /// What the public API says of a build; its first job stands beside it under `job`.
    pub async fn look(&self, build: &Build) -> Value {
        let mut seen = self.ask(BUILD, json!({ "uuid": build.uuid })).await["build"].take();
        seen["job"] = seen["jobs"]["edges"][0]["node"].clone();
        seen
    }

    /// Every job of a build, those that were retried too.
    pub async fn jobs(&self, build: &Build) -> Vec<Value> {
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = self.ask(JOBS, json!({ "uuid": build.uuid, "after": after })).await["build"]["jobs"].take();
            let edges = page["edges"].as_array().cloned().unwrap_or_default();
            found.extend(edges.into_iter().map(|mut edge| edge["node"].take()));
            // A wait is a job too, which no agent has.
            found.retain(|job| job["uuid"].is_string());
            if page["pageInfo"]["hasNextPage"] != true {
                return found;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// Waits until the build is in a state.
    pub async fn until(&self, build: &Build, state: &str, agent: &Agent) -> Value {
        let began = moment::now();
        loop {
            let seen = self.look(build).await;
            if seen["state"] == state {
                return seen;
            }
            let is_over = matches!(seen["state"].as_str(), Some("PASSED" | "FAILED" | "CANCELED" | "NOT_RUN"));
            if is_over || moment::since(began) > PATIENCE {
                panic!("the build is not {state}: {seen}\n{}\n{}", self.logs_of(build).await, agent.log());
            }
            moment::sleep(LOOK).await;
        }
    }

    /// Waits until the log of the build's first job holds words.
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

    /// Waits until a job has made a file; answers what is in it.
    pub async fn until_file(&self, path: &Path, agent: &Agent) -> String {
        let began = moment::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(path) {
                return text;
            }
            assert!(moment::since(began) < PATIENCE, "there is no {}\n{}", path.display(), agent.log());
            moment::sleep(LOOK).await;
        }
    }

    /// Waits until an agent is connected.
    pub async fn until_connected(&self, name: &str, agent: &Agent) {
        let began = moment::now();
        while self.agent_state(name).await != "connected" {
            assert!(moment::since(began) < PATIENCE, "{name} does not connect\n{}", agent.log());
            moment::sleep(LOOK).await;
        }
    }

    /// The log of the build's first job so far, without what terminals read.
    pub async fn log(&self, build: &Build) -> String {
        self.log_of(&build.job).await
    }

    /// The log of a job.
    pub async fn log_of(&self, job: &str) -> String {
        let query = "query($uuid: ID!, $from: Int!) { job(uuid: $uuid) { ... on JobTypeCommand {
            logPart(from: $from) { content next isComplete } } } }";
        let (mut log, mut from) = (String::new(), 0);
        loop {
            let part = self.ask(query, json!({ "uuid": job, "from": from })).await["job"]["logPart"].take();
            write!(log, "{}", part["content"].as_str().unwrap_or_default()).expect("a string");
            let next = part["next"].as_i64().unwrap_or(from);
            if next == from {
                return without_stamps(&log);
            }
            from = next;
        }
    }

    /// The logs of all jobs of a build, for people.
    async fn logs_of(&self, build: &Build) -> String {
        let mut all = String::new();
        for job in self.jobs(build).await {
            write!(all, "--- {job}\n{}\n", self.log_of(&text(&job["uuid"])).await).expect("a string");
        }
        all
    }

    /// The whole logs of jobs that have ended, a handful to a call.
    pub async fn whole_logs(&self, jobs: &[String]) -> Vec<String> {
        let mut logs = Vec::with_capacity(jobs.len());
        for some in jobs.chunks(LOGS_AT_ONCE) {
            let part = "... on JobTypeCommand { logPart(from: 0) { content isComplete } }";
            let asked = some.iter().enumerate().map(|(at, job)| format!("j{at}: job(uuid: \"{job}\") {{ {part} }}"));
            let parts = self.ask(&format!("{{ {} }}", asked.collect::<Vec<_>>().join(" ")), json!({})).await;
            for (at, job) in some.iter().enumerate() {
                let part = &parts[format!("j{at}")]["logPart"];
                assert_eq!(part["isComplete"], true, "{job} has ended, and its log is short");
                logs.push(without_stamps(part["content"].as_str().unwrap_or_default()));
            }
        }
        logs
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

    /// What the public API says of the agent of a name, or null.
    pub async fn agent_seen(&self, name: &str) -> Value {
        let query = "query { organization(slug: \"acme\") { agents(first: 50) { edges { node {
            name uuid connectionState paused stoppedGracefullyAt stopForcedAt } } } } }";
        let agents = self.ask(query, json!({})).await;
        let edges = agents["organization"]["agents"]["edges"].as_array().cloned().unwrap_or_default();
        edges.into_iter().map(|mut edge| edge["node"].take()).find(|agent| agent["name"] == name).unwrap_or_default()
    }

    /// The connection state of the agent of a name.
    pub async fn agent_state(&self, name: &str) -> String {
        self.agent_seen(name).await["connectionState"].as_str().unwrap_or_default().to_owned()
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
