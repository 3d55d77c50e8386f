//! The commands that a job calls.

use std::sync::Arc;

use countersign_agent::{
    Environment, ErrorKind,
    commands::{
        Annotation, Given, JobAccess, OidcTokenRequest, agent_control, annotate, meta_data, pipeline,
        remove_annotation,
        step::{self, StepName},
        token,
    },
};
use serde_json::json;

use crate::{
    clock::{FastClock, Seeded},
    fake::{Fake, Fault},
    stand::JOB_TOKEN,
};

fn access(fake: &Fake, given: Given) -> JobAccess {
    let environment: Environment = [
        ("BUILDKITE_AGENT_ACCESS_TOKEN", JOB_TOKEN),
        ("BUILDKITE_AGENT_ENDPOINT", &fake.endpoint()),
        ("BUILDKITE_JOB_ID", "j1"),
        ("DEPLOY_PASSWORD", "hunter2hunter2"),
        ("COUNTERSIGN_AGENT_TOKEN", "never used"),
    ]
    .into_iter()
    .collect();
    JobAccess::new(given, &environment, Arc::new(FastClock::start()), Arc::new(Seeded::new(1)))
        .expect("a job's variables")
}

#[tokio::test]
async fn meta_data_go_in_and_out() {
    let fake = Fake::start().await;
    fake.state().fail("/data/set", [Fault::Status(503, json!({})), Fault::LoseAnswer]);
    let job = access(&fake, Given::default());
    meta_data::set(&job, "release", "1.2 by hunter2hunter2").await.expect("sets");
    assert_eq!(meta_data::get(&job, "release", None).await.expect("is set"), "1.2 by [REDACTED]");
    assert_eq!(meta_data::get(&job, "other", Some("none")).await.expect("a default"), "none");
    let missing = meta_data::get(&job, "other", None).await.expect_err("not set");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(meta_data::exists(&job, "release").await.expect("answers"));
    assert!(!meta_data::exists(&job, "other").await.expect("answers"));
    assert_eq!(meta_data::keys(&job).await.expect("answers"), ["release"]);
    let blank = meta_data::set(&job, " ", "x").await.expect_err("blank");
    assert_eq!(blank.kind(), ErrorKind::BadInput);
    let state = fake.state();
    assert_eq!(state.count("POST /jobs/j1/data/set"), 3);
    assert!(state.calls.iter().all(|call| call.token == JOB_TOKEN));
}

#[tokio::test]
async fn another_build_is_read_by_its_own_address() {
    let fake = Fake::start().await;
    let other = access(&fake, Given { build: Some("b2".to_owned()), ..Given::default() });
    assert!(!meta_data::exists(&other, "k").await.expect("answers"));
    assert_eq!(fake.state().count("POST /builds/b2/data/exists"), 1);
}

#[tokio::test]
async fn an_annotation_is_sent_without_secrets_and_a_refusal_is_told() {
    let fake = Fake::start().await;
    let job = access(&fake, Given::default());
    let note = Annotation {
        body: Some("Deployed with hunter2hunter2".to_owned()),
        style: Some("info".to_owned()),
        ..Annotation::default()
    };
    annotate(&job, note.clone()).await.expect("annotates");
    assert_eq!(
        fake.state().named("POST /jobs/j1/annotations")[0].json(),
        json!({ "body": "Deployed with [REDACTED]", "style": "info", "priority": 3 })
    );
    fake.state().fail("/annotations", [Fault::Status(401, json!({ "message": "The job has ended." }))]);
    let error = annotate(&job, note).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::TokenRefused);
    assert!(error.to_string().contains("The job has ended."), "{error}");
}

#[test]
fn outside_a_job_the_missing_variable_is_named() {
    let given = JobAccess::new(
        Given::default(),
        &Environment::default(),
        Arc::new(FastClock::start()),
        Arc::new(Seeded::new(1)),
    );
    let error = given.err().expect("no token").to_string();
    assert!(error.contains("BUILDKITE_AGENT_ACCESS_TOKEN"), "{error}");
}

