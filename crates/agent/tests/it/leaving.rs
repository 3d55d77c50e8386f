//! When an agent leaves by itself, and when it stays.

use countersign_agent::Setting;
use serde_json::json;

use crate::stand::{Stand, job};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_told_to_leave_leaves_a_job_alone() {
    let mut stand = Stand::start(&[], |state| {
        state.action = Some("disconnect");
        state.jobs.push_back(job("j1", "true"));
    })
    .await;
    stand.ended().await.expect("told to leave is no error");
    let state = stand.fake.state();
    assert_eq!(
        (state.count("GET /ping"), state.count("POST /disconnect"), state.count("PUT /jobs/j1/accept")),
        (1, 1, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_agent_runs_nothing_and_stays_until_it_is_resumed() {
    let settings = [(Setting::DisconnectAfterIdleTimeout, "2")];
    let mut stand = Stand::start(&settings, |state| {
        state.action = Some("pause");
        state.jobs.push_back(job("j1", "true"));
    })
    .await;
    stand.until("it pings on", |state| state.count("GET /ping") > 6).await;
    assert_eq!(stand.fake.state().count("PUT /jobs/j1/accept"), 0);
    stand.fake.state().action = None;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.ended().await.expect("idle is no error");
    let events = stand.events();
    for told in ["Paused", "No longer paused", "no job for too long"] {
        assert!(events.iter().any(|event| event.contains(told)), "{told}: {events:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_job_is_enough_for_an_agent_that_leaves_after_its_job() {
    let settings = [(Setting::DisconnectAfterJob, "true")];
    let mut stand = Stand::start(&settings, |state| {
        state.jobs.push_back(job("j1", "true"));
        state.jobs.push_back(job("j2", "true"));
    })
    .await;
    stand.ended().await.expect("leaving is no error");
    let state = stand.fake.state();
    assert_eq!(state.finishes("j1")[0]["ignore_agent_in_dispatches"], json!(true));
    assert_eq!((state.count("PUT /jobs/j2/accept"), state.count("POST /disconnect")), (0, 1));
}
