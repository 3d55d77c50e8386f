//! Steps, as jobs of their build get, upload and change them.

use std::time::Duration;

use countersign_control::access::actions::{ReadSteps, UploadPipeline, ViewBuilds, WriteSteps};
use countersign_control::agents::Instruction;
use countersign_control::builds::Upload;
use countersign_control::jobs::Job as Row;
use countersign_control::steps::StepChange;
use countersign_control::{Error, Result};
use countersign_domain::build::{BuildState, JobState as J};
use countersign_domain::id::BuildId;
use countersign_domain::text::FieldError;
use countersign_testkit::World;
use serde_json::{Value, json};

use crate::acting::{Job, accept, build, connect, field_of, finish, may, ping, start, take};

async fn upload(world: &World, job: &Job, steps: Value) -> Result<()> {
    let uuid = format!("0192f3a1-7c3e-7b21-9f60-{:012}", crate::acting::next());
    let grant = may::<UploadPipeline>(&world.control, &job.caller);
    let pipeline = json!({ "steps": steps, "secrets": ["ALL"], "env": { "OUTER": "1" } });
    world.control.upload_pipeline(&grant, Upload { uuid, pipeline, replace: false }).await
}

async fn uploader(world: &World, text: &str) -> Job {
    build(&world.control, &world.acme, text).await;
    let agent = connect(&world.control, world.acme.agent_token(), &[]).await;
    let job = take(&world.control, &agent).await;
    start(&world.control, &job).await;
    job
}

async fn jobs(world: &World, id: BuildId) -> Vec<Row> {
    world.control.build_jobs(&world.admin::<ViewBuilds>(), id).await.expect("its jobs")
}

async fn change(world: &World, job: &Job, step: &str, attribute: &str, value: &str, append: bool) -> Result<()> {
    let (step, attribute, value) = (step.to_owned(), attribute.to_owned(), value.to_owned());
    let change = StepChange { step, uuid: None, attribute, value, append };
    world.control.update_step(&may::<WriteSteps>(&world.control, &job.caller), change).await
}

