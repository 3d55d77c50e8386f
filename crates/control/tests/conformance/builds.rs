//! Builds: their numbers, their states, canceling them.

use std::time::Duration;

use countersign_control::access::actions::{CancelBuild, CreateBuild, ReportJob, ViewBuilds};
use countersign_control::agents::Instruction;
use countersign_control::builds::{Build, NewBuild, Wanted};
use countersign_control::{Error, Grant, PageRequest, Result};
use countersign_domain::build::{BuildState, JobState};
use countersign_domain::id::BuildId;
use countersign_testkit::World;
use tokio::task::JoinSet;

use crate::acting::{
    ONE_STEP, accept, build, connect, deployment, ended, field_of, finish, may, ping, running_job, start, take,
};

fn new(definition: &str) -> NewBuild {
    NewBuild {
        definition: definition.to_owned(),
        pipeline: "demo".to_owned(),
        queue: None,
        deployment: None,
        message: None,
        ..NewBuild::default()
    }
}

async fn create(world: &World, new: NewBuild) -> Result<Build> {
    world.control.create_build(&world.admin::<CreateBuild>(), new).await
}

async fn row(world: &World, id: BuildId) -> Build {
    world.control.build(&world.admin::<ViewBuilds>(), id).await.expect("the build is there")
}

async fn states(world: &World, id: BuildId) -> Vec<JobState> {
    let jobs = world.control.build_jobs(&world.admin::<ViewBuilds>(), id).await.expect("its jobs");
    jobs.iter().map(|job| job.state).collect()
}

pub async fn steps_become_jobs_in_their_order(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let definition =
        "steps:\n- {command: make, key: a, label: First}\n- {command: [one, two], agents: {queue: own}}\n- command: $X";
    let build = create(
        world,
        NewBuild {
            queue: Some("linux".to_owned()),
            deployment: Some("prod".to_owned()),
            message: Some("words".to_owned()),
            ..new(definition)
        },
    );
    let build = row(world, build.await.expect("made").id).await;
    assert_eq!((build.state, build.message.as_deref(), build.number), (BuildState::Scheduled, Some("words"), 1));
    assert_eq!(build.created_by, Some(world.acme.created.admin.id));
    let jobs = control.build_jobs(&world.admin::<ViewBuilds>(), build.id).await.expect("its jobs");
    let told: Vec<_> = jobs.iter().map(|it| (it.position, it.command.as_str(), it.queue.as_str())).collect();
    assert_eq!(told, [(0, "make", "linux"), (1, "one\ntwo", "own"), (2, "$X", "linux")]);
    assert!(jobs.iter().all(|it| it.state == JobState::Scheduled && it.deployment == prod && it.log_size == 0));
    assert_eq!((jobs[0].step_key.as_deref(), jobs[0].label.as_deref()), (Some("a"), Some("First")));
}

pub async fn what_cannot_be_built_is_named_and_makes_nothing(world: &World) {
    for (field, wrong) in [
        ("pipeline", new("")),
        ("definition", new("steps: []")),
        ("definition", new("steps: [{wait: ~, depends_on: nothing}]")),
        ("definition", new("steps: [{command: \"a\\0b\"}]")),
        ("pipeline", NewBuild { pipeline: "A B".to_owned(), ..new(ONE_STEP) }),
        ("queue", NewBuild { queue: Some("a b".to_owned()), ..new(ONE_STEP) }),
        ("deployment", NewBuild { deployment: Some("nowhere".to_owned()), ..new(ONE_STEP) }),
        ("deployment", NewBuild { deployment: Some(String::new()), ..new(ONE_STEP) }),
        ("message", NewBuild { message: Some("a\0".to_owned()), ..new(ONE_STEP) }),
        ("metaData", NewBuild { meta_data: vec![("k".to_owned(), "v".to_owned()); 10_001], ..new(ONE_STEP) }),
    ] {
        assert_eq!(field_of(create(world, wrong).await), field);
    }
    let page = world
        .control
        .find_builds(&world.admin::<ViewBuilds>(), Wanted::default(), PageRequest::first(9))
        .await
        .expect("a list");
    assert_eq!(page.items.len(), 0);
    assert_eq!(create(world, new(ONE_STEP)).await.expect("made").number, 1, "no number was used up");
}

pub async fn numbers_count_per_pipeline_and_are_never_given_twice(world: &World) {
    let control = &world.control;
    let mut making = JoinSet::new();
    for index in 0..12 {
        let control = control.clone();
        let admin = world.acme.admin.clone();
        let pipeline = ["demo", "other"][index % 2].to_owned();
        making.spawn(async move {
            let new = NewBuild { pipeline, ..new(ONE_STEP) };
            control.create_build(&may(&control, &admin), new).await.expect("made")
        });
    }
    let made = making.join_all().await;
    for slug in ["demo", "other"] {
        let mut numbers: Vec<_> = made.iter().filter(|it| it.pipeline_slug == slug).map(|it| it.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6], "{slug}");
    }
    let page = control
        .find_builds(&world.admin::<ViewBuilds>(), Wanted::default(), PageRequest::first(5))
        .await
        .expect("a list");
    assert!(page.has_more && page.items.is_sorted_by(|a, b| a.id > b.id), "newest first");
    let after = PageRequest { after: page.items.last().map(|it| it.id), limit: 50 };
    let rest = control.find_builds(&world.admin::<ViewBuilds>(), Wanted::default(), after).await.expect("a list");
    assert_eq!((rest.items.len(), rest.has_more), (7, false));
}

