//! Revoking an agent token: what becomes of the agents that are connected with it.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_control::access::actions::{ConnectAgent, Ping, ReportJob, RevokeAgentToken, ViewAgents, ViewBuilds};
use countersign_control::agent_tokens::{Issued, NewAgentToken, Revocation, Revoked, TokenReference};
use countersign_control::agents::{Agent as AgentRow, Instruction, Reach};
use countersign_control::{Error, Result};
use countersign_domain::build::{BuildState, JobState};
use countersign_domain::id::AgentId;
use countersign_domain::{AgentState, Refusal};
use countersign_testkit::World;

use crate::acting::{
    Agent, ONE_STEP, build, caller, connect, field_of, finish, may, ping, refusal, refusal_of, start, take, token,
    try_register,
};

async fn revoke(world: &World, issued: &Issued, reach: Reach, reason: &str) -> Result<Revoked> {
    let revocation = Revocation {
        token: TokenReference::Id(issued.token.token.id),
        reason: reason.to_owned(),
        connected_agents: reach,
        expected: None,
    };
    world.control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await
}

async fn row(world: &World, agent: &Agent) -> AgentRow {
    world.control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent is there")
}

fn ids(agents: &[&Agent]) -> BTreeSet<AgentId> {
    agents.iter().map(|agent| agent.id).collect()
}

pub async fn a_revoked_token_registers_nobody_and_says_so(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let revoked = revoke(world, &issued, Reach::Keep, "leaked in a log").await.expect("revoked").token.token;
    assert_eq!(revoked.revoked_at, Some(control.now()));
    assert_eq!(revoked.revoked_by, Some(world.acme.created.admin.id));
    assert_eq!(revoked.revoked_reason.as_deref(), Some("leaked in a log"));
    let outcome = try_register(control, issued.secret.reveal(), &[]).await;
    assert_eq!(outcome.err(), Some(Error::refused(Refusal::Revoked, issued.secret.public_id().clone())));
    // Another organization's administrators cannot tell it from garbage, and neither can they revoke it: `foreign`.
    assert_eq!(refusal(control, &issued.secret.reveal().replace("csnat", "csnut")).await, Refusal::Unknown);
}

pub async fn revoking_again_keeps_the_first_reason(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    let first = revoke(world, &issued, Reach::Keep, "first").await.expect("revoked").token.token;
    world.clock.advance(Duration::from_secs(60));
    let again = revoke(world, &issued, Reach::Keep, "second").await.expect("revoked").token.token;
    assert_eq!((again.revoked_at, again.revoked_reason), (first.revoked_at, first.revoked_reason));
}

pub async fn a_reason_must_be_one(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    for reason in ["", " ", "a\0b", "a\u{202E}b", &"r".repeat(1_001)] {
        assert_eq!(field_of(revoke(world, &issued, Reach::Disconnect, reason).await), "reason");
    }
    caller(&world.control, issued.secret.reveal()).await;
}

pub async fn keep_leaves_connected_agents_alone(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    assert_eq!(revoke(world, &issued, Reach::Keep, "retired").await.expect("revoked").touched, []);
    caller(control, agent.session.reveal()).await;
    build(control, &world.acme, ONE_STEP).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    finish(control, &job, "0").await;
    assert_eq!(row(world, &agent).await.state, AgentState::Connected);
}

