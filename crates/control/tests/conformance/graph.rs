//! Steps that wait for each other, on rows: waits, dependencies, retries, blocks, uploads, triggers, limits, timeouts.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_control::access::actions::{
    AcceptJob, CreateBuild, CreatePipeline, PauseQueue, RetryJob, UnblockStep, UpdateJob, UploadPipeline, ViewBuilds,
};
use countersign_control::agents::Instruction;
use countersign_control::builds::{Build, NewBuild, Upload};
use countersign_control::jobs::{Acquired, Job as Row};
use countersign_control::pipelines::NewPipeline;
use countersign_control::queues::QueueReference;
use countersign_control::steps::{Answer, StepRow};
use countersign_control::{Error, Result};
use countersign_domain::build::{BuildState as B, JobState as J, RetryType};
use countersign_domain::graph::{Outcome, StepState};
use countersign_domain::id::BuildId;
use countersign_testkit::World;
use serde_json::{Value, json};

use crate::acting::{Agent, Job, build, connect, field_of, finish, may, ping, start, take};

async fn row(world: &World, id: BuildId) -> Build {
    world.control.build(&world.admin::<ViewBuilds>(), id).await.expect("the build is there")
}

async fn steps(world: &World, id: BuildId) -> Vec<StepRow> {
    world.control.build_steps(&world.admin::<ViewBuilds>(), id, None).await.expect("its steps")
}

async fn jobs(world: &World, id: BuildId) -> Vec<Row> {
    world.control.build_jobs(&world.admin::<ViewBuilds>(), id).await.expect("its jobs")
}

async fn states(world: &World, id: BuildId) -> Vec<J> {
    jobs(world, id).await.iter().map(|job| job.state).collect()
}

async fn agent(world: &World, tags: &[&str]) -> Agent {
    connect(&world.control, world.acme.agent_token(), tags).await
}

/// Takes the next job, starts it and lets it end so; answers its command.
async fn work(world: &World, agent: &Agent, exit_status: &str) -> String {
    let job = take(&world.control, agent).await;
    start(&world.control, &job).await;
    let command = world.control.job(&world.admin::<ViewBuilds>(), job.id).await.expect("the job is there").command;
    finish(&world.control, &job, exit_status).await;
    command
}

async fn working(world: &World, agent: &Agent) -> Job {
    let job = take(&world.control, agent).await;
    start(&world.control, &job).await;
    job
}

async fn is_idle(world: &World, agent: &Agent) -> bool {
    ping(&world.control, agent).await == Instruction::Idle
}

async fn upload(world: &World, job: &Job, number: u32, replace: bool, steps: Value) -> Result<()> {
    let uuid = format!("0192f3a1-7c3e-7b21-9f60-{number:012}");
    let pipeline = json!({ "steps": steps });
    let grant = may::<UploadPipeline>(&world.control, &job.caller);
    world.control.upload_pipeline(&grant, Upload { uuid, pipeline, replace }).await
}

pub async fn a_wait_and_dependencies_are_kept_in_order(world: &World) {
    let text = "steps: [{command: a, key: a}, wait, {command: b}, {command: c, depends_on: a}, {command: d, depends_on: [b2]}, {command: e, key: b2}]";
    let id = build(&world.control, &world.acme, text).await.id;
    assert_eq!(states(world, id).await, [J::Scheduled, J::Waiting, J::Waiting, J::Waiting, J::Waiting]);
    let agent = agent(world, &[]).await;
    assert_eq!(work(world, &agent, "0").await, "a");
    assert_eq!(states(world, id).await, [J::Finished, J::Scheduled, J::Scheduled, J::Waiting, J::Scheduled]);
    assert_eq!(row(world, id).await.state, B::Running);
    for expected in ["b", "c", "e", "d"] {
        assert_eq!(work(world, &agent, "0").await, expected);
    }
    assert!(is_idle(world, &agent).await);
    assert_eq!(row(world, id).await.state, B::Passed);
}

