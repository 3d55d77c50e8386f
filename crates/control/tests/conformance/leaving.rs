//! The states of an agent: connecting, being asked to leave, leaving, being paused.

use std::time::Duration;

use countersign_control::access::actions::{
    ConnectAgent, ControlOwnAgent, DisconnectAgent, Heartbeat, PauseAgent, Ping, ReportJob, StopAgent, ViewAgents,
    ViewBuilds,
};
use countersign_control::agents::{Agent as AgentRow, Instruction};
use countersign_domain::build::JobState;
use countersign_domain::{AgentState, Refusal};
use countersign_testkit::World;

use crate::acting::{
    Agent, ONE_STEP, build, caller, connect, field_of, may, ping, refusal_of, running_job, take, try_register,
};

async fn row(world: &World, agent: &Agent) -> AgentRow {
    world.control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent is there")
}

async fn disconnect(world: &World, agent: &Agent) -> AgentState {
    let caller = caller(&world.control, agent.session.reveal()).await;
    let grant = may::<DisconnectAgent>(&world.control, &caller);
    world.control.disconnect_agent(&grant).await.expect("a goodbye is taken")
}

pub async fn an_agent_is_connected_once_it_says_so(world: &World) {
    let control = &world.control;
    let agent = try_register(control, world.acme.agent_token(), &[]).await.expect("registered");
    assert_eq!(row(world, &agent).await.state, AgentState::NeverConnected);
    world.clock.advance(Duration::from_secs(1));
    let grant = may::<ConnectAgent>(control, &agent.caller);
    for _ in 0..2 {
        control.connect_agent(&grant).await.expect("saying it again is allowed");
        let row = row(world, &agent).await;
        assert_eq!((row.state, row.connected_at), (AgentState::Connected, Some(control.now())));
    }
}

pub async fn a_goodbye_can_be_said_twice_and_ends_everything_else(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    assert_eq!(disconnect(world, &agent).await, AgentState::Disconnected);
    let at = row(world, &agent).await.disconnected_at;
    assert_eq!(at, Some(control.now()));
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(disconnect(world, &agent).await, AgentState::Disconnected, "its answer can get lost");
    assert_eq!(row(world, &agent).await.disconnected_at, at);
    let ended = caller(control, agent.session.reveal()).await;
    for refused in [
        control.grant_own::<Ping>(&ended).map(|_| ()),
        control.grant_own::<ConnectAgent>(&ended).map(|_| ()),
        control.grant_own::<Heartbeat>(&ended).map(|_| ()),
    ] {
        assert_eq!(refusal_of(refused), Refusal::Expired);
    }
    assert_eq!(refusal_of(control.ping(&may::<Ping>(control, &agent.caller)).await), Refusal::Expired);
    assert_eq!(refusal_of(control.connect_agent(&may::<ConnectAgent>(control, &agent.caller)).await), Refusal::Expired);
}

pub async fn a_goodbye_gives_up_the_job(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    disconnect(world, &job.agent).await;
    let ended = control.job(&world.admin::<ViewBuilds>(), job.id).await.expect("the job is there");
    assert_eq!((ended.state, ended.exit_status.as_deref()), (JobState::Finished, Some("-1")));
    assert_eq!(ended.signal_reason.as_deref(), Some("agent_stop"));
    let refused = crate::acting::refusal(control, job.secret.reveal()).await;
    assert_eq!(refused, Refusal::Expired, "a job's token lives no longer than its session");
}

pub async fn stop_lets_the_job_end_and_force_does_not(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let stop = async |force| control.stop_agent(&world.admin::<StopAgent>(), job.agent.id, force).await.expect("asked");
    let asked = stop(false).await;
    assert_eq!((asked.state, asked.stop_forced_at), (AgentState::Stopping, None));
    assert_eq!(
        (asked.stop_requested_at, asked.stop_requested_by),
        (Some(control.now()), Some(world.acme.created.admin.id))
    );
    let state = async || control.job_state(&may::<ReportJob>(control, &job.caller)).await.expect("its state").state;
    assert_eq!(state().await, JobState::Running);
    let first = asked.stop_requested_at;
    world.clock.advance(Duration::from_secs(1));
    let forced = stop(true).await;
    assert_eq!((forced.stop_requested_at, forced.stop_forced_at), (first, Some(control.now())));
    assert_eq!(state().await, JobState::Canceling);
    assert!(matches!(ping(control, &job.agent).await, Instruction::Disconnect(Some(_))));
    assert_eq!(disconnect(world, &job.agent).await, AgentState::Stopped);
    let ended = control.job(&world.admin::<ViewBuilds>(), job.id).await.expect("the job is there");
    assert_eq!(ended.state, JobState::Canceled);
    assert_eq!(stop(true).await.state, AgentState::Stopped, "one that has left is left alone");
}

