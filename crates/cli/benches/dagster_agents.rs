//! What a fleet of Dagster+ agents costs: each asks twice a second what there is to do, as the real one does, and says every half minute what it
//! is. The floor is the same number of connections that ask as often for `/healthz`, of the same program in the same run.
//!
//! The server is the built binary, a process of its own, so that the processor time and the memory counted are its alone.

#![expect(clippy::print_stdout, reason = "a measurement's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement takes real time")]
#![expect(clippy::expect_used, reason = "a failed measurement stops the run")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign_testkit::harness::http::{Call, Connection};
use countersign_testkit::harness::installation::{Installation, Server};
use countersign_testkit::harness::program::Program;
use countersign_testkit::{Engine, TestDatabase};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

/// How many agents there are.
const AGENTS: u32 = 2_000;
/// How often each asks for requests.
const POP_EVERY: Duration = Duration::from_millis(500);
/// How often each says what it is.
const BEAT_EVERY: Duration = Duration::from_secs(30);
/// How long they run before anything is counted, once all of them are known.
const WARM: Duration = Duration::from_secs(3);
/// How long is counted.
const COUNTED: Duration = Duration::from_secs(30);
/// How long an agent that came too early waits.
const AGAIN: Duration = Duration::from_millis(500);
/// Ticks of `/proc/PID/stat` per second, on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!(
        "{:<40} {:>9} {:>10} {:>8} {:>7} {:>8} {:>8} {:>10} {:>9}",
        format!("{AGENTS} Dagster+ agents, 2 pops/s each"),
        "calls/s",
        "us of CPU",
        "x floor",
        "cores",
        "p50 ms",
        "p99 ms",
        "KiB/agent",
        "refused/s"
    );
    for engine in Engine::all() {
        runtime.block_on(measure(engine));
    }
}

async fn measure(engine: Engine) {
    let database = TestDatabase::new(engine).await;
    let folder = database.folder.path().to_owned();
    let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
    let (data, logs) = (folder.join("data"), folder.join("logs"));
    let mut installation = Installation::init(program, database.database.clone(), &data, &logs).await;
    let limits =
        ["--max-connections", "5000", "--max-connections-per-address", "5000", "--max-agents-per-token", "5000"];
    installation.server_arguments = limits.map(Into::into).into();
    let floor = run(&installation, |_| Does { asks: Call::get("/healthz"), beats: None }).await;
    floor.tell(&format!("the floor: /healthz, {}", engine.name()), floor.micros);
    let token = installation.made.agent_token.clone();
    let agents = run(&installation, |number| Does { asks: pop(&token), beats: Some(beat(&token, number)) }).await;
    agents.tell(&format!("pops and heartbeats, {}", engine.name()), floor.micros);
}

/// What one of the fleet does.
struct Does {
    asks: Call,
    beats: Option<Call>,
}

/// What a fleet came to.
struct Figures {
    rate: f64,
    micros: f64,
    cores: f64,
    latencies: Vec<Duration>,
    kib: f64,
    /// Calls in a second that were answered 503, because there was more to do than could be done. An agent asks again.
    refused: f64,
}

impl Figures {
    fn tell(&self, name: &str, floor: f64) {
        let ms = |part: usize| {
            let at = (self.latencies.len() * part / 100).min(self.latencies.len() - 1);
            self.latencies[at].as_secs_f64() * 1e3
        };
        println!(
            "{name:<40} {:>9.0} {:>10.1} {:>8.2} {:>7.2} {:>8.1} {:>8.1} {:>10.1} {:>9.1}",
            self.rate,
            self.micros,
            self.micros / floor,
            self.cores,
            ms(50),
            ms(99),
            self.kib,
            self.refused
        );
    }
}