pub async fn a_signed_step_goes_back_as_it_came(world: &World) {
    let control = &world.control;
    let job = uploader(world, "steps: [{command: up}]").await;
    let signed = json!({
        "command": "echo {{matrix}}\n",
        "env": { "A": "1", "B": "<&>\u{e4}" },
        "plugins": [{ "github.com/acme/x-buildkite-plugin#v1": { "n": 1.5, "list": [null, true, {}] } }],
        "matrix": ["one"],
        "secrets": [{ "key": "K", "environment_variable": "E" }],
        "checkout": { "depth": 3, "skip": false },
        "signature": { "algorithm": "EdDSA", "signed_fields": ["command", "env", "env::OUTER"], "value": "eyJhbGciOi..AbC-_9=" },
    });
    let mut step = signed.clone();
    step["label"] = json!("not signed");
    let plain = json!({
        "command": "b", "cache": ["a/", "b/"], "secrets": ["S"],
        "checkout": { "depth": 1, "submodules": false, "sparse": { "paths": ["a", "b"] }, "flags": { "clean": "-ffdx" } },
    });
    upload(world, &job, json!([step, plain, { "command": "c" }])).await.expect("uploaded");
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let mut taken = Vec::new();
    for _ in 0..3 {
        let Instruction::TakeJob(id) = ping(control, &agent).await else { panic!("a job is offered") };
        let accepted = accept(control, &agent, id).await.expect("taken");
        let caller = crate::acting::caller(control, accepted.secret.reveal()).await;
        let build = accepted.job.build;
        finish(control, &Job { id, build, agent: agent.clone(), secret: accepted.secret.clone(), caller }, "0").await;
        taken.push(accepted);
    }
    assert_eq!(Value::Object(taken[0].step.clone()), signed, "nothing added, nothing taken away");
    assert_eq!(taken[0].job.matrix.get("").map(String::as_str), Some("one"));
    assert_eq!(taken[0].env["BUILDKITE_COMMAND"], "echo one\n");
    assert_eq!(taken[0].env["BUILDKITE_GIT_CLONE_FLAGS"], "-v --depth=3");
    let secret = |name: &str| json!({ "key": name, "environment_variable": name });
    assert_eq!(
        Value::Object(taken[1].step.clone()),
        json!({
            "cache": { "paths": ["a/", "b/"] }, "secrets": [secret("ALL"), secret("S")],
            "checkout": { "depth": 1, "submodules": false, "sparse": { "paths": ["a", "b"] }, "flags": { "clean": "-ffdx" } },
        })
    );
    for (name, value) in [
        ("BUILDKITE_GIT_SUBMODULES", "false"),
        ("BUILDKITE_GIT_CLONE_FLAGS", "-v --depth=1"),
        ("BUILDKITE_GIT_FETCH_FLAGS", "-v --prune --depth=1"),
        ("BUILDKITE_GIT_CLEAN_FLAGS", "-ffdx"),
        ("BUILDKITE_GIT_SPARSE_CHECKOUT_PATHS", "a,b"),
    ] {
        assert_eq!(taken[1].env.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(Value::Object(taken[2].step.clone()), json!({ "secrets": [secret("ALL")] }));
}

pub async fn an_upload_that_would_wait_for_ever_is_refused(world: &World) {
    let text =
        "steps: [{command: up, key: up}, wait, {command: last, key: last}, {command: free, key: free, depends_on: []}]";
    let job = uploader(world, text).await;
    let refused = upload(world, &job, json!([{ "command": "x", "key": "x", "depends_on": "last" }])).await;
    let Err(Error::Invalid(faults)) = &refused else { panic!("{refused:?}") };
    let [FieldError { field, message }] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!(field, "pipeline");
    assert!(message.contains("Step 'x' would wait for ever: it waits for 'last'"), "{message}");
    assert!(message.contains("which waits for 'up', and that one"), "{message}");
    assert_eq!(jobs(world, job.build).await.len(), 3, "nothing of it is put in");
    upload(world, &job, json!([{ "command": "x", "depends_on": ["free", "up"] }])).await.expect("no circle");
    assert_eq!(jobs(world, job.build).await.len(), 4);
}

pub async fn a_step_takes_more_parallel_jobs(world: &World) {
    let control = &world.control;
    let text = "steps: [{command: up}, {command: p, key: p, label: 'P %N of %t', parallelism: 2}, wait,
        {command: m, key: m, matrix: [a, b]}, {command: one, key: one}]";
    let job = uploader(world, text).await;
    let taken = take(control, &connect(control, world.acme.agent_token(), &[]).await).await;
    start(control, &taken).await;
    assert_eq!(field_of(change(world, &job, "p", "parallelism", "1", false).await), "value");
    assert_eq!(field_of(change(world, &job, "p", "parallelism", "many", false).await), "value");
    assert_eq!(field_of(change(world, &job, "p", "parallelism", "503", false).await), "value");
    assert_eq!(field_of(change(world, &job, "p", "parallelism", "1", true).await), "append");
    assert!(matches!(change(world, &job, "m", "parallelism", "3", false).await, Err(Error::Conflict(_))));
    change(world, &job, "p", "parallelism", "2", false).await.expect("as it is");
    change(world, &job, "p", "parallelism", "4", false).await.expect("two more");
    change(world, &job, "one", "parallelism", "2", false).await.expect("one more");
    let told: Vec<_> = jobs(world, job.build).await.into_iter().filter(|it| it.command == "p").collect();
    let states: Vec<_> = told.iter().map(|it| (it.state, it.parallel)).collect();
    let waits = |number| (J::Scheduled, Some((number, 4)));
    assert_eq!(states, [(J::Running, Some((0, 2))), waits(1), waits(2), waits(3)]);
    assert_eq!(told[3].label.as_deref(), Some("P 4 of 4"));
    let ones: Vec<_> = jobs(world, job.build).await.into_iter().filter(|it| it.command == "one").collect();
    assert_eq!(
        ones.iter().map(|it| (it.state, it.parallel)).collect::<Vec<_>>(),
        [(J::Waiting, Some((0, 2))), (J::Waiting, Some((1, 2)))]
    );
    finish(control, &taken, "0").await;
    finish(control, &job, "0").await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    for _ in 0..7 {
        finish(control, &take(control, &agent).await, "0").await;
    }
    assert_eq!(ping(control, &agent).await, Instruction::Idle);
    let view = || world.admin::<ViewBuilds>();
    assert_eq!(control.build(&view(), job.build).await.expect("the build").state, BuildState::Passed);
    let other = uploader(world, "steps: [{command: a, key: a}, {command: b}]").await;
    finish(control, &other, "0").await;
    let second = take(control, &other.agent).await;
    let late = change(world, &second, "a", "parallelism", "2", false).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
}

pub async fn what_is_announced_of_a_step_can_be_changed(world: &World) {
    let job = uploader(world, "steps: [{command: a, key: a, notify: [{email: one}]}, {wait: null, key: w}]").await;
    let notify = async || {
        let grant = may::<ReadSteps>(&world.control, &job.caller);
        world.control.export_step(&grant, "a".to_owned(), Some("notify".to_owned())).await.expect("exported")
    };
    change(world, &job, "a", "notify", "[{slack: '#x'}]", true).await.expect("added");
    assert_eq!(notify().await, json!([{ "email": "one" }, { "slack": "#x" }]));
    change(world, &job, "a", "notify", r#"[{"email":"two"}]"#, false).await.expect("replaced");
    assert_eq!(notify().await, json!([{ "email": "two" }]));
    for wrong in ["word", "{a: b}", "[", ""] {
        assert_eq!(field_of(change(world, &job, "a", "notify", wrong, false).await), "value", "{wrong}");
    }
    assert_eq!(field_of(change(world, &job, "w", "notify", "[]", false).await), "attribute");
    assert_eq!(field_of(change(world, &job, "a", "command", "x", false).await), "attribute");
    let many = format!("[{}]", ["x"; 101].join(", "));
    assert_eq!(field_of(change(world, &job, "a", "notify", &many, false).await), "value");
    let most = format!("[{}]", ["x"; 100].join(", "));
    change(world, &job, "a", "notify", &most, false).await.expect("as many as may be");
}

pub async fn forcing_waits_no_longer_than_it_says(world: &World) {
    let control = &world.control;
    let job = uploader(world, "steps: [{command: up}, {command: slow, key: slow}]").await;
    let slow = take(control, &connect(control, world.acme.agent_token(), &[]).await).await;
    start(control, &slow).await;
    let cancel = async |force: Option<u64>| {
        let grant = may::<WriteSteps>(control, &job.caller);
        control.cancel_step(&grant, "slow".to_owned(), force.map(Duration::from_secs)).await.expect("canceled");
    };
    let state = async || control.job(&world.admin::<ViewBuilds>(), slow.id).await.expect("the job").state;
    cancel(None).await;
    assert_eq!(state().await, J::Canceling);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(control.end_overdue_jobs().await, Ok(0), "its agent has a quarter of an hour");
    cancel(Some(15)).await;
    cancel(Some(3600)).await;
    world.clock.advance(Duration::from_secs(14));
    assert_eq!(control.end_overdue_jobs().await, Ok(0));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(control.end_overdue_jobs().await, Ok(1), "a later call makes it no longer");
    assert_eq!(state().await, J::Canceled);
    finish(control, &job, "0").await;
}
