//! A job from offer to end, as its agent reports it, and its token.

use std::time::Duration;

use countersign_control::access::actions::{
    CancelBuild, ReadMetaData, RegisterAgent, ReportJob, ViewBuilds, WriteMetaData,
};
use countersign_control::agents::Instruction;
use countersign_control::jobs::{Finished, Job as JobRow, LATE_CHUNKS};
use countersign_control::{Caller, Error};
use countersign_domain::build::JobState;
use countersign_domain::{Kind, Refusal};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{
    Agent, Job, ONE_STEP, accept, build, caller, connect, ended, field_of, finish, may, ping, refusal, refusal_of,
    registration, running_job, start, take,
};

async fn row(world: &World, job: &Job) -> JobRow {
    world.control.job(&world.admin::<ViewBuilds>(), job.id).await.expect("the job is there")
}

pub async fn a_job_goes_from_offer_to_end(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    world.clock.advance(Duration::from_secs(1));
    let job = take(control, &agent).await;
    assert_eq!(job.secret.kind(), Kind::Job);
    let taken = row(world, &job).await;
    assert_eq!(
        (taken.state, taken.agent, taken.accepted_at),
        (JobState::Accepted, Some(agent.id), Some(control.now()))
    );
    world.clock.advance(Duration::from_secs(1));
    start(control, &job).await;
    let started = control.now();
    assert_eq!((row(world, &job).await.state, row(world, &job).await.started_at), (JobState::Running, Some(started)));
    world.clock.advance(Duration::from_secs(1));
    let how = Finished {
        exit_status: " 3 ".to_owned(),
        signal: Some("SIGTERM".to_owned()),
        signal_reason: Some("process_run_error\0".to_owned()),
        chunks_failed: -5,
        ignore_agent_in_dispatches: false,
    };
    control.finish_job(&may::<ReportJob>(control, &job.caller), how).await.expect("a running job ends");
    let ended = row(world, &job).await;
    assert_eq!((ended.state, ended.exit_status.as_deref()), (JobState::Finished, Some("3")));
    assert_eq!((ended.signal.as_deref(), ended.signal_reason.as_deref()), (Some("SIGTERM"), Some("process_run_error")));
    assert_eq!((ended.started_at, ended.finished_at), (Some(started), Some(control.now())));
    assert_eq!(ended.token_ended_at, Some(control.now()));
}

pub async fn only_the_agent_that_was_offered_a_job_can_take_it(world: &World) {
    let control = &world.control;
    build(control, &world.acme, ONE_STEP).await;
    let (one, other) =
        (connect(control, world.acme.agent_token(), &[]).await, connect(control, world.acme.agent_token(), &[]).await);
    let Instruction::TakeJob(id) = ping(control, &one).await else { panic!("a job is offered") };
    assert!(matches!(accept(control, &other, id).await, Err(Error::Conflict(_))));
    let taken = accept(control, &one, id).await.expect("taken");
    assert!(matches!(accept(control, &other, id).await, Err(Error::Conflict(_))));
    let caller = caller(control, taken.secret.reveal()).await;
    let Caller::Job(job) = &caller else { panic!("a job") };
    assert_eq!((job.job, job.agent, job.session), (id, one.id, None));
}

pub async fn a_start_can_be_said_twice_and_an_end_once(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let at = row(world, &job).await.started_at;
    world.clock.advance(Duration::from_secs(1));
    start(control, &job).await;
    assert_eq!(row(world, &job).await.started_at, at, "the first time counts");
    let grant = may::<ReportJob>(control, &job.caller);
    finish(control, &job, "0").await;
    // The token has died with the job: an agent reads the refusal as "it has ended".
    assert_eq!(refusal_of(control.finish_job(&grant, ended("1")).await), Refusal::Expired);
    assert_eq!(refusal_of(control.start_job(&grant).await), Refusal::Expired);
    assert_eq!(row(world, &job).await.exit_status.as_deref(), Some("0"));
}