/// Runs a fleet against a server that starts for it.
async fn run(installation: &Installation, does: impl Fn(u32) -> Does) -> Figures {
    let server = installation.start().await;
    let before = memory(&server);
    let (counting, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut fleet = JoinSet::new();
    let known = Arc::new(tokio::sync::Semaphore::new(0));
    for number in 0..AGENTS {
        let does = does(number);
        let (counting, over, known) = (Arc::clone(&counting), Arc::clone(&over), Arc::clone(&known));
        let connection = Connection::new(server.address);
        fleet.spawn(work(number, connection, does, counting, over, known));
    }
    drop(known.acquire_many(AGENTS).await.expect("the whole fleet"));
    tokio::time::sleep(WARM).await;
    let (began, cpu) = (Instant::now(), processor_time(&server));
    counting.store(true, Ordering::Relaxed);
    tokio::time::sleep(COUNTED).await;
    counting.store(false, Ordering::Relaxed);
    let (spent, cpu, after) = (began.elapsed().as_secs_f64(), processor_time(&server) - cpu, memory(&server));
    over.store(true, Ordering::Relaxed);
    let (mut latencies, mut refused) = (Vec::new(), 0_u32);
    for (took, refusals) in fleet.join_all().await {
        latencies.extend(took);
        refused += refusals;
    }
    latencies.sort_unstable();
    server.kill().await;
    let calls = latencies.len() as f64;
    Figures {
        rate: calls / spent,
        micros: cpu * 1e6 / calls,
        cores: cpu / spent,
        latencies,
        kib: (after - before) / f64::from(AGENTS),
        refused: f64::from(refused) / spent,
    }
}

/// One of the fleet: says what it is until it is known, then asks at each tick, and says it again now and then. Answers how long its calls
/// took, and how many were refused for want of room.
async fn work(
    number: u32,
    mut connection: Connection,
    does: Does,
    counting: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    known: Arc<tokio::sync::Semaphore>,
) -> (Vec<Duration>, u32) {
    let share = f64::from(number) / f64::from(AGENTS);
    tokio::time::sleep(WARM.mul_f64(share)).await;
    if let Some(beat) = &does.beats {
        // So many new ones at once with one token are told to wait.
        while !connection.call(beat).await.expect("an answer").is_success() {
            tokio::time::sleep(AGAIN).await;
        }
    }
    known.add_permits(1);
    let mut ticks = interval_at(tokio::time::Instant::now() + POP_EVERY.mul_f64(share), POP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut took, mut refused, mut beaten) = (Vec::new(), 0, Instant::now() - BEAT_EVERY.mul_f64(share));
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let mut due = vec![&does.asks];
        if beaten.elapsed() >= BEAT_EVERY {
            beaten = Instant::now();
            due.extend(&does.beats);
        }
        for call in due {
            let began = Instant::now();
            let answer = connection.call(call).await.expect("an answer");
            let is_refused = answer.status == 503;
            assert!(answer.is_success() || is_refused, "{} {}", answer.status, answer.text());
            match counting.load(Ordering::Relaxed) {
                true if is_refused => refused += 1,
                true => took.push(answer.at.duration_since(began)),
                false => {}
            }
        }
    }
    (took, refused)
}

fn call(token: &str, query: &str, variables: &serde_json::Value) -> Call {
    let body = json!({ "query": query, "variables": variables });
    Call::post("/dagster/graphql", &body)
        .header("Dagster-Cloud-Api-Token", token)
        .header("Dagster-Cloud-Scope", "organization")
        .header("Dagster-Cloud-Version", "1.13.27")
}

/// As an agent asks what there is to do.
fn pop(token: &str) -> Call {
    const QUERY: &str = "mutation GetUserCloudRequests($forBranchDeployments: Boolean $forFullDeployments: [String!], $limit: Int, \
         $agentQueues: [String]) { userCloudAgent { popUserCloudAgentRequests(limit: $limit, forBranchDeployments: \
         $forBranchDeployments, forFullDeployments: $forFullDeployments, agentQueues: $agentQueues) { requestId requestApi \
         requestBody deploymentName isBranchDeployment } } }";
    let wanted =
        json!({ "forFullDeployments": ["default"], "forBranchDeployments": false, "limit": 10, "agentQueues": [null] });
    call(token, QUERY, &wanted)
}

/// As an agent says what it is.
fn beat(token: &str, number: u32) -> Call {
    const QUERY: &str = "mutation AddAgentHeartbeats($serializedAgentHeartbeats: [AgentHeartbeatInput!], $serializedErrors: [String!]) { \
         userCloudAgent { addAgentHeartbeats(serializedAgentHeartbeats: $serializedAgentHeartbeats, serializedErrors: \
         $serializedErrors) { ok } } }";
    let heartbeat = json!({
        "__class__": "AgentHeartbeat",
        "timestamp": 1_767_323_045.5,
        "agent_id": format!("5e6d1c1f-64e4-4c06-9d60-{number:012x}"),
        "agent_label": format!("agent-{number}"),
        "agent_type": "ProcessUserCodeLauncher",
        "errors": null,
        "agent_queues_config": { "__class__": "AgentQueuesConfig", "include_default_queue": true, "additional_queues": [] },
        "metadata": { "version": "1.13.27", "utilization_metrics": {} },
        "run_worker_statuses": null,
        "code_server_heartbeats": [],
    });
    let beats = json!([{ "deploymentName": "default", "serializedAgentHeartbeat": heartbeat.to_string() }]);
    call(token, QUERY, &json!({ "serializedAgentHeartbeats": beats, "serializedErrors": [] }))
}

/// Processor time of the server, in seconds.
fn processor_time(server: &Server) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).expect("Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok()).expect("a number");
    (ticks() + ticks()) / TICKS
}

/// Memory of the server that is in use, in KiB.
fn memory(server: &Server) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
