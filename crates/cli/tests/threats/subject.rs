//! A server with one running job, and how much memory it has taken at the most.

use std::fs;
use std::time::Duration;

use countersign_testkit::harness::api;
use countersign_testkit::harness::http::{Answer, Call, Connection};
use countersign_testkit::harness::installation::{Installation, Server};
use countersign_testkit::harness::moment;
use countersign_testkit::harness::program::Program;
use countersign_testkit::{Engine, TestDatabase};
use hyper::Method;
use serde_json::{Value, json};

/// How much of a processor's time a refusal may take in the release profile.
const SOON: Duration = Duration::from_secs(1);
/// The same without optimization.
const SOON_UNOPTIMIZED: Duration = Duration::from_secs(20);
/// How many of the units that Linux counts a process's time in make a second.
const TICKS: u64 = 100;
/// How long any other call may take afterwards, on a machine that does other things.
const OTHERS: Duration = Duration::from_secs(20);
/// How long an answer is waited for: what counts is the processor's time.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much of a processor's time a refusal may take in this profile: what else the machine does is no matter.
pub const fn soon() -> Duration {
    if cfg!(debug_assertions) { SOON_UNOPTIMIZED } else { SOON }
}

/// A server under attack.
pub struct Subject {
    pub installation: Installation,
    pub server: Server,
    /// A running job, and its token.
    pub job: String,
    pub token: String,
    // Last, so that it goes last.
    _database: TestDatabase,
}

impl Subject {
    pub async fn new() -> Self {
        let database = TestDatabase::new(Engine::Sqlite).await;
        let folder = database.folder.path();
        let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
        let rows = database.database.clone();
        let installation = Installation::init(program, rows, &folder.join("data"), &folder.join("logs")).await;
        let server = installation.start().await;
        let mut subject = Self { installation, server, job: String::new(), token: String::new(), _database: database };
        subject.run_job().await;
        // What a server takes once, for anybody.
        for _ in 0..3 {
            assert!(subject.define("steps: [{command: 'true'}]").await.json().get("errors").is_none());
        }
        subject
    }

    async fn run_job(&mut self) {
        let mut line = Connection::new(self.installation.listen);
        let made = self.define("steps: [{command: 'true'}]").await;
        assert!(made.json().get("errors").is_none(), "{}", made.text());
        let registered =
            line.call(&api::register(&self.installation.made.agent_token, "taker")).await.expect("answered");
        let session = api::registered(&registered).expect("it registers");
        for call in [Call::new(Method::POST, "/v3/connect"), Call::get("/v3/ping")] {
            let answer = line.call(&call.token(&session)).await.expect("answered");
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.job = answer.json()["job"]["id"].as_str().unwrap_or_default().to_owned();
        }
        let accept = Call::new(Method::PUT, &format!("/v3/jobs/{}/accept", self.job)).token(&session);
        let accepted = line.call(&accept).await.expect("answered").json();
        self.token = accepted["token"].as_str().expect("a job token").to_owned();
        let start = Call::new(Method::PUT, &format!("/v3/jobs/{}/start", self.job)).json(&json!({})).token(&self.token);
        let started = line.call(&start).await.expect("answered");
        assert_eq!(started.status, 200, "{}", started.text());
    }

    /// Makes a build of a text.
    pub async fn define(&self, definition: &str) -> Answer {
        let query = "mutation($organization: ID!, $definition: String!) { buildCreateFromDefinition(
            input: {organizationID: $organization, definition: $definition, pipeline: \"bombs\"}) {
            build { uuid jobs(first: 1) { edges { node { ... on JobTypeCommand { env } } } } } } }";
        let variables = json!({ "organization": self.installation.made.organization, "definition": definition });
        self.call(&api::graphql(&self.installation.made.user_token, query, &variables)).await
    }

    /// Uploads steps in the name of the job.
    pub async fn upload(&self, pipeline: &str) -> Answer {
        let mut call = Call::post(&format!("/v3/jobs/{}/pipelines", self.job), &Value::Null).token(&self.token);
        let uuid = "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";
        call.body = format!("{{\"uuid\":\"{uuid}\",\"pipeline\":{pipeline}}}").into();
        self.call(&call).await
    }

    pub async fn call(&self, call: &Call) -> Answer {
        let line = Connection::new(self.installation.listen);
        line.patient(PATIENCE).call(call).await.expect("the server answers")
    }

    /// The most memory that the server has had, or has had since [`Self::forget_peak`], in KiB.
    pub fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// The memory that the server has now, in KiB, from which its peak is counted anew.
    pub fn forget_peak(&self) -> u64 {
        fs::write(format!("/proc/{}/clear_refs", self.server.id()), "5").expect("the server is ours");
        self.memory("VmRSS:")
    }

    fn memory(&self, which: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix(which)).expect("Linux says it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How much of a processor's time the server has taken.
    pub fn spent(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.server.id())).expect("the server runs");
        // Behind the name, which is in brackets: the state is the first, time in the program and in the system the 12th and 13th.
        let rest = stat.rsplit_once(") ").expect("a name in brackets").1;
        let ticks: u64 = rest.split(' ').skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1_000 / TICKS)
    }

    /// The server is up, and as quick as ever.
    pub async fn is_well(&self) {
        let began = moment::now();
        let answer = self.call(&Call::get("/readyz")).await;
        assert!(answer.is_success() && moment::since(began) < OTHERS, "{} {}", answer.status, answer.text());
    }
}