pub async fn after_a_failure_what_waits_never_runs_until_it_is_mended(world: &World) {
    let id = build(&world.control, &world.acme, "steps: [{command: a}, wait, {command: b}]").await.id;
    let agent = agent(world, &[]).await;
    work(world, &agent, "1").await;
    assert_eq!((row(world, id).await.state, states(world, id).await), (B::Failed, vec![J::Finished, J::WaitingFailed]));
    assert!(row(world, id).await.finished_at.is_some() && is_idle(world, &agent).await);
    let failed = jobs(world, id).await[0].id;
    let again = world.control.retry_job(&world.admin::<RetryJob>(), failed).await.expect("run again");
    assert_eq!((again.state, again.retries_count, again.retry_type), (J::Scheduled, 1, Some(RetryType::Manual)));
    let twice = world.control.retry_job(&world.admin::<RetryJob>(), failed).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    assert_eq!(states(world, id).await, [J::Finished, J::Scheduled, J::Waiting]);
    assert_eq!((row(world, id).await.state, row(world, id).await.finished_at), (B::Running, None));
    assert_eq!(work(world, &agent, "0").await, "a");
    assert_eq!(work(world, &agent, "0").await, "b");
    assert_eq!(row(world, id).await.state, B::Passed);
}

pub async fn failures_are_retried_by_rule_and_forgiven_by_rule(world: &World) {
    let text = "steps: [{command: a, retry: {automatic: [{exit_status: 7, limit: 2}]}}, {command: b, soft_fail: [{exit_status: 3}]}]";
    let id = build(&world.control, &world.acme, text).await.id;
    let agent = agent(world, &[]).await;
    assert_eq!(work(world, &agent, "7").await, "a");
    assert_eq!(work(world, &agent, "3").await, "b");
    assert_eq!((row(world, id).await.state, work(world, &agent, "7").await), (B::Running, "a".to_owned()));
    assert_eq!(work(world, &agent, "0").await, "a");
    let all = jobs(world, id).await;
    let told: Vec<_> = all
        .iter()
        .map(|job| (job.command.as_str(), job.retries_count, job.retried_in.is_some(), job.soft_failed))
        .collect();
    assert_eq!(told, [("a", 0, true, false), ("a", 1, true, false), ("a", 2, false, false), ("b", 0, false, true)]);
    assert_eq!(row(world, id).await.state, B::Passed);
    let id = build(&world.control, &world.acme, text).await.id;
    work(world, &agent, "8").await;
    assert_eq!(row(world, id).await.state, B::Failing);
    work(world, &agent, "4").await;
    assert_eq!(row(world, id).await.state, B::Failed);
}

pub async fn a_block_waits_for_a_person_and_its_answers_are_meta_data(world: &World) {
    let text = "steps: [{command: a}, {block: Go, key: go, fields: [{text: Name, key: name, format: '[a-z]+'}]}, {command: b}]";
    let id = build(&world.control, &world.acme, text).await.id;
    let agent = agent(world, &[]).await;
    let block = steps(world, id).await[1].id;
    let control = &world.control;
    let answer = async |value: &str| {
        let fields = BTreeMap::from([("name".to_owned(), value.to_owned())]);
        control.unblock_step(&world.admin::<UnblockStep>(), block, Answer { fields }).await
    };
    assert!(matches!(answer("ada").await, Err(Error::Conflict(_))), "it does not ask yet");
    work(world, &agent, "0").await;
    assert_eq!(row(world, id).await.state, B::Blocked);
    assert!(is_idle(world, &agent).await);
    assert_eq!(field_of(answer("Ada 1").await), "fields.name");
    assert_eq!(field_of(control.unblock_step(&world.admin(), block, Answer::default()).await), "fields.name");
    let row_of = answer("ada").await.expect("answered");
    assert_eq!((row_of.step.outcome, row_of.answered_by), (Some(Outcome::Passed), Some(world.acme.created.admin.id)));
    assert!(matches!(answer("ada").await, Err(Error::Conflict(_))), "once");
    let meta = control.build_meta_data(&world.admin::<ViewBuilds>(), id).await.expect("its meta-data");
    assert_eq!(meta, [("name".to_owned(), "ada".to_owned())]);
    assert_eq!(work(world, &agent, "0").await, "b");
    assert_eq!(row(world, id).await.state, B::Passed);
}