pub async fn a_build_stands_where_its_jobs_stand(world: &World) {
    let control = &world.control;
    let id = build(control, &world.acme, "steps: [{command: a}, {command: b}]").await.id;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let first = take(control, &agent).await;
    assert_eq!(row(world, id).await.state, BuildState::Scheduled);
    start(control, &first).await;
    let running = row(world, id).await;
    assert_eq!((running.state, running.started_at), (BuildState::Running, Some(control.now())));
    finish(control, &first, "0").await;
    assert_eq!(row(world, id).await.state, BuildState::Running);
    let second = take(control, &agent).await;
    start(control, &second).await;
    world.clock.advance(Duration::from_secs(1));
    finish(control, &second, "7").await;
    let ended = row(world, id).await;
    assert_eq!((ended.state, ended.finished_at), (BuildState::Failed, Some(control.now())));
    assert_eq!(ended.started_at, running.started_at);
}

/// A build of six jobs that all run, and what their agents report them with.
async fn six_that_run(world: &World) -> (BuildId, Vec<Grant<ReportJob>>) {
    let control = &world.control;
    let id = build(control, &world.acme, &format!("steps: [{}]", ["{command: a}"; 6].join(", "))).await.id;
    let mut reports = Vec::new();
    for _ in 0..6 {
        let agent = connect(control, world.acme.agent_token(), &[]).await;
        let job = take(control, &agent).await;
        start(control, &job).await;
        reports.push(may::<ReportJob>(control, &job.caller));
    }
    (id, reports)
}

fn end_all(world: &World, reports: Vec<Grant<ReportJob>>) -> JoinSet<Result<()>> {
    let mut ending = JoinSet::new();
    for report in reports {
        let control = world.control.clone();
        ending.spawn(async move { control.finish_job(&report, ended("0")).await.map(drop) });
    }
    ending
}

pub async fn of_jobs_that_end_at_once_the_last_one_ends_the_build(world: &World) {
    for _ in 0..10 {
        let (id, reports) = six_that_run(world).await;
        assert!(end_all(world, reports).join_all().await.iter().all(Result::is_ok));
        assert_eq!(row(world, id).await.state, BuildState::Passed);
    }
}

pub async fn canceling_ends_what_waits_and_tells_what_runs(world: &World) {
    let control = &world.control;
    let id = build(control, &world.acme, "steps: [{command: a}, {command: b}, {command: c}]").await.id;
    let busy = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &busy).await;
    start(control, &job).await;
    let offered = connect(control, world.acme.agent_token(), &[]).await;
    let Instruction::TakeJob(second) = ping(control, &offered).await else { panic!("a job is offered") };
    let cancel = async || control.cancel_build(&world.admin::<CancelBuild>(), id).await;
    assert_eq!(cancel().await.expect("canceled").state, BuildState::Canceling);
    assert_eq!(states(world, id).await, [JobState::Canceling, JobState::Canceled, JobState::Canceled]);
    assert!(matches!(accept(control, &offered, second).await, Err(Error::Conflict(_))), "too late to take");
    assert_eq!(ping(control, &offered).await, Instruction::Idle);
    cancel().await.expect("saying it again is allowed while it goes on");
    finish(control, &job, "0").await;
    let ended = row(world, id).await;
    assert_eq!((ended.state, ended.canceled_at.is_some()), (BuildState::Canceled, true));
    assert!(matches!(cancel().await, Err(Error::Conflict(_))), "it has ended");
    let passed = running_job(control, &world.acme).await;
    finish(control, &passed, "0").await;
    let outcome = control.cancel_build(&world.admin::<CancelBuild>(), passed.build).await;
    assert!(matches!(outcome, Err(Error::Conflict(_))));
    assert_eq!(row(world, passed.build).await.state, BuildState::Passed);
}

pub async fn canceling_and_ending_at_once_leave_a_build_that_has_ended(world: &World) {
    let before = world.control.store().collisions();
    for _ in 0..10 {
        let (id, reports) = six_that_run(world).await;
        let ending = end_all(world, reports);
        let cancel = world.admin::<CancelBuild>();
        let (ending, canceling) = tokio::join!(ending.join_all(), world.control.cancel_build(&cancel, id));
        assert!(ending.iter().all(Result::is_ok), "{ending:?}");
        let state = row(world, id).await.state;
        match canceling {
            // Those that had not ended before it ended as canceled ones.
            Ok(_) => assert_eq!(state, BuildState::Canceled),
            Err(Error::Conflict(_)) => assert_eq!(state, BuildState::Passed),
            Err(other) => panic!("{other:?}"),
        }
    }
    let collisions = world.control.store().collisions() - before;
    assert!(collisions < 3, "in 10 rounds {collisions} waited for each other");
}
