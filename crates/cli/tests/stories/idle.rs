//! An idle agent hears of a job, a busy one of its end, and it leaves when it is asked: in each of the ways in which agents ask.

use std::time::Duration;

use countersign_testkit::Engine;
use countersign_testkit::harness::moment;

use crate::agents::{Agent, Kind};
use crate::stage::{Build, QUICK, Stage};

/// How long a pause there is between two jobs: long enough for an agent to be idle.
const PAUSE: Duration = Duration::from_millis(400);
/// How long a canceled job may take: it is asked about every second or two, and its command ends by the first signal.
const CANCELED: Duration = Duration::from_secs(30);
/// How long an idle agent may take to leave.
const LEFT: Duration = Duration::from_secs(30);
/// So slow that an agent which only asks at this pace is told apart from one that is told.
const SLOW: [&str; 6] = ["--ping-interval", "60s", "--job-status-interval", "1s", "--heartbeat-interval", "2s"];
/// The same where the first answer, too, comes only after this.
const SLOWER: [&str; 6] = ["--ping-interval", "20s", "--job-status-interval", "1s", "--heartbeat-interval", "2s"];
/// Agents are refused the streaming call.
const NO_STREAMS: [&str; 8] = [
    "--ping-interval",
    "1s",
    "--job-status-interval",
    "1s",
    "--heartbeat-interval",
    "2s",
    "--streaming-pings",
    "false",
];

/// How an agent asks what there is to do.
#[derive(Debug, Clone)]
pub struct Way {
    /// For people.
    pub name: &'static str,
    /// How long the server holds pings.
    ping_hold: &'static str,
    /// How the server is started.
    server: &'static [&'static str],
    /// How the agent is started.
    agent: &'static [&'static str],
    /// How long it takes from connecting until it can be told.
    settles: Duration,
    /// How long it may take from a job's making to its start.
    within: Duration,
}

impl Way {
    /// All that an agent knows.
    pub fn of(kind: &Kind) -> Vec<Self> {
        let way = |name, ping_hold, server, agent, settles, within| Self {
            name,
            ping_hold,
            server,
            agent,
            settles: Duration::from_millis(settles),
            within: Duration::from_millis(within),
        };
        if kind.is_native() {
            vec![
                way("pings that are held", "20s", &SLOWER, &[], 20_500, 12_000),
                way("polling", "0s", &QUICK, &[], 0, 8_000),
            ]
        } else {
            vec![
                way("streaming", "0s", &SLOW, &[], 500, 12_000),
                way("polling", "0s", &QUICK, &["--ping-mode", "poll-only"], 0, 8_000),
                way("streaming refused", "0s", &NO_STREAMS, &[], 0, 8_000),
            ]
        }
    }
}

pub async fn story(kind: Kind, way: Way) {
    let stage = Stage::set_with(Engine::Sqlite, kind, way.ping_hold, way.server).await;
    let mut agent = stage.agent_with("idler", way.agent);
    stage.until_connected("idler", &agent).await;
    moment::sleep(way.settles).await;

    for round in ["first", "second"] {
        let build = stage.build(&format!("echo the {round}")).await;
        let took = until_started(&stage, &build, &agent).await;
        assert!(took < way.within, "{}: the {round} job started after {took:?}\n{}", way.name, agent.log());
        stage.until(&build, "PASSED", &agent).await;
        moment::sleep(PAUSE).await;
    }

    let build = stage.build("echo begun; sleep 300; echo never").await;
    stage.until_log(&build, "begun", &agent).await;
    let began = moment::now();
    stage.cancel(&build).await;
    let seen = stage.until(&build, "CANCELED", &agent).await;
    let took = moment::since(began);
    assert!(took < CANCELED, "{}: it was canceled after {took:?}\n{}", way.name, agent.log());
    assert_eq!(seen["job"]["signalReason"], "CANCEL", "{seen}");
    assert!(!stage.log(&build).await.lines().any(|line| line == "never"));
    moment::sleep(PAUSE).await;

    // It hears as well as before.
    let build = stage.build("echo afterwards").await;
    let took = until_started(&stage, &build, &agent).await;
    assert!(took < way.within, "{}: the last job started after {took:?}\n{}", way.name, agent.log());
    stage.until(&build, "PASSED", &agent).await;
    moment::sleep(PAUSE).await;

    let began = moment::now();
    agent.leaves_well().await;
    let took = moment::since(began);
    assert!(took < LEFT, "{}: it left after {took:?}\n{}", way.name, agent.log());
    assert_eq!(stage.agent_state("idler").await, "disconnected");
}

/// How long it takes from now until the build's job has started.
async fn until_started(stage: &Stage, build: &Build, agent: &Agent) -> Duration {
    let began = moment::now();
    while stage.look(build).await["job"]["startedAt"].is_null() {
        assert!(moment::since(began) < CANCELED, "no job starts\n{}", agent.log());
        moment::sleep(Duration::from_millis(20)).await;
    }
    moment::since(began)
}