pub async fn an_upload_is_applied_once_and_right_behind_its_step(world: &World) {
    let id = build(&world.control, &world.acme, "steps: [{command: up, key: up}, wait, {command: last}]").await.id;
    let agent = agent(world, &[]).await;
    let job = working(world, &agent).await;
    let new = json!([{ "command": "one", "key": "one" }, { "command": "two", "depends_on": ["one", "up"] }]);
    for _ in 0..2 {
        upload(world, &job, 1, false, new.clone()).await.expect("applied");
    }
    let commands = async || -> Vec<String> { jobs(world, id).await.into_iter().map(|job| job.command).collect() };
    assert_eq!(commands().await, ["up", "one", "two", "last"]);
    let grant = may::<UploadPipeline>(&world.control, &job.caller);
    world.control.upload_state(&grant, "0192f3a1-7c3e-7b21-9f60-000000000001").await.expect("it was applied");
    let other = world.control.upload_state(&grant, "0192f3a1-7c3e-7b21-9f60-000000000002").await;
    assert!(matches!(other, Err(Error::NotFound(_))));
    for wrong in
        [json!([{ "command": "x", "key": "up" }]), json!([{ "command": "x", "depends_on": "nowhere" }]), json!([7])]
    {
        assert_eq!(field_of(upload(world, &job, 3, false, wrong).await), "pipeline");
    }
    finish(&world.control, &job, "0").await;
    for expected in ["one", "two", "last"] {
        assert_eq!(work(world, &agent, "0").await, expected);
    }
    assert_eq!(row(world, id).await.state, B::Passed);
}

pub async fn an_upload_can_take_the_place_of_what_has_not_begun(world: &World) {
    let id =
        build(&world.control, &world.acme, "steps: [{command: up}, {command: beside, key: k}, wait, {command: old}]")
            .await
            .id;
    let agent = agent(world, &[]).await;
    let job = working(world, &agent).await;
    upload(world, &job, 1, true, json!([{ "command": "new", "key": "k" }])).await.expect("applied");
    assert_eq!(states(world, id).await, [J::Running, J::Scheduled, J::Skipped, J::Skipped]);
    finish(&world.control, &job, "0").await;
    assert_eq!(work(world, &agent, "0").await, "new");
    assert!(is_idle(world, &agent).await);
    assert_eq!(row(world, id).await.state, B::Passed);
}

pub async fn tags_and_priority_decide_who_gets_what(world: &World) {
    let text = "steps: [{command: any}, {command: linux, agents: {os: linux}}, {command: gpu, agents: {gpu: '*'}}, {command: first, priority: 5}]";
    let id = build(&world.control, &world.acme, text).await.id;
    let plain = agent(world, &[]).await;
    assert_eq!(work(world, &plain, "0").await, "first");
    assert_eq!(work(world, &plain, "0").await, "any");
    assert!(is_idle(world, &plain).await);
    let mac = agent(world, &["os=mac", "gpu=a100"]).await;
    assert_eq!(work(world, &mac, "0").await, "gpu");
    assert!(is_idle(world, &mac).await);
    assert_eq!(work(world, &agent(world, &["os=linux"]).await, "0").await, "linux");
    assert_eq!(row(world, id).await.state, B::Passed);
}

pub async fn a_concurrency_group_runs_in_order_across_builds(world: &World) {
    let text = "steps: [{command: a, concurrency: 1, concurrency_group: g}]";
    let first = build(&world.control, &world.acme, text).await.id;
    world.clock.advance(Duration::from_secs(1));
    let second = build(&world.control, &world.acme, text).await.id;
    assert_eq!((states(world, first).await, states(world, second).await), (vec![J::Scheduled], vec![J::Limited]));
    let (one, two) = (agent(world, &[]).await, agent(world, &[]).await);
    let job = working(world, &one).await;
    assert!(is_idle(world, &two).await);
    finish(&world.control, &job, "1").await;
    assert_eq!(states(world, second).await, [J::Scheduled]);
    work(world, &two, "0").await;
    assert_eq!((row(world, first).await.state, row(world, second).await.state), (B::Failed, B::Passed));
}

