//! Runs of a real Python job, taken by Dagster's own unmodified agent: to its end, into a failure, canceled, and lost with the agent's token.

use std::fs;
use std::process::Command;
use std::time::Duration;

use countersign_testkit::Engine;
use serde_json::Value;

use crate::dagster_tools::{agent, dagster_cloud, is_heard, turn};
use crate::stand::{Stand, pause};

/// One job that is done, one that fails, one that waits until it is stopped.
const MODULE: &str = "\
import sys, time
import dagster

@dagster.op
def sold(context):
    context.log.info('seven were sold')
    print('counted by hand')
    print('and by eye', file=sys.stderr)
    return 7

@dagster.op
def spoiled():
    raise RuntimeError('no stock today')

@dagster.op
def waited():
    time.sleep(300)

@dagster.job
def sell(): sold()

@dagster.job
def spoil(): spoiled()

@dagster.job
def wait(): waited()

defs = dagster.Definitions(jobs=[sell, spoil, wait], executor=dagster.in_process_executor)
";

fn show(stand: &Stand, run: &str) -> Value {
    stand.ada(&["dagster", "run", "show", run, "--output", "json"]).json()
}

fn launch(stand: &Stand, job: &str) -> String {
    let run = stand.ada(&["dagster", "run", "launch", "sales", job, "--tag", "team=a", "--output", "json"]).json();
    run["uuid"].as_str().expect("it has an id").to_owned()
}

/// How often a run is looked at, and how many times: each starts an interpreter or two, on a machine that may be busy.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: usize = 720;

/// Waits until a run stands there; one that has ended otherwise is told with its events.
fn stands(stand: &Stand, run: &str, status: &str) -> Value {
    for _ in 0..LOOKS {
        let now = show(stand, run);
        if now["status"] == status {
            return now;
        }
        let events = || stand.ada(&["dagster", "run", "events", run]).out;
        assert!(now["endedAt"].is_null(), "not {status}: {now:#}\n{}", events());
        pause(LOOK);
    }
    panic!("not {status} in time: {:#}", show(stand, run));
}

#[test]
fn runs_end_as_their_workers_say_and_are_lost_with_the_token() {
    let _turn = turn();
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let module = stand.path("sales.py");
    fs::write(&module, MODULE).expect("written");
    let agent = agent(&stand, "north", "default", stand.agent_token());
    is_heard(&stand, &agent, "north");
    let module = module.to_str().expect("a path");
    let added = ["deployment", "add-location", "sales", "--python-file", module];
    dagster_cloud(&stand, "default", stand.user_token(), &added).must(0, &[]);

    // Two at a time: each takes seconds of a processor to start.
    let launched =
        dagster_cloud(&stand, "default", stand.user_token(), &["job", "launch", "-l", "sales", "-j", "sell"]);
    let sell = launched.must(0, &[]).out.trim().to_owned();
    let spoil = launch(&stand, "spoil");
    stand.ada(&["dagster", "run", "launch", "sales", "buy"]).must(2, &["none of the repository's", "sell"]);

    let done = stands(&stand, &sell, "SUCCESS");
    assert!(!done["startedAt"].is_null() && !done["takenAt"].is_null(), "{done:#}");
    dagster_cloud(&stand, "default", stand.user_token(), &["run", "status", &sell]).must(0, &["SUCCESS"]);
    let told = stand.ada(&["dagster", "run", "events", &sell]);
    told.must(0, &["PIPELINE_START", "STEP_OUTPUT sold", "seven were sold", "PIPELINE_SUCCESS"]);
    stand.ada(&["dagster", "run", "logs", &sell]).must(0, &["counted by hand", "and by eye"]);

    let failed = stands(&stand, &spoil, "FAILURE");
    assert!(failed["reason"].is_null(), "{failed:#}");
    stand.ada(&["dagster", "run", "events", &spoil]).must(0, &["STEP_FAILURE spoiled"]);
    stand.ada(&["dagster", "run", "show", &spoil]).must(0, &["FAILURE", "team=a", "dagster/agent_label=north"]);

    let [stopped, lost] = [launch(&stand, "wait"), launch(&stand, "wait")];
    stands(&stand, &stopped, "STARTED");
    stand.ada(&["dagster", "run", "terminate", &stopped]).must(0, &["is being stopped"]);
    stands(&stand, &stopped, "CANCELED");

    stands(&stand, &lost, "STARTED");
    let token = stand.made["agent_token"]["uuid"].as_str().expect("init printed it");
    stand.ada(&["token", "revoke", token, "--reason", "over"]).must(0, &[]);
    let gone = stands(&stand, &lost, "LOST");
    assert_eq!(gone["reason"], "its agent's token was revoked");
    assert!(gone["endedAt"].is_string(), "{gone:#}");
    stand.ada(&["dagster", "run", "list", "--status", "LOST"]).must(0, &[&lost, "token was revoked"]);
    dagster_cloud(&stand, "default", stand.user_token(), &["run", "status", &lost]).must(0, &["FAILURE"]);
    // Its worker still waits, and its agent, which may say nothing any more, does not stop it.
    end_worker(&gone);
}

/// Ends the worker of a run, which its agent says in a tag.
fn end_worker(run: &Value) {
    let tags = run["tags"].as_array().expect("a list");
    let pid = tags.iter().find(|tag| tag["key"] == "process/pid").expect("its agent said which process it is");
    let ended = Command::new("kill")
        .arg("-KILL")
        .arg(pid["value"].as_str().expect("a number"))
        .status()
        .expect("kill is there");
    assert!(ended.success(), "the worker was there");
}
