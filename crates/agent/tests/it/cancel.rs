//! Cancelling: by the server, and by a second signal.

use std::{fs, time::Duration};

use countersign_agent::Stop;
use rustix::process::{Pid, test_kill_process};
use serde_json::json;

use crate::{
    clock::pause,
    fake::Fault,
    stand::{Stand, job},
};

/// A shell and a grandchild, both of which shrug at SIGTERM.
const STUBBORN: &str = "trap 'echo asked' TERM; \
    sh -c 'trap \"\" TERM; echo $$ > grandchild; sleep 1000 & echo $! > sleeper; wait' & \
    echo $$ > leader; echo started; while true; do sleep 0.05 || true; done";

fn pids(stand: &Stand) -> Vec<Pid> {
    let read = |name| fs::read_to_string(stand.checkout().join(name)).ok()?.trim().parse().ok();
    ["leader", "grandchild", "sleeper"].into_iter().filter_map(read).filter_map(Pid::from_raw).collect()
}

/// Alive, and not only waiting for somebody to ask how it ended.
fn runs(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    test_kill_process(pid).is_ok() && !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_ends_with_its_whole_group() {
    let mut stand = Stand::start(&[], |state| state.jobs.push_back(job("j1", STUBBORN))).await;
    stand.until("all three run", |_| pids(&stand).len() == 3).await;
    let pids = pids(&stand);
    assert!(pids.iter().all(|pid| runs(*pid)));
    stand.fake.state().job_state = "canceling";
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    pause(Duration::from_millis(50)).await;
    assert_eq!(pids.iter().filter(|pid| runs(**pid)).count(), 0);
    stand.stop().await;
    let state = stand.fake.state();
    let finish = &state.finishes("j1")[0];
    assert_eq!(
        (&finish["exit_status"], &finish["signal"], &finish["signal_reason"]),
        (&json!("-1"), &json!("SIGKILL"), &json!("cancel"))
    );
    let log = state.log("j1");
    assert!(log.starts_with("started\n") && log.contains("asked\n"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_left_the_jobs_group_and_session_ends_too() {
    // Two that daemonised themselves: one that keeps its variables, and the child of one.
    let command = "setsid sh -c 'trap \"\" TERM HUP; (setsid sleep 1000 & echo $! > sleeper); echo $$ > grandchild; sleep 1000' \
                   > /dev/null 2>&1 < /dev/null & \
                   while [ ! -s grandchild ]; do sleep 0.02; done; echo $$ > leader; echo started; sleep 1000";
    let mut stand = Stand::start(&[], |state| state.jobs.push_back(job("j1", command))).await;
    stand.until("all three run", |_| pids(&stand).len() == 3).await;
    let pids = pids(&stand);
    assert!(pids.iter().all(|pid| runs(*pid)));
    stand.fake.state().job_state = "timing_out";
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    assert_eq!(pids.iter().filter(|pid| runs(**pid)).count(), 0);
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(state.finishes("j1")[0]["signal_reason"], json!("cancel"));
    assert!(state.log("j1").contains("ran for too long"), "{}", state.log("j1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_cancelled_with_the_signal_that_was_chosen() {
    // It has the time to say so however busy the machine is.
    let settings = [
        (countersign_agent::Setting::CancelSignal, "SIGINT"),
        (countersign_agent::Setting::CancelGracePeriod, "1000s"),
    ];
    let command = "trap 'echo interrupted; exit 7' INT; echo started; while true; do sleep 0.05; done";
    let mut stand = Stand::start(&settings, |state| state.jobs.push_back(job("j1", command))).await;
    stand.until("the job runs", |state| state.log("j1").contains("started")).await;
    stand.fake.state().job_state = "canceling";
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert!(state.log("j1").contains("interrupted"), "{}", state.log("j1"));
    assert_eq!(state.finishes("j1")[0]["exit_status"], json!("7"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_command_leaves_behind_ends_with_it() {
    let mut stand =
        Stand::start(&[], |state| state.jobs.push_back(job("j1", "sleep 1000 & echo $! > leader; echo done"))).await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    assert!(pids(&stand).iter().all(|pid| !runs(*pid)));
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!((state.log("j1").as_str(), &state.finishes("j1")[0]["exit_status"]), ("done\n", &json!("0")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_token_is_refused_is_cancelled() {
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(job("j1", "sleep 1000"));
        state.fail("/jobs/j1", [Fault::Status(503, json!({})), Fault::Status(401, json!({}))]);
    })
    .await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let finish = stand.fake.state().finishes("j1")[0].clone();
    assert_eq!((&finish["signal"], &finish["signal_reason"]), (&json!("SIGTERM"), &json!("cancel")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_stop_waits_for_the_job_and_the_second_does_not() {
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(job("j1", "while [ ! -e go ]; do sleep 0.02; done"));
        state.jobs.push_back(job("j2", "true"));
    })
    .await;
    stand.until("the job runs", |state| state.count("GET /jobs/j1") > 0).await;
    stand.ask(Stop::AfterJob);
    pause(Duration::from_millis(300)).await;
    assert!(stand.fake.state().finishes("j1").is_empty(), "the job goes on");
    fs::write(stand.checkout().join("go"), "").expect("the job's folder");
    stand.ended().await.expect("a stop is no error");
    {
        let state = stand.fake.state();
        assert_eq!((&state.finishes("j1")[0]["exit_status"], state.count("POST /disconnect")), (&json!("0"), 1));
        assert_eq!(state.count("PUT /jobs/j2/accept"), 0, "no other job is taken");
    }

    let mut stand = Stand::start(&[], |state| state.jobs.push_back(job("j1", "sleep 1000"))).await;
    stand.until("the job runs", |state| state.count("GET /jobs/j1") > 0).await;
    stand.ask(Stop::AfterJob);
    stand.ask(Stop::Now);
    stand.ended().await.expect("a stop is no error");
    let state = stand.fake.state();
    assert_eq!((&state.finishes("j1")[0]["signal_reason"], state.count("POST /disconnect")), (&json!("agent_stop"), 1));
}