pub async fn a_trigger_makes_a_build_and_waits_for_it(world: &World) {
    let control = &world.control;
    let new = NewPipeline {
        name: "Other one".to_owned(),
        repository: Some("https://git.example/other.git".to_owned()),
        steps: Some("steps: [{command: inner}]".to_owned()),
        ..NewPipeline::default()
    };
    let other = control.create_pipeline(&world.admin::<CreatePipeline>(), new).await.expect("made");
    assert_eq!((other.slug.as_str(), other.default_branch.as_str()), ("other-one", "main"));
    let text =
        "steps: [{trigger: other-one, build: {message: hello, branch: side, env: {X: y}}}, wait, {command: after}]";
    let id = build(control, &world.acme, text).await.id;
    let child = steps(world, id).await[0].child_build.expect("the build is made");
    let made = row(world, child).await;
    assert_eq!((made.message.as_deref(), made.branch.as_str(), made.triggered_from), (Some("hello"), "side", Some(id)));
    let agent = agent(world, &[]).await;
    assert_eq!(work(world, &agent, "0").await, "inner");
    assert_eq!(work(world, &agent, "0").await, "after");
    assert_eq!(row(world, id).await.state, B::Passed);
    let id = build(control, &world.acme, "steps: [{trigger: nowhere}]").await.id;
    let failed = &steps(world, id).await[0];
    assert_eq!((row(world, id).await.state, failed.step.outcome), (B::Failed, Some(Outcome::Failed)));
    assert!(failed.note.is_some());
}

pub async fn builds_that_trigger_each_other_come_to_an_end(world: &World) {
    let control = &world.control;
    let new = NewPipeline {
        name: "loop".to_owned(),
        steps: Some("steps: [{trigger: loop}]".to_owned()),
        ..NewPipeline::default()
    };
    control.create_pipeline(&world.admin::<CreatePipeline>(), new).await.expect("made");
    let new = NewBuild { pipeline: "loop".to_owned(), ..NewBuild::default() };
    let first = control.create_build(&world.admin::<CreateBuild>(), new).await.expect("made");
    for _ in 0..3 {
        control.sweep().await.expect("a sweep");
    }
    assert_eq!(row(world, first.id).await.state, B::Failed);
}

pub async fn a_job_that_runs_too_long_is_told_to_stop_and_given_up(world: &World) {
    let control = &world.control;
    let id = build(control, &world.acme, "steps: [{command: a, timeout_in_minutes: 5}, {command: b}]").await.id;
    let (one, two) = (agent(world, &[]).await, agent(world, &[]).await);
    let (first, second) = (working(world, &one).await, working(world, &two).await);
    let grant = may::<UpdateJob>(control, &second.caller);
    assert_eq!(field_of(control.set_job_timeout(&grant, "soon").await), "timeout_in_minutes");
    control.set_job_timeout(&grant, "10").await.expect("set");
    world.clock.advance(Duration::from_secs(5 * 60 - 1));
    assert_eq!(control.end_overdue_jobs().await, Ok(0));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(control.end_overdue_jobs().await, Ok(1));
    assert_eq!(states(world, id).await, [J::TimingOut, J::Running]);
    finish(control, &first, "0").await;
    assert_eq!(states(world, id).await, [J::TimedOut, J::Running]);
    world.clock.advance(Duration::from_secs(5 * 60));
    assert_eq!(control.end_overdue_jobs().await, Ok(1));
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(control.end_overdue_jobs().await, Ok(1), "its agent never says that it has stopped");
    assert_eq!(states(world, id).await, [J::TimedOut, J::TimedOut]);
    assert_eq!(row(world, id).await.state, B::Failed);
}

pub async fn what_is_fragile_is_canceled_once_the_build_is_failing(world: &World) {
    let text = "steps: [{command: a}, {command: b, cancel_on_build_failing: true}, {command: c}, {command: d, cancel_on_build_failing: true}]";
    let id = build(&world.control, &world.acme, text).await.id;
    let (one, two) = (agent(world, &[]).await, agent(world, &[]).await);
    let (first, _second) = (working(world, &one).await, working(world, &two).await);
    finish(&world.control, &first, "1").await;
    assert_eq!(states(world, id).await, [J::Finished, J::Canceling, J::Scheduled, J::Canceled]);
}