pub async fn force_puts_an_offered_job_back(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let build = build(control, &world.acme, ONE_STEP).await;
    assert!(matches!(ping(control, &agent).await, Instruction::TakeJob(_)));
    control.stop_agent(&world.admin::<StopAgent>(), agent.id, true).await.expect("asked");
    let jobs = control.build_jobs(&world.admin::<ViewBuilds>(), build.id).await.expect("its jobs");
    assert_eq!((jobs[0].state, jobs[0].agent), (JobState::Scheduled, None));
}

pub async fn a_paused_agent_gets_no_job_until_resumed_or_its_time_is_over(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    let pause = async |minutes| {
        let note = Some("changing a disk".to_owned());
        control.pause_agent(&world.admin::<PauseAgent>(), agent.id, note, minutes).await
    };
    let paused = pause(None).await.expect("paused");
    assert_eq!((paused.state, paused.paused_until), (AgentState::Connected, None));
    let told = Instruction::Pause(Some("changing a disk".to_owned()));
    assert_eq!(ping(control, &agent).await, told);
    world.clock.advance(Duration::from_secs(100));
    assert_eq!(ping(control, &agent).await, told);
    pause(Some(5)).await.expect("paused");
    world.clock.advance(Duration::from_secs(299));
    assert_eq!(ping(control, &agent).await, told);
    world.clock.advance(Duration::from_secs(1));
    assert!(matches!(ping(control, &agent).await, Instruction::TakeJob(_)), "the five minutes are over");
    for minutes in [0, 24 * 60 + 1] {
        assert_eq!(field_of(pause(Some(minutes)).await), "timeoutInMinutes");
    }
    let wrong = control.pause_agent(&world.admin::<PauseAgent>(), agent.id, Some("a\0".to_owned()), None).await;
    assert_eq!(field_of(wrong), "note");
    pause(None).await.expect("paused");
    let resumed = control.resume_agent(&world.admin::<PauseAgent>(), agent.id).await.expect("resumed");
    assert_eq!((resumed.paused_at, resumed.paused_note), (None, None));
}

pub async fn an_offered_job_comes_before_a_pause_and_leaving_before_everything(world: &World) {
    let control = &world.control;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    let offered = ping(control, &agent).await;
    assert!(matches!(offered, Instruction::TakeJob(_)));
    control.pause_agent(&world.admin::<PauseAgent>(), agent.id, None, None).await.expect("paused");
    assert_eq!(ping(control, &agent).await, offered);
    control.stop_agent(&world.admin::<StopAgent>(), agent.id, false).await.expect("asked");
    assert!(matches!(ping(control, &agent).await, Instruction::Disconnect(_)));
}

pub async fn a_job_controls_its_own_agent(world: &World) {
    let control = &world.control;
    let other = connect(control, world.acme.agent_token(), &["queue=other"]).await;
    let job = running_job(control, &world.acme).await;
    let grant = may::<ControlOwnAgent>(control, &job.caller);
    let paused = control.pause_own_agent(&grant, None, Some(1)).await.expect("paused");
    assert_eq!((paused.id, paused.paused_by), (job.agent.id, None));
    assert!(control.resume_own_agent(&grant).await.expect("resumed").paused_at.is_none());
    assert_eq!(control.stop_own_agent(&grant, false).await.expect("asked").state, AgentState::Stopping);
    let state = control.job_state(&may::<ReportJob>(control, &job.caller)).await.expect("its state").state;
    assert_eq!(state, JobState::Running);
    control.stop_own_agent(&grant, true).await.expect("asked");
    let state = control.job_state(&may::<ReportJob>(control, &job.caller)).await.expect("its state").state;
    assert_eq!(state, JobState::Canceling);
    let untouched = row(world, &other).await;
    assert_eq!((untouched.state, untouched.paused_at), (AgentState::Connected, None));
}

pub async fn an_agent_that_was_told_to_leave_stays_connected_until_it_does(world: &World) {
    let control = &world.control;
    let agent = try_register(control, world.acme.agent_token(), &[]).await.expect("registered");
    control.stop_agent(&world.admin::<StopAgent>(), agent.id, false).await.expect("asked");
    let grant = may::<ConnectAgent>(control, &agent.caller);
    control.connect_agent(&grant).await.expect("it may say that it is there");
    assert_eq!(row(world, &agent).await.state, AgentState::Stopping);
    assert!(matches!(ping(control, &agent).await, Instruction::Disconnect(Some(_))));
    let job = connect(control, world.acme.agent_token(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    take(control, &job).await;
}
