//! A build of two hundred jobs, and a server that is killed ten times on the way: every job runs once, or it can be seen that and why it ran again;
//! no line of a log is missing or there twice; and the build ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use countersign_testkit::Engine;
use countersign_testkit::harness::dice::Dice;
use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::moment;
use serde_json::{Value, json};

use crate::agents::{Agent, Kind};
use crate::stage::{Stage, text};

/// Jobs that run beside each other, and one that waits for all of them.
const BESIDE: usize = 199;
const JOBS: usize = BESIDE + 1;
/// How often the server is killed.
const KILLS: usize = 10;
/// Agents, and the workers of each.
const AGENTS: [&str; 2] = ["north", "south"];
const SPAWN: &str = "4";
/// How long the whole may take.
const PATIENCE: Duration = Duration::from_secs(240);
/// The longest time from the moment that enough jobs have ended to the kill: it falls anywhere in what agents do.
const KILL_WITHIN: Duration = Duration::from_millis(300);
/// How many jobs run between one kill and the next.
const BETWEEN: usize = BESIDE / (KILLS + 1);

/// Writes down that it runs, and says ten lines; every eighth one takes two seconds in the middle of them, so that kills fall between lines
/// that were taken and lines that are to come.
fn command(runs: &Path) -> String {
    let runs = runs.display();
    format!(
        "echo \"$BUILDKITE_JOB_ID\" >> {runs}
for i in 1 2 3 4 5; do echo \"line $i of $BUILDKITE_JOB_ID\"; done
if [ $(( BUILDKITE_PARALLEL_JOB % 8 )) = 0 ]; then sleep 2; fi
for i in 6 7 8 9 10; do echo \"line $i of $BUILDKITE_JOB_ID\"; done"
    )
}

pub async fn story(kind: Kind) {
    let arguments = ["--ping-interval", "1s", "--job-status-interval", "1s", "--heartbeat-interval", "5s"];
    let mut stage = Stage::set_with(Engine::Sqlite, kind, "0s", &arguments).await;
    let runs = stage.folder().join("runs");
    fs::write(&runs, "").expect("the file can be made");
    // By this policy a job whose agent was lost runs again; nothing else does.
    let again = json!({ "automatic": [{ "exit_status": -1, "limit": 2 }] });
    let definition = json!({ "steps": [
        { "key": "beside", "command": command(&runs), "parallelism": BESIDE, "retry": again },
        "wait",
        { "key": "last", "command": command(&runs), "retry": again },
    ] });
    let build = stage.build_of(&definition).await;
    let began = moment::now();
    let spawn = ["--spawn", SPAWN];
    let mut agents = AGENTS.map(|name| stage.agent_with(&format!("{name}-%spawn"), &spawn));

    let dice = Dice::new(1);
    let mut away = Duration::ZERO;
    for kill in 1..=KILLS {
        until_ran(&runs, kill * BETWEEN, began, &agents).await;
        moment::sleep(dice.between(Duration::ZERO, KILL_WITHIN)).await;
        let gone = moment::now();
        stage.kill_server().await;
        stage.start_server().await;
        away += moment::since(gone);
    }
    let restarted = moment::since(began);
    let ran_by_then = ran(&runs).len();
    loop {
        let state = text(&stage.look(&build).await["state"]);
        if state == "PASSED" {
            break;
        }
        assert!(matches!(state.as_str(), "RUNNING" | "SCHEDULED"), "the build is {state}");
        assert!(moment::since(began) < PATIENCE, "the build does not end\n{}", logs(&agents));
        moment::sleep(Duration::from_millis(200)).await;
    }
    let took = moment::since(began);
    assert!(ran_by_then < JOBS, "the kills came while there was work: {ran_by_then} jobs had begun");

    let jobs = stage.jobs(&build).await;
    let retried = each_ran_once(&jobs, &ran(&runs));
    let ended: Vec<String> = jobs.iter().filter(|it| it["retried"] == false).map(|it| text(&it["uuid"])).collect();
    let logs = stage.whole_logs(&ended).await;
    let lines: usize = ended.iter().zip(&logs).map(|(job, log)| whole_log(job, log)).sum();
    tell(format_args!(
        "stories: ten restarts: {JOBS} jobs, {KILLS} kills in {:.1} s (away for {:.1} s), ended after {:.1} s, {retried} retried, {lines} lines",
        restarted.as_secs_f64(),
        away.as_secs_f64(),
        took.as_secs_f64(),
    ));
    for agent in &agents {
        agent.ask_to_leave();
    }
    for agent in &mut agents {
        assert_eq!(agent.left().await, 0, "{}", agent.log());
    }
}

/// Every job ran exactly once and passed, or ran at most once and was retried, which can be seen. Answers how many were.
fn each_ran_once(jobs: &[Value], ran: &[String]) -> usize {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for job in ran {
        *times.entry(job).or_default() += 1;
    }
    let mut retried = 0;
    for job in jobs {
        let times = times.remove(job["uuid"].as_str().unwrap_or_default()).unwrap_or_default();
        if job["retried"] == true {
            assert!(times <= 1 && job["exitStatus"] == "-1", "{job} ran {times} times");
            retried += 1;
        } else {
            assert!(times == 1 && job["passed"] == true && job["exitStatus"] == "0", "{job} ran {times} times");
        }
    }
    assert!(times.is_empty(), "jobs of no build ran: {times:?}");
    assert_eq!(jobs.len() - retried, JOBS, "each retried job has one in its place");
    retried
}

/// Every line once and in its order. Answers how many there are.
fn whole_log(job: &str, log: &str) -> usize {
    let said: Vec<&str> = log.lines().filter(|line| line.starts_with("line ")).collect();
    let wanted: Vec<String> = (1..=10).map(|number| format!("line {number} of {job}")).collect();
    assert_eq!(said, wanted, "{log}");
    said.len()
}

/// The jobs that have begun, in their order.
fn ran(runs: &Path) -> Vec<String> {
    fs::read_to_string(runs).expect("the file is there").lines().map(str::to_owned).collect()
}

async fn until_ran(runs: &Path, count: usize, began: moment::Instant, agents: &[Agent]) {
    while ran(runs).len() < count {
        assert!(moment::since(began) < PATIENCE, "{count} jobs do not run\n{}", logs(agents));
        moment::sleep(Duration::from_millis(20)).await;
    }
}

fn logs(agents: &[Agent]) -> String {
    agents.iter().map(|agent| agent.log()).collect::<Vec<_>>().join("\n")
}