pub async fn a_paused_queue_gives_nothing(world: &World) {
    let control = &world.control;
    build(control, &world.acme, "steps: [{command: a}]").await;
    let agent = agent(world, &[]).await;
    let queue = || QueueReference { deployment: None, queue: "default".to_owned() };
    let paused = control.pause_queue_dispatch(&world.admin::<PauseQueue>(), queue(), Some("Repairs".to_owned())).await;
    assert_eq!(paused.expect("paused").paused_note.as_deref(), Some("Repairs"));
    assert!(is_idle(world, &agent).await);
    control.resume_queue_dispatch(&world.admin::<PauseQueue>(), queue()).await.expect("resumed");
    assert!(!is_idle(world, &agent).await);
}

pub async fn a_job_can_be_taken_by_its_id(world: &World) {
    let control = &world.control;
    let id = build(control, &world.acme, "steps: [{command: a, agents: {os: never}}, wait, {command: b}]").await.id;
    let all = jobs(world, id).await;
    let agent = agent(world, &[]).await;
    let grant = || may::<AcceptJob>(control, &agent.caller);
    assert!(matches!(control.acquire_job(&grant(), all[1].id).await, Ok(Acquired::NotYet)));
    assert!(matches!(control.acquire_job(&grant(), all[0].id).await, Ok(Acquired::Taken(_))));
    assert!(matches!(control.acquire_job(&grant(), all[0].id).await, Ok(Acquired::Taken(_))), "its answer got lost");
    let other = connect(control, world.acme.agent_token(), &[]).await;
    let late = control.acquire_job(&may(control, &other.caller), all[0].id).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
}

pub async fn canceling_reaches_every_kind_of_step(world: &World) {
    let control = &world.control;
    let text = "steps: [{command: a}, {input: ask}, {group: g, steps: [{command: m}, wait, {command: n}]}, wait, {block: b}, {command: c}]";
    let id = build(control, &world.acme, text).await.id;
    let agent = agent(world, &[]).await;
    let job = working(world, &agent).await;
    assert_eq!(control.cancel_build(&world.admin(), id).await.expect("canceled").state, B::Canceling);
    finish(control, &job, "0").await;
    assert_eq!(row(world, id).await.state, B::Canceled);
    let all = steps(world, id).await;
    assert!(all.iter().all(|it| it.step.state == StepState::Ended && it.step.settled.is_some()), "{all:?}");
    assert!(states(world, id).await.iter().all(|state| *state == J::Canceled));
    assert!(is_idle(world, &agent).await);
}

pub async fn variables_come_from_pipeline_build_step_and_server(world: &World) {
    let control = &world.control;
    let new = NewPipeline {
        name: "Env".to_owned(),
        repository: Some("git@example:x.git".to_owned()),
        default_branch: Some("trunk".to_owned()),
        steps: Some("{env: {A: pipeline, B: pipeline, C: pipeline}, steps: [{command: x, key: k, env: {C: step}, parallelism: 2, artifact_paths: [a/*, b]}]}".to_owned()),
        ..NewPipeline::default()
    };
    control.create_pipeline(&world.admin::<CreatePipeline>(), new).await.expect("made");
    let env = BTreeMap::from([("B", "build"), ("C", "build")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    let new = NewBuild { pipeline: "env".to_owned(), commit: Some("abc".to_owned()), env, ..NewBuild::default() };
    control.create_build(&world.admin::<CreateBuild>(), new).await.expect("made");
    let agent = agent(world, &[]).await;
    let Instruction::TakeJob(id) = ping(control, &agent).await else { panic!("a job is offered") };
    let env = crate::acting::accept(control, &agent, id).await.expect("taken").env;
    for (name, value) in [
        ("A", "pipeline"),
        ("B", "build"),
        ("C", "step"),
        ("BUILDKITE_REPO", "git@example:x.git"),
        ("BUILDKITE_BRANCH", "trunk"),
        ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "trunk"),
        ("BUILDKITE_COMMIT", "abc"),
        ("BUILDKITE_STEP_KEY", "k"),
        ("BUILDKITE_PARALLEL_JOB", "0"),
        ("BUILDKITE_PARALLEL_JOB_COUNT", "2"),
        ("BUILDKITE_ARTIFACT_PATHS", "a/*;b"),
        ("BUILDKITE_RETRY_COUNT", "0"),
    ] {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!env.contains_key("BUILDKITE_SKIP_CHECKOUT"), "there is a repository");
}