#[tokio::test]
async fn steps_builds_and_the_agent_are_reached_by_their_own_calls() {
    let fake = Fake::start().await;
    fake.state().fail("/export", [Fault::Status(503, json!({}))]);
    let job = access(&fake, Given::default());
    let name = StepName { step: Some("tests/unit".to_owned()), build: Some("b1".to_owned()) };
    assert_eq!(step::get(&job, &name, Some("outcome"), None).await.expect("answers"), "passed");
    step::update(&job, &name, "label", "by hunter2hunter2", true).await.expect("done");
    assert_eq!(step::cancel(&job, &name, false, 15).await.expect("done"), "canceled");
    assert_eq!(step::cancel_build(&job, Some("b1")).await.expect("done"), "canceled");
    step::update_job(&job, "timeout_in_minutes", "20").await.expect("done");
    agent_control::pause(&job, Some("full".to_owned()), Some(5)).await.expect("done");
    agent_control::resume(&job).await.expect("done");
    agent_control::stop(&job, true).await.expect("done");
    remove_annotation(&job, Some("a/b.c".to_owned()), None).await.expect("done");
    meta_data::set_batch(&job, vec![("k".to_owned(), "v".to_owned())]).await.expect("done");
    let state = fake.state();
    let update = state.named("PUT /steps/tests%2Funit")[0].json();
    assert_eq!((&update["value"], &update["append"]), (&json!("by [REDACTED]"), &json!(true)));
    assert_eq!(update["idempotency_uuid"].as_str().map(str::len), Some(36));
    assert_eq!(
        state.named("POST /steps/tests%2Funit/cancel")[0].json(),
        json!({ "build_id": "b1", "force": false, "force_grace_period": 15 })
    );
    assert_eq!(state.named("PUT /jobs/j1")[0].json(), json!({ "timeout_in_minutes": "20" }));
    assert_eq!(state.named("POST /pause")[0].json(), json!({ "note": "full", "timeout_in_minutes": 5 }));
    assert_eq!((state.count("POST /resume"), state.named("POST /stop")[0].json()), (1, json!({ "force": true })));
    assert_eq!(state.named("DELETE /jobs/j1/annotations/a%2Fb%2Ec")[0].query, "scope=build");
    assert_eq!(
        state.named("POST /jobs/j1/data/set-batch")[0].json(),
        json!({ "items": [{ "key": "k", "value": "v" }] })
    );
}

#[tokio::test]
async fn a_pipeline_is_sent_once_and_waited_for() {
    let fake = Fake::start().await;
    let job = access(&fake, Given::default());
    // Lost, throttled, and then taken for later under a place that names this upload.
    fake.state().fail("/pipelines", [Fault::LoseAnswer, Fault::Status(529, json!({}))]);
    pipeline::upload(&job, vec![json!({ "steps": [] }), json!({ "steps": ["wait"] })], true).await.expect("applied");
    {
        let state = fake.state();
        let sent: Vec<_> = state.named("POST /jobs/j1/pipelines").iter().map(|call| call.json()).collect();
        let uuids: Vec<_> = sent.iter().map(|sent| sent["uuid"].clone()).collect();
        assert!(uuids.len() == 4 && uuids[0] == uuids[1] && uuids[1] == uuids[2] && uuids[2] != uuids[3], "{uuids:?}");
        assert_eq!((&sent[0]["replace"], sent[3].get("replace")), (&json!(true), None));
        assert_eq!(state.named("POST /jobs/j1/pipelines")[0].query, "async=true");
    }
    fake.state().fail("/pipelines", [Fault::Status(422, json!({ "message": "Step 1 has no command." }))]);
    let error = pipeline::upload(&job, vec![json!({ "steps": [{}] })], false).await.expect_err("rejected");
    assert!(error.to_string().ends_with("Step 1 has no command."), "{error}");
    fake.state().fail("/pipelines", [Fault::WithHeader(202, "location", "/jobs/other/pipelines/x".to_owned())]);
    assert!(pipeline::upload(&job, vec![json!({})], false).await.is_err(), "the state of another upload");
    let secret = pipeline::refuse_secrets(&job, &[json!({ "steps": [{ "command": "echo hunter2hunter2" }] })]);
    let secret = secret.expect_err("a secret").to_string();
    assert!(secret.contains("document 1") && !secret.contains("hunter2"), "{secret}");
    pipeline::refuse_secrets(&job, &[json!({ "steps": [{ "command": "echo $DEPLOY_PASSWORD" }] })]).expect("none");
}

#[tokio::test]
async fn the_state_of_an_upload_is_asked_for_until_it_is_decided() {
    let fake = Fake::start().await;
    let job = access(&fake, Given::default());
    for (states, fits) in [
        (vec![(404, json!({})), (200, json!({ "state": "pending" })), (200, json!({ "state": "applied" }))], true),
        (vec![(200, json!({ "state": "processing" })), (200, json!({ "state": "rejected", "message": "No." }))], false),
        (vec![(422, json!({ "message": "No." }))], false),
    ] {
        fake.answer_later(states);
        let result = pipeline::upload(&job, vec![json!({ "steps": [] })], false).await;
        assert_eq!(result.is_ok(), fits, "{result:?}");
        assert!(fits || result.expect_err("refused").to_string().contains("No."));
    }
}

#[tokio::test]
async fn a_token_is_kept_out_of_the_log_and_a_refusal_is_told() {
    let fake = Fake::start().await;
    let job = access(&fake, Given::default());
    let request = OidcTokenRequest { audience: Some("x".to_owned()), ..OidcTokenRequest::default() };
    let token = token::request_oidc(&job, &request, None).await.expect("given");
    assert_eq!(token::for_gcp(&token).expect("a JWT")["expiration_time"], json!(1_800_000_000));
    assert_eq!(fake.state().named("POST /jobs/j1/oidc/tokens")[0].json(), json!({ "audience": "x" }));
    let error = token::secrets(&job, &["A.B".to_owned()], None).await.expect_err("refused");
    assert!(error.to_string().contains("keeps no secrets"), "{error}");
    assert_eq!(fake.state().named("GET /jobs/j1/secrets")[0].query, "key=A%2EB");
}