pub async fn a_job_can_end_without_having_started(world: &World) {
    let control = &world.control;
    build(control, &world.acme, ONE_STEP).await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &agent).await;
    let grant = may::<ReportJob>(control, &job.caller);
    for wrong in ["", "one", "1.5", "0x1", "99999999999"] {
        assert_eq!(field_of(control.finish_job(&grant, ended(wrong)).await), "exit_status");
    }
    finish(control, &job, "-1").await;
    assert_eq!((row(world, &job).await.state, row(world, &job).await.started_at), (JobState::Finished, None));
}

pub async fn a_jobs_token_dies_with_its_job(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let (write, read) = (may::<WriteMetaData>(control, &job.caller), may::<ReadMetaData>(control, &job.caller));
    control.set_meta_data(&write, "k".to_owned(), "v".to_owned()).await.expect("set");
    finish(control, &job, "0").await;
    // Pieces of its log may come for a moment yet, and it is good for nothing else.
    let over = caller(control, job.secret.reveal()).await;
    let expired = Some(Error::refused(Refusal::Expired, job.secret.public_id().clone()));
    assert_eq!(control.grant_own::<ReadMetaData>(&over).err(), expired);
    assert_eq!(control.grant_on_job::<ReportJob>(&over, job.id).err(), expired);
    world.clock.advance(LATE_CHUNKS);
    let refused = crate::acting::try_caller(control, job.secret.reveal()).await;
    assert_eq!(refused.err(), expired);
    let late = control.set_meta_data(&write, "k".to_owned(), "late".to_owned()).await;
    assert_eq!(refusal_of(late), Refusal::Expired);
    assert_eq!(control.get_meta_data(&read, "k".to_owned()).await, Ok("v".to_owned()), "nothing was changed");
    caller(control, job.agent.session.reveal()).await;
}

pub async fn a_jobs_token_lives_no_longer_than_its_session(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let write = may::<WriteMetaData>(control, &job.caller);
    // The session alone: whatever ends one need not think of the job.
    let text = "UPDATE sessions SET ended_at = $2, ended_because = 'disconnected' WHERE agent_id = $1";
    let values = vec![job.agent.id.into_value(), control.now().into_value()];
    assert_eq!(crate::sql::change(control, text, values).await, 1);
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
    let late = control.set_meta_data(&write, "k".to_owned(), "late".to_owned()).await;
    assert_eq!(refusal_of(late), Refusal::Expired);
}

pub async fn a_jobs_token_is_for_its_own_job_only(world: &World) {
    let control = &world.control;
    let (one, other) = (running_job(control, &world.acme).await, running_job(control, &world.acme).await);
    assert!(control.grant_on_job::<ReportJob>(&one.caller, one.id).is_ok());
    assert_eq!(control.grant_on_job::<ReportJob>(&one.caller, other.id).map(|_| ()), Err(Error::NotFound("job")));
    assert!(control.grant_on_build::<WriteMetaData>(&one.caller, one.build).is_ok());
    let elsewhere = control.grant_on_build::<WriteMetaData>(&one.caller, other.build);
    assert_eq!(elsewhere.map(|_| ()), Err(Error::NotFound("build")));
    assert_eq!(refusal_of(control.grant_own::<RegisterAgent>(&one.caller).map(|_| ())), Refusal::Kind);
}

/// An agent of some version, which has a job that runs or not.
async fn of_version(world: &World, version: Option<&str>) -> Agent {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let mut new = registration(&[]);
    new.version = version.map(ToOwned::to_owned);
    let registered = control.register_agent(&may(control, &holder), new).await.expect("registered");
    let caller = caller(control, registered.session.reveal()).await;
    control.connect_agent(&may(control, &caller)).await.expect("connected");
    Agent { id: registered.agent.id, session: registered.session, caller }
}

