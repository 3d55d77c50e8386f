//! A server that answers 503, loses answers, and goes away.

use std::time::Duration;

use serde_json::json;

use crate::{
    clock::pause,
    fake::Fault,
    stand::{Stand, job},
};

fn unavailable() -> Fault {
    Fault::Status(503, json!({ "message": "not now" }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_arrives_whole_and_in_order_though_chunks_fail_and_answers_are_lost() {
    let mut many = job("j1", "for i in $(seq 1 3000); do echo line $i; done");
    many["chunks_max_size_bytes"] = json!(1000);
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(many);
        state.fail("/chunks", [unavailable(), Fault::LoseAnswer, unavailable(), Fault::LoseAnswer]);
    })
    .await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    let expected: String = (1..=3000).map(|i| format!("line {i}\n")).collect();
    assert_eq!(state.log("j1"), expected);
    assert_eq!(state.finishes("j1")[0]["chunks_failed_count"], 0);
    let chunks = state.named("POST /jobs/j1/chunks");
    assert!(chunks.len() > 60, "cut into many: {}", chunks.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_that_is_refused_is_dropped_and_counted() {
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(job("j1", "echo gone"));
        state.fail("/chunks", [Fault::Status(429, json!({}))]);
    })
    .await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!((&state.finishes("j1")[0]["chunks_failed_count"], state.count("POST /jobs/j1/chunks")), (&json!(1), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_and_finish_are_repeated_until_they_are_answered() {
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(job("j1", "true"));
        state.jobs.push_back(job("j2", "true"));
        state.fail("j1/start", [Fault::LoseAnswer, unavailable()]);
        state.fail("j1/finish", [Fault::LoseAnswer, Fault::Status(429, json!({})), unavailable()]);
        state.fail("j2/finish", [Fault::Status(422, json!({ "message": "finished already" }))]);
    })
    .await;
    stand.until("both jobs are finished", |state| !state.finishes("j2").is_empty()).await;
    stand.until("the agent goes on", |state| state.calls.last().is_some_and(|call| call.name == "GET /ping")).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(state.count("PUT /jobs/j1/start"), 3);
    let finishes = state.finishes("j1");
    assert_eq!(finishes.len(), 4);
    assert!(finishes.iter().all(|finish| *finish == finishes[0]), "a repeated finish is the same finish");
    assert_eq!(state.finishes("j2").len(), 1, "a refused finish means finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_accepted_is_offered_again() {
    let mut stand = Stand::start(&[], |state| {
        state.jobs.push_back(job("j1", "true"));
        state.fail("/accept", [unavailable()]);
    })
    .await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    let accepted: Vec<_> = state.calls.iter().filter(|call| call.name.ends_with("/accept")).collect();
    assert_eq!(accepted.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_survives_a_restart_of_the_server_idle_and_at_work() {
    let mut stand = Stand::start(&[], |_| ()).await;
    stand.until("it pings", |state| state.count("GET /ping") > 0).await;
    stand.fake.go_away().await;
    pause(Duration::from_millis(300)).await;
    stand.fake.come_back().await;
    let before = stand.fake.state().count("GET /ping");
    stand.until("it pings again", |state| state.count("GET /ping") > before).await;

    stand.fake.state().jobs.push_back(job("j1", "echo before; sleep 0.6; echo after"));
    stand.until("the job runs", |state| state.count("PUT /jobs/j1/start") > 0).await;
    stand.fake.go_away().await;
    pause(Duration::from_millis(900)).await;
    stand.fake.come_back().await;
    stand.until("the job is finished", |state| !state.finishes("j1").is_empty()).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(state.log("j1"), "before\nafter\n");
    assert_eq!((state.finishes("j1")[0]["exit_status"].as_str(), state.count("POST /register")), (Some("0"), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut stand = Stand::start(&[], |state| {
        state.fail("/register", [unavailable(), Fault::LoseAnswer, Fault::Status(429, json!({}))]);
        state.fail("/connect", [unavailable(), Fault::Status(404, json!({}))]);
    })
    .await;
    stand.until("it pings", |state| state.count("GET /ping") > 0).await;
    stand.stop().await;
    let state = stand.fake.state();
    assert_eq!(
        (state.count("POST /register"), state.count("POST /connect"), state.count("POST /disconnect")),
        (4, 3, 1)
    );
}
