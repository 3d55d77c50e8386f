//! The commands that a job calls.

use std::sync::Arc;

use countersign_agent::{
    Environment, ErrorKind,
    commands::{Annotation, Given, JobAccess, annotate, meta_data},
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
