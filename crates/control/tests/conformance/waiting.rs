//! Agents that wait: what wakes them, and that nothing is read or written while nothing happens.

use std::time::Duration;

use countersign_control::Control;
use countersign_control::access::actions::{PauseAgent, Ping, StopAgent};
use countersign_control::agent_tokens::{NewAgentToken, TokenReference};
use countersign_control::agents::{Instruction, Next, Reach, Waiting};
use countersign_domain::{QueueScope, Refusal, Scope};
use countersign_testkit::World;

use crate::acting::{Agent, ONE_STEP, accept, build, connect, finish, may, ping, refusal_of, start, take, token};
use crate::updating::{change, update};

/// More than a wake-up takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// So long nothing is waited for that is not to come.
const SILENCE: Duration = Duration::from_millis(30);

/// An agent that has been told what there is now, and waits.
async fn waiting(control: &Control, agent: &Agent) -> Waiting {
    let grant = may::<Ping>(control, &agent.caller);
    let mut waiting = control.wait_on_stream(grant).expect("a session").expect("there is room");
    waiting.look().await.expect("a connected agent is answered");
    waiting
}

async fn is_woken(waiting: &mut Waiting) -> bool {
    match tokio::time::timeout(SILENCE, waiting.next()).await {
        Ok(Next::Look) => true,
        Ok(other) => panic!("{other:?}"),
        Err(_) => false,
    }
}

/// What the agent is told once it has been woken.
async fn told(waiting: &mut Waiting) -> Instruction {
    let next = tokio::time::timeout(PATIENCE, waiting.next()).await.expect("it is woken");
    assert_eq!(next, Next::Look);
    waiting.look().await.expect("a connected agent is answered")
}

pub async fn a_new_job_wakes_one_agent_and_the_next_job_another(world: &World) {
    let control = &world.control;
    let mut agents = Vec::new();
    for _ in 0..3 {
        let agent = connect(control, world.acme.agent_token(), &[]).await;
        agents.push(waiting(control, &agent).await);
    }
    let elsewhere = connect(control, world.acme.agent_token(), &["queue=linux"]).await;
    let mut elsewhere = waiting(control, &elsewhere).await;
    build(control, &world.acme, ONE_STEP).await;
    assert!(matches!(told(&mut agents[0]).await, Instruction::TakeJob(_)));
    build(control, &world.acme, "steps: [{command: one}, {command: two, agents: {queue: linux}}]").await;
    assert!(matches!(told(&mut agents[1]).await, Instruction::TakeJob(_)));
    assert!(matches!(told(&mut elsewhere).await, Instruction::TakeJob(_)));
    assert!(!is_woken(&mut agents[2]).await);
}

pub async fn a_job_that_goes_back_wakes_who_waits(world: &World) {
    let control = &world.control;
    let slow = connect(control, world.acme.agent_token(), &[]).await;
    let next = connect(control, world.acme.agent_token(), &[]).await;
    let mut next = waiting(control, &next).await;
    build(control, &world.acme, ONE_STEP).await;
    let Instruction::TakeJob(job) = ping(control, &slow).await else { panic!("a job is offered") };
    assert_eq!(told(&mut next).await, Instruction::Idle, "it was called for a job that is gone");
    control.stop_agent(&world.admin::<StopAgent>(), slow.id, true).await.expect("stopped");
    assert_eq!(told(&mut next).await, Instruction::TakeJob(job));
    // Not taken in time either: it goes to the next, whose wait began late enough that only the sweep can have woken it.
    world.clock.advance(control.settings().assignment_timeout + Duration::from_secs(1));
    let last = connect(control, world.acme.agent_token(), &[]).await;
    let mut last = waiting(control, &last).await;
    assert_eq!(control.sweep().await.expect("a sweep").jobs_returned, 1);
    assert_eq!(told(&mut last).await, Instruction::TakeJob(job));
}

pub async fn an_agent_is_woken_by_what_happens_to_it(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    let other = connect(control, world.acme.agent_token(), &[]).await;
    let (mut it, mut other) = (waiting(control, &agent).await, waiting(control, &other).await);
    let note = Some("note".to_owned());
    control.pause_agent(&world.admin::<PauseAgent>(), agent.id, note.clone(), None).await.expect("paused");
    assert_eq!(told(&mut it).await, Instruction::Pause(note));
    control.resume_agent(&world.admin::<PauseAgent>(), agent.id).await.expect("resumed");
    assert_eq!(told(&mut it).await, Instruction::Idle);
    // A narrower scope takes it out of its line, and a wider one puts it back.
    let narrow = Scope { queues: QueueScope::Only(["linux".parse().expect("a queue")].into()), ..Scope::widest() };
    let mut narrowed = change(TokenReference::Id(issued.token.token.id));
    narrowed.scope = Some(narrow);
    update(world, narrowed).await.expect("a change");
    assert_eq!(told(&mut it).await, Instruction::Idle);
    build(control, &world.acme, ONE_STEP).await;
    assert!(matches!(told(&mut other).await, Instruction::TakeJob(_)));
    assert!(!is_woken(&mut it).await);
    let mut widened = change(TokenReference::Id(issued.token.token.id));
    widened.scope = Some(Scope::widest());
    update(world, widened).await.expect("a change");
    assert_eq!(told(&mut it).await, Instruction::Idle);
    build(control, &world.acme, ONE_STEP).await;
    assert!(matches!(told(&mut it).await, Instruction::TakeJob(_)));
    let mut drained = change(TokenReference::Id(issued.token.token.id));
    drained.scope =
        Some(Scope { queues: QueueScope::Only(["mac".parse().expect("a queue")].into()), ..Scope::widest() });
    drained.connected_agents = Reach::Drain;
    update(world, drained).await.expect("a change");
    assert!(matches!(told(&mut it).await, Instruction::Disconnect(_)));
    assert!(!is_woken(&mut other).await);
}

pub async fn an_agent_that_has_ended_its_job_is_woken_for_the_next(world: &World) {
    let control = &world.control;
    build(control, &world.acme, "steps: [{command: one}, {command: two}]").await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let mut it = waiting(control, &agent).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    assert!(!is_woken(&mut it).await);
    finish(control, &job, "0").await;
    let Instruction::TakeJob(second) = told(&mut it).await else { panic!("another job waits") };
    assert!(second != job.id);
    assert!(!it.is_about_to_start(second).await.expect("a look"));
    accept(control, &agent, second).await.expect("taken");
    assert!(it.is_about_to_start(second).await.expect("a look"));
    world.clock.advance(Duration::from_secs(16));
    assert!(!it.is_about_to_start(second).await.expect("a look"));
}

pub async fn a_session_that_ends_ends_the_wait(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let mut it = waiting(control, &agent).await;
    control.disconnect_agent(&may(control, &agent.caller)).await.expect("it leaves");
    let next = tokio::time::timeout(PATIENCE, it.next()).await.expect("it is woken");
    assert_eq!(next, Next::Look);
    assert_eq!(refusal_of(it.look().await), Refusal::Expired);
}

pub async fn waiting_writes_nothing(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let of = world.acme.created.organization.id;
    let before = crate::dump::Dump::of(control, of).await;
    let mut it = waiting(control, &agent).await;
    assert!(!is_woken(&mut it).await);
    world.clock.advance(Duration::from_secs(10));
    assert!(!is_woken(&mut it).await);
    assert_eq!(before.changes(&crate::dump::Dump::of(control, of).await, &[]), [""; 0]);
}
