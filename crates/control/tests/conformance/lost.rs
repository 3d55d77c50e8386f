//! Agents that are not heard: given up after three minutes, and not before.

use std::time::Duration;

use countersign_control::PageRequest;
use countersign_control::access::actions::{Heartbeat, Ping, ViewAgents, ViewBuilds};
use countersign_control::agents::{Instruction, Wanted};
use countersign_domain::build::{BuildState, JobState};
use countersign_domain::{AgentState, Refusal};
use countersign_testkit::World;

use crate::acting::{
    Agent, ONE_STEP, build, caller, connect, may, ping, refusal, refusal_of, restart, running_job, try_register,
};

const MICROSECOND: Duration = Duration::from_micros(1);
const THREE_MINUTES: Duration = Duration::from_secs(180);

async fn state(world: &World, agent: &Agent) -> AgentState {
    world.control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent is there").state
}

async fn given_up(world: &World) -> u64 {
    world.control.sweep().await.expect("a sweep").agents_lost
}

pub async fn after_three_minutes_of_silence_and_not_before(world: &World) {
    let control = &world.control;
    let connected = connect(control, world.acme.agent_token(), &[]).await;
    let registered = try_register(control, world.acme.agent_token(), &[]).await.expect("registered");
    control.flush_usage().await.expect("what has gathered is written");
    world.clock.advance(THREE_MINUTES);
    assert_eq!(given_up(world).await, 0);
    assert_eq!(state(world, &connected).await, AgentState::Connected);
    world.clock.advance(MICROSECOND);
    assert_eq!(given_up(world).await, 2);
    for agent in [&connected, &registered] {
        let row = control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent is there");
        assert_eq!((row.state, row.lost_at), (AgentState::Lost, Some(control.now())));
        assert_eq!(refusal(control, agent.session.reveal()).await, Refusal::Expired);
        assert_eq!(refusal_of(control.ping(&may::<Ping>(control, &agent.caller)).await), Refusal::Expired);
    }
    assert_eq!(given_up(world).await, 0, "once");
}

pub async fn whoever_is_heard_stays_also_when_that_is_not_written_yet(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    for flushed in [false, true, false] {
        world.clock.advance(THREE_MINUTES);
        let caller = caller(control, agent.session.reveal()).await;
        control.heartbeat(&may::<Heartbeat>(control, &caller)).expect("heard");
        if flushed {
            control.flush_usage().await.expect("what has gathered is written");
        }
        world.clock.advance(MICROSECOND);
        assert_eq!(given_up(world).await, 0);
        let row = control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent is there");
        let heard = control.now().minus(MICROSECOND);
        assert_eq!((row.last_seen_at, row.heartbeat_at), (Some(heard), Some(heard)));
    }
    world.clock.advance(THREE_MINUTES);
    assert_eq!(given_up(world).await, 1);
}

pub async fn nobody_is_given_up_while_the_server_was_not_there_to_listen(world: &mut World) {
    let agent = connect(&world.control, world.acme.agent_token(), &[]).await;
    world.control.flush_usage().await.expect("what has gathered is written");
    world.clock.advance(Duration::from_secs(3600));
    restart(world).await;
    assert_eq!(given_up(world).await, 0, "the server has just come back");
    world.clock.advance(THREE_MINUTES.saturating_sub(MICROSECOND));
    assert_eq!(given_up(world).await, 0);
    assert_eq!(state(world, &agent).await, AgentState::Connected);
    // Its session has outlived the restart.
    assert_eq!(ping(&world.control, &agent).await, Instruction::Idle);
    world.clock.advance(MICROSECOND);
    assert_eq!(given_up(world).await, 1, "it has had three minutes since then");
}

pub async fn the_job_of_a_lost_agent_has_failed_and_its_token_is_dead(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    world.clock.advance(THREE_MINUTES + MICROSECOND);
    control.flush_usage().await.expect("what has gathered is written");
    assert_eq!(given_up(world).await, 1);
    let view = world.admin::<ViewBuilds>();
    let ended = control.job(&view, job.id).await.expect("the job is there");
    assert_eq!((ended.state, ended.exit_status.as_deref()), (JobState::Finished, Some("-1")));
    assert_eq!(ended.signal_reason.as_deref(), Some("agent_stop"));
    assert_eq!(control.build(&view, job.build).await.expect("the build is there").state, BuildState::Failed);
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
}

pub async fn what_a_job_leaves_behind_keeps_no_agent_alive(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    control.flush_usage().await.expect("what has gathered is written");
    world.clock.advance(THREE_MINUTES + MICROSECOND);
    caller(control, job.secret.reveal()).await;
    assert_eq!(given_up(world).await, 1, "the job's token was used, and the agent was not heard");
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
}

pub async fn a_job_that_a_lost_agent_never_took_waits_again(world: &World) {
    let control = &world.control;
    let lost = connect(control, world.acme.agent_token(), &[]).await;
    let build = build(control, &world.acme, ONE_STEP).await;
    assert!(matches!(ping(control, &lost).await, Instruction::TakeJob(_)));
    world.clock.advance(THREE_MINUTES + MICROSECOND);
    control.give_up_silent_agents().await.expect("a round");
    assert_eq!(state(world, &lost).await, AgentState::Lost);
    let jobs = control.build_jobs(&world.admin::<ViewBuilds>(), build.id).await.expect("its jobs");
    assert_eq!((jobs[0].state, jobs[0].agent), (JobState::Scheduled, None));
    let other = connect(control, world.acme.agent_token(), &[]).await;
    assert!(matches!(ping(control, &other).await, Instruction::TakeJob(_)));
}

pub async fn lost_agents_are_not_among_the_live(world: &World) {
    let control = &world.control;
    connect(control, world.acme.agent_token(), &[]).await;
    world.clock.advance(THREE_MINUTES + MICROSECOND);
    let stays = connect(control, world.acme.agent_token(), &[]).await;
    assert_eq!(given_up(world).await, 1);
    let wanted = || Wanted { live_only: true, ..Wanted::default() };
    let grant = world.admin::<ViewAgents>();
    let page = control.agents(&grant, wanted(), PageRequest::first(9)).await.expect("a list");
    assert_eq!(page.items.iter().map(|it| it.id).collect::<Vec<_>>(), [stays.id]);
    assert_eq!(control.count_agents(&grant, wanted()).await.expect("a count"), 1);
    assert_eq!(control.count_agents(&grant, Wanted::default()).await.expect("a count"), 2);
}
