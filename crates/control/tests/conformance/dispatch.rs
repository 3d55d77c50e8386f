//! Which agent gets which job: one job goes to one agent, oldest first.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_control::access::actions::{Ping, ViewBuilds};
use countersign_control::agents::Instruction;
use countersign_control::{Control, Error};
use countersign_domain::build::{BuildState, JobState};
use countersign_domain::id::{BuildId, JobId};
use countersign_store::IntoValue;
use countersign_testkit::World;
use tokio::task::JoinSet;

use crate::acting::{
    Agent, ONE_STEP, accept, build, connect, deployment, ended, finish, may, ping, registration, start, take,
};
use crate::sql;

fn steps(count: usize) -> String {
    format!("steps: [{}]", vec!["{command: echo}"; count].join(", "))
}

async fn jobs(world: &World, build: BuildId) -> Vec<JobId> {
    let jobs = world.control.build_jobs(&world.admin::<ViewBuilds>(), build).await.expect("its jobs");
    jobs.iter().map(|job| job.id).collect()
}

/// Pings and works until nothing is left.
async fn work(control: Control, agent: Agent) -> Vec<JobId> {
    let mut done = Vec::new();
    loop {
        match ping(&control, &agent).await {
            Instruction::TakeJob(id) => {
                let accepted = accept(&control, &agent, id).await.expect("what is offered can be taken");
                let caller = crate::acting::caller(&control, accepted.secret.reveal()).await;
                let report = may(&control, &caller);
                control.start_job(&report).await.expect("an accepted job starts");
                control.finish_job(&report, ended("0")).await.expect("a running job ends");
                done.push(id);
            }
            Instruction::Idle => return done,
            other => panic!("{other:?} was not asked for"),
        }
    }
}

pub async fn each_job_is_run_once_however_many_agents_ask(world: &World) {
    let control = &world.control;
    let builds = [build(control, &world.acme, &steps(20)).await, build(control, &world.acme, &steps(20)).await];
    let mut agents = JoinSet::new();
    for _ in 0..8 {
        let agent = connect(control, world.acme.agent_token(), &[]).await;
        agents.spawn(work(control.clone(), agent));
    }
    let mut done: Vec<JobId> = agents.join_all().await.into_iter().flatten().collect();
    done.sort_unstable();
    let mut wanted = Vec::new();
    for build in &builds {
        wanted.extend(jobs(world, build.id).await);
        let state = control.build(&world.admin::<ViewBuilds>(), build.id).await.expect("the build is there").state;
        assert_eq!(state, BuildState::Passed);
    }
    wanted.sort_unstable();
    assert_eq!(done, wanted);
    let text = "SELECT COUNT(*) AS n FROM audit_events WHERE organization_id = $1 AND action = $2";
    for action in ["job.assigned", "job.accepted", "job.started", "job.finished"] {
        let values = vec![world.acme.created.organization.id.into_value(), action.into_value()];
        let count: i64 = sql::value(control, text, values, "n").await;
        assert_eq!(count, 40, "{action}");
    }
}

pub async fn one_agent_is_never_given_two_jobs(world: &World) {
    let control = &world.control;
    for _ in 0..5 {
        let build = build(control, &world.acme, &steps(8)).await;
        let agent = connect(control, world.acme.agent_token(), &[]).await;
        let mut pings = JoinSet::new();
        for _ in 0..8 {
            let (control, agent) = (control.clone(), agent.clone());
            pings.spawn(async move { ping(&control, &agent).await });
        }
        let offered: BTreeSet<JobId> = pings
            .join_all()
            .await
            .into_iter()
            .map(|told| match told {
                Instruction::TakeJob(id) => id,
                other => panic!("told {other:?} while jobs wait"),
            })
            .collect();
        assert_eq!(offered.len(), 1, "one agent that asks several times at once was offered {offered:?}");
        let text = "SELECT COUNT(*) AS n FROM jobs WHERE agent_id = $1";
        let given: i64 = sql::value(control, text, vec![agent.id.into_value()], "n").await;
        assert_eq!(given, 1);
        control.cancel_build(&may(control, &world.acme.admin), build.id).await.expect("canceled");
    }
}

pub async fn the_oldest_waiting_job_comes_first(world: &World) {
    let control = &world.control;
    let first = build(control, &world.acme, &steps(2)).await;
    world.clock.advance(Duration::from_secs(1));
    let second = build(control, &world.acme, &steps(2)).await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        let job = take(control, &agent).await;
        order.push(job.id);
        start(control, &job).await;
        finish(control, &job, "0").await;
    }
    let mut wanted = jobs(world, first.id).await;
    wanted.extend(jobs(world, second.id).await);
    assert_eq!(order, wanted);
    assert_eq!(ping(control, &agent).await, Instruction::Idle);
}