pub async fn drain_lets_each_finish_its_job_and_then_leave(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let (busy, idle) = (
        connect(control, issued.secret.reveal(), &[]).await,
        connect(control, issued.secret.reveal(), &["queue=idle"]).await,
    );
    let stranger = connect(control, world.acme.agent_token(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    let job = take(control, &busy).await;
    start(control, &job).await;

    let revoked = revoke(world, &issued, Reach::Drain, "moved on").await.expect("revoked");
    assert_eq!(revoked.touched.into_iter().collect::<BTreeSet<_>>(), ids(&[&busy, &idle]));
    for agent in [&busy, &idle] {
        let Instruction::Disconnect(Some(note)) = ping(control, agent).await else { panic!("it is told to leave") };
        assert!(note.contains("moved on") && note.contains(issued.secret.public_id().as_str()), "{note}");
        assert_eq!(row(world, agent).await.state, AgentState::Stopping);
    }
    assert_eq!(ping(control, &stranger).await, Instruction::Idle);
    let state = control.job_state(&may::<ReportJob>(control, &job.caller)).await.expect("its state").state;
    assert_eq!(state, JobState::Running, "the job goes on");
    finish(control, &job, "0").await;
    let build = control.build(&world.admin::<ViewBuilds>(), job.build).await.expect("the build is there");
    assert_eq!(build.state, BuildState::Passed);
    build_waits_for_somebody_else(world, &idle).await;
}

async fn build_waits_for_somebody_else(world: &World, leaving: &Agent) {
    build(&world.control, &world.acme, "steps: [{command: echo, agents: {queue: idle}}]").await;
    assert!(matches!(ping(&world.control, leaving).await, Instruction::Disconnect(_)), "no job on the way out");
}

pub async fn disconnect_ends_sessions_and_cancels_jobs_at_once(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let running = connect(control, issued.secret.reveal(), &[]).await;
    let offered = connect(control, issued.secret.reveal(), &["queue=other"]).await;
    let registered = try_register(control, issued.secret.reveal(), &["queue=third"]).await.expect("registered");
    build(control, &world.acme, ONE_STEP).await;
    let job = take(control, &running).await;
    start(control, &job).await;
    let waiting = build(control, &world.acme, "steps: [{command: echo, agents: {queue: other}}]").await;
    assert!(matches!(ping(control, &offered).await, Instruction::TakeJob(_)));
    // Grants that were made before are worth nothing after.
    let report = may::<ReportJob>(control, &job.caller);
    let connecting = may::<ConnectAgent>(control, &registered.caller);
    let asking = may::<Ping>(control, &running.caller);

    let revoked = revoke(world, &issued, Reach::Disconnect, "stolen").await.expect("revoked");
    assert_eq!(revoked.touched.into_iter().collect::<BTreeSet<_>>(), ids(&[&running, &offered, &registered]));
    for agent in [&running, &offered, &registered] {
        assert_eq!(refusal(control, agent.session.reveal()).await, Refusal::Revoked);
        assert_eq!(row(world, agent).await.state, AgentState::Stopped);
    }
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
    assert_eq!(refusal_of(control.start_job(&report).await), Refusal::Expired);
    assert_eq!(refusal_of(control.connect_agent(&connecting).await), Refusal::Expired);
    assert_eq!(refusal_of(control.ping(&asking).await), Refusal::Expired);

    let view = world.admin::<ViewBuilds>();
    let ended = control.job(&view, job.id).await.expect("the job is there");
    assert_eq!((ended.state, ended.exit_status.as_deref()), (JobState::Canceled, Some("-1")));
    assert_eq!(ended.signal_reason.as_deref(), Some("cancel"));
    assert_eq!(control.build(&view, job.build).await.expect("the build is there").state, BuildState::Canceled);
    let back = control.build_jobs(&view, waiting.id).await.expect("its jobs");
    assert_eq!((back[0].state, back[0].agent), (JobState::Scheduled, None), "what was not taken waits again");
}

pub async fn a_revocation_that_kept_agents_can_be_followed_by_one_that_does_not(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    revoke(world, &issued, Reach::Keep, "retired").await.expect("revoked");
    assert_eq!(revoke(world, &issued, Reach::Drain, "again").await.expect("revoked").touched, [agent.id]);
    assert!(matches!(ping(control, &agent).await, Instruction::Disconnect(_)));
    let last = revoke(world, &issued, Reach::Disconnect, "now").await.expect("revoked");
    assert_eq!(last.touched, [agent.id]);
    assert_eq!(last.token.token.revoked_reason.as_deref(), Some("retired"));
    assert_eq!(refusal(control, agent.session.reveal()).await, Refusal::Revoked);
    assert_eq!(revoke(world, &issued, Reach::Disconnect, "and again").await.expect("revoked").touched, []);
}

pub async fn no_registration_commits_after_a_revocation_was_answered(world: &World) {
    let control = &world.control;
    for _ in 0..5 {
        let issued = token(world, NewAgentToken::default()).await;
        let mut registering = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (control, value) = (control.clone(), issued.secret.clone());
            registering.spawn(async move { try_register(&control, value.reveal(), &[]).await.map(|agent| agent.id) });
        }
        let touched = revoke(world, &issued, Reach::Disconnect, "race").await.expect("revoked").touched;
        let outcome = try_register(control, issued.secret.reveal(), &[]).await;
        assert_eq!(refusal_of(outcome), Refusal::Revoked);
        for outcome in registering.join_all().await {
            match outcome {
                // Its session may have ended before it was shown: then it says so.
                Ok(agent) => assert!(touched.contains(&agent), "an agent came in behind the revocation"),
                Err(error) => assert_eq!(refusal_of::<()>(Err(error)), Refusal::Revoked),
            }
        }
    }
}