pub async fn the_session_stands_in_for_a_job_token_only_for_agents_that_know_none(world: &World) {
    let control = &world.control;
    for version in [Some("3.39.0"), Some("3.137.0"), None] {
        let agent = of_version(world, version).await;
        build(control, &world.acme, ONE_STEP).await;
        take(control, &agent).await;
        assert_eq!(refusal_of(control.as_job(agent.caller.clone()).await), Refusal::Kind, "{version:?}");
    }
    let old = of_version(world, Some("3.38.0")).await;
    assert_eq!(control.as_job(old.caller.clone()).await.err(), Some(Error::NotFound("job")), "it has none yet");
    build(control, &world.acme, ONE_STEP).await;
    let Instruction::TakeJob(id) = ping(control, &old).await else { panic!("a job is offered") };
    assert_eq!(control.as_job(old.caller.clone()).await.err(), Some(Error::NotFound("job")), "not taken yet");
    accept(control, &old, id).await.expect("taken");
    let stand_in = control.as_job(old.caller.clone()).await.expect("its own job");
    control.start_job(&control.grant_on_job(&stand_in, id).expect("its own")).await.expect("started");
    let other = running_job(control, &world.acme).await;
    assert!(control.grant_on_job::<ReportJob>(&stand_in, other.id).is_err());
    let report = control.grant_on_job::<ReportJob>(&stand_in, id).expect("its own");
    control.finish_job(&report, ended("0")).await.expect("ended");
    assert_eq!(control.as_job(old.caller.clone()).await.err(), Some(Error::NotFound("job")));
    assert_eq!(refusal_of(control.start_job(&report).await), Refusal::Expired);
}

pub async fn a_canceled_job_is_ended_by_its_agent(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    control.cancel_build(&world.admin::<CancelBuild>(), job.build).await.expect("canceled");
    let report = may::<ReportJob>(control, &job.caller);
    assert_eq!(control.job_state(&report).await.expect("its state").state, JobState::Canceling);
    control.start_job(&report).await.expect("saying again that it runs is no error");
    assert_eq!(row(world, &job).await.state, JobState::Canceling);
    finish(control, &job, "0").await;
    assert_eq!(row(world, &job).await.state, JobState::Canceled);
    world.clock.advance(LATE_CHUNKS);
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
}

pub async fn the_environment_is_complete_and_holds_no_token(world: &World) {
    let control = &world.control;
    let definition =
        "env: {A: all, B: all}\nsteps: [{command: echo $HOME, key: one, label: One, env: {B: one, CI: mine}}]";
    let build = build(control, &world.acme, definition).await;
    let agent = connect(control, world.acme.agent_token(), &["os=linux", "gpu"]).await;
    let Instruction::TakeJob(id) = ping(control, &agent).await else { panic!("a job is offered") };
    let accepted = accept(control, &agent, id).await.expect("taken");
    let wanted = [
        ("A", "all"),
        ("B", "one"),
        ("CI", "true"),
        ("BUILDKITE_COMMAND", "echo $HOME"),
        ("BUILDKITE_REPO", "none"),
        ("BUILDKITE_STEP_KEY", "one"),
        ("BUILDKITE_LABEL", "One"),
        ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
        ("BUILDKITE_BUILD_NUMBER", "1"),
        ("BUILDKITE_AGENT_META_DATA_QUEUE", "default"),
        ("BUILDKITE_AGENT_META_DATA_OS", "linux"),
        ("BUILDKITE_AGENT_META_DATA_GPU", "true"),
    ];
    for (key, value) in wanted {
        assert_eq!(accepted.env.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(accepted.env.get("BUILDKITE_JOB_ID"), Some(&id.to_string()));
    assert_eq!(accepted.env.get("BUILDKITE_BUILD_ID"), Some(&build.id.to_string()));
    for secret in [world.acme.agent_token(), agent.session.reveal(), accepted.secret.reveal(), world.acme.user_token()]
    {
        assert!(!accepted.env.values().any(|value| value.contains(secret)), "a token is in the environment");
    }
    assert!(!accepted.env.contains_key("BUILDKITE_AGENT_ACCESS_TOKEN"));
}