pub async fn only_the_own_queue_and_deployment_count(world: &World) {
    let control = &world.control;
    deployment(control, &world.acme, "prod", None).await;
    build(control, &world.acme, "steps: [{command: echo, agents: {queue: linux}}]").await;
    for tags in [&[][..], &["queue=Linux"], &["queue=linux", "deployment=prod"]] {
        let agent = connect(control, world.acme.agent_token(), tags).await;
        assert_eq!(ping(control, &agent).await, Instruction::Idle, "{tags:?}");
    }
    let right = connect(control, world.acme.agent_token(), &["queue=linux"]).await;
    assert!(matches!(ping(control, &right).await, Instruction::TakeJob(_)));
}

pub async fn an_agent_that_wants_no_jobs_gets_none(world: &World) {
    let control = &world.control;
    let caller = crate::acting::caller(control, world.acme.agent_token()).await;
    let mut new = registration(&[]);
    new.ignore_in_dispatches = true;
    let registered = control.register_agent(&may(control, &caller), new).await.expect("registered");
    let caller = crate::acting::caller(control, registered.session.reveal()).await;
    let unwilling = Agent { id: registered.agent.id, session: registered.session, caller };
    control.connect_agent(&may(control, &unwilling.caller)).await.expect("connected");
    build(control, &world.acme, &steps(2)).await;
    assert_eq!(ping(control, &unwilling).await, Instruction::Idle);

    let last = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &last).await;
    let mut how = ended("0");
    how.ignore_agent_in_dispatches = true;
    control.finish_job(&may(control, &job.caller), how).await.expect("a taken job ends");
    assert_eq!(ping(control, &last).await, Instruction::Idle, "it said that this was its last");
}

pub async fn an_offer_stands_until_it_is_taken_or_its_time_is_over(world: &World) {
    let control = &world.control;
    build(control, &world.acme, ONE_STEP).await;
    let slow = connect(control, world.acme.agent_token(), &[]).await;
    let Instruction::TakeJob(id) = ping(control, &slow).await else { panic!("a job is offered") };
    assert_eq!(ping(control, &slow).await, Instruction::TakeJob(id), "the same one each time");
    let other = connect(control, world.acme.agent_token(), &[]).await;
    assert_eq!(ping(control, &other).await, Instruction::Idle, "to one agent only");
    assert!(matches!(accept(control, &other, id).await, Err(Error::Conflict(_))));

    let timeout = control.settings().assignment_timeout;
    world.clock.advance(timeout);
    assert_eq!(control.sweep().await.expect("a sweep").jobs_returned, 0);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(control.sweep().await.expect("a sweep").jobs_returned, 1);
    assert_eq!(ping(control, &other).await, Instruction::TakeJob(id));
    assert!(matches!(accept(control, &slow, id).await, Err(Error::Conflict(_))), "too late");
    accept(control, &other, id).await.expect("its to take");
    world.clock.advance(timeout + Duration::from_secs(1));
    assert_eq!(control.sweep().await.expect("a sweep").jobs_returned, 0, "what was taken stays taken");
    let job = control.job(&world.admin::<ViewBuilds>(), id).await.expect("the job is there");
    assert_eq!((job.state, job.agent), (JobState::Accepted, Some(other.id)));
}

pub async fn a_job_whose_taking_was_not_heard_can_be_taken_again(world: &World) {
    let control = &world.control;
    build(control, &world.acme, ONE_STEP).await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let Instruction::TakeJob(id) = ping(control, &agent).await else { panic!("a job is offered") };
    let lost = accept(control, &agent, id).await.expect("taken").secret;
    // The answer got lost: the agent knows of no job, and asks again.
    assert_eq!(ping(control, &agent).await, Instruction::TakeJob(id));
    let again = accept(control, &agent, id).await.expect("taken again");
    assert_eq!(crate::acting::refusal(control, lost.reveal()).await, countersign_domain::Refusal::Unknown);
    let caller = crate::acting::caller(control, again.secret.reveal()).await;
    control.start_job(&may(control, &caller)).await.expect("started");
    assert!(matches!(accept(control, &agent, id).await, Err(Error::Conflict(_))), "not once it runs");
    assert_eq!(ping(control, &agent).await, Instruction::Idle);
    let other = connect(control, world.acme.agent_token(), &[]).await;
    assert!(matches!(accept(control, &other, id).await, Err(Error::Conflict(_))));
}

pub async fn a_ping_with_nothing_to_do_writes_nothing(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let of = world.acme.created.organization.id;
    let before = crate::dump::Dump::of(control, of).await;
    for _ in 0..5 {
        assert_eq!(control.ping(&may::<Ping>(control, &agent.caller)).await, Ok(Instruction::Idle));
    }
    assert_eq!(before.changes(&crate::dump::Dump::of(control, of).await, &[]), [""; 0]);
}
