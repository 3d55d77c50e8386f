//! Refused sessions, refused tokens.

use countersign_agent::ErrorKind;
use serde_json::json;

use crate::{
    fake::Fault,
    stand::{Stand, job, refusal},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_session_is_replaced() {
    let mut stand = Stand::start(&[], |state| state.fail("/ping", [Fault::Status(401, refusal("unknown", "x"))])).await;
    stand
        .until("the second session pings", |state| {
            state.named("GET /ping").iter().any(|ping| ping.token == "session-2")
        })
        .await;
    stand.fake.state().jobs.push_back(job("j1", "true"));
    stand.until("it works", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(state.count("POST /register"), 2);
    let left: Vec<_> = state.named("POST /disconnect").iter().map(|call| call.token.clone()).collect();
    assert_eq!(left, ["session-2"], "a refused session has nothing to leave");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_is_refused_ends_the_job_and_the_session() {
    let mut stand = Stand::start(&[], |state| state.jobs.push_back(job("j1", "sleep 1000"))).await;
    stand.until("the job runs", |state| state.count("PUT /jobs/j1/start") > 0).await;
    stand.fake.state().fail("/heartbeat", [Fault::Status(401, json!({ "message": "lost" }))]);
    stand.until("it registers again", |state| state.count("POST /register") == 2).await;
    stand.stop().await;
    assert_eq!(stand.fake.state().finishes("j1")[0]["signal_reason"], "agent_stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_ends_the_agent_with_its_reason_and_public_id() {
    let mut stand =
        Stand::start(&[], |state| state.fail("/register", [Fault::Status(401, refusal("expired", "4f9Kd0aZ81b"))]))
            .await;
    let error = stand.ended().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::TokenRefused);
    assert_eq!(error.to_string(), "the server refused the agent token 4f9Kd0aZ81b (expired): This token was expired.");
    assert_eq!(stand.fake.state().calls.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_token_is_named_by_the_id_in_its_own_value() {
    let body = json!({ "message": "The token is not known here.", "reason": "unknown" });
    let mut stand = Stand::start(&[], |state| state.fail("/register", [Fault::Status(401, body)])).await;
    let error = stand.ended().await.expect_err("refused").to_string();
    assert!(
        error.contains(&stand.public_id) && error.contains("(unknown)") && !error.contains(&stand.token),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_ends_the_agent_when_its_session_goes_too() {
    let mut stand = Stand::start(&[], |_| ()).await;
    stand.until("it pings", |state| state.count("GET /ping") > 0).await;
    {
        let mut state = stand.fake.state();
        state.fail("/ping", [Fault::Status(401, refusal("revoked", "4f9Kd0aZ81b"))]);
        state.fail("/register", [Fault::Status(401, refusal("revoked", "4f9Kd0aZ81b"))]);
    }
    let error = stand.ended().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::TokenRefused);
    assert!(error.to_string().contains("4f9Kd0aZ81b (revoked)"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_worker_that_is_refused_does_not_end_the_others() {
    let spawn = [(countersign_agent::Setting::Spawn, "2")];
    let mut stand =
        Stand::start(&spawn, |state| state.fail("/register", [Fault::Status(401, refusal("rotated", "4f9Kd0aZ81b"))]))
            .await;
    stand.until("the other one pings", |state| state.count("GET /ping") > 2).await;
    let names: Vec<_> =
        stand.fake.state().named("POST /register").iter().map(|call| call.json()["name"].clone()).collect();
    assert!(names.contains(&json!("stand-1")) && names.contains(&json!("stand-2")), "{names:?}");
    stand.ask(countersign_agent::Stop::AfterJob);
    let error = stand.ended().await.expect_err("one was refused");
    assert_eq!(error.kind(), ErrorKind::TokenRefused);
}
