//! `--acquire-job`: one job, and its end.

use countersign_agent::{ErrorKind, Setting};
use serde_json::json;

use crate::{
    fake::Fault,
    stand::{Stand, job},
};

const SETTINGS: [(Setting, &str); 1] = [(Setting::AcquireJob, "j1")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_is_run_once_it_can_and_its_status_is_the_answer() {
    let mut stand = Stand::start(&SETTINGS, |state| {
        state.jobs.push_back(job("j1", "exit 5"));
        state
            .fail("/acquire", [Fault::WithHeader(423, "retry-after", "0.5".to_owned()), Fault::Status(503, json!({}))]);
    })
    .await;
    let finished = stand.ended().await.expect("acquired");
    assert_eq!(finished.acquired, Some(5));
    let state = stand.fake.state();
    assert_eq!(state.named("POST /register")[0].json()["ignore_in_dispatches"], json!(true));
    assert_eq!((state.count("PUT /jobs/j1/acquire"), state.count("POST /disconnect")), (3, 1));
    assert_eq!((state.count("GET /ping"), state.count("PUT /jobs/j1/accept")), (0, 0), "no other job is looked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_acquired_ends_the_agent_at_once() {
    let mut stand = Stand::start(&SETTINGS, |state| {
        state.fail("/acquire", [Fault::Status(422, json!({ "message": "It has been taken." }))]);
    })
    .await;
    let error = stand.ended().await.expect_err("rejected");
    assert_eq!(error.kind(), ErrorKind::AcquireRejected);
    assert!(error.to_string().contains("It has been taken."), "{error}");
    assert_eq!(stand.fake.state().count("POST /disconnect"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_stays_locked_is_told_apart() {
    let locked = || Fault::WithHeader(423, "retry-after", "0.1".to_owned());
    let mut stand =
        Stand::start(&SETTINGS, |state| state.fail("/acquire", std::iter::repeat_with(locked).take(7))).await;
    assert_eq!(stand.ended().await.expect_err("locked").kind(), ErrorKind::AcquireLocked);
    assert_eq!(stand.fake.state().count("PUT /jobs/j1/acquire"), 7);
}
