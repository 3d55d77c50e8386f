//! Narrowing a token's scope: at once for new work, deployments and networks; connected agents as chosen.

use countersign_control::Error;
use countersign_control::access::actions::{Ping, ReportJob, ViewAgents};
use countersign_control::agent_tokens::{Issued, NewAgentToken, TokenReference};
use countersign_control::agents::{Instruction, Reach};
use countersign_domain::build::JobState;
use countersign_domain::{AgentState, DeploymentScope, QueueScope, Refusal, Scope};
use countersign_testkit::World;

use crate::acting::{
    ONE_STEP, accept, build, caller, connect, deployment, finish, may, ping, refusal, refusal_of, start, take, token,
    try_caller_from, try_register,
};
use crate::updating::{Change, change, update};

fn queues(names: &[&str]) -> Scope {
    let names = names.iter().map(|name| name.parse().expect("a queue")).collect();
    Scope { queues: QueueScope::Only(names), ..Scope::widest() }
}

fn narrowed(issued: &Issued, scope: Scope, reach: Reach) -> Change {
    Change { scope: Some(scope), connected_agents: reach, ..change(TokenReference::Id(issued.token.token.id)) }
}

pub async fn a_narrowed_agent_gets_no_new_work(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    build(control, &world.acme, "steps: [{command: echo one}, {command: echo two}, {command: echo three}]").await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    let changed = update(world, narrowed(&issued, queues(&["linux"]), Reach::Keep)).await.expect("a change");
    assert_eq!(changed.touched, []);
    finish(control, &job, "0").await;
    assert_eq!(ping(control, &agent).await, Instruction::Idle, "two jobs wait, and none of them is for it any more");
    let elsewhere = Scope {
        deployments: DeploymentScope::Only {
            deployments: [deployment(control, &world.acme, "prod", None).await].into(),
            all_branches: false,
        },
        ..Scope::widest()
    };
    update(world, narrowed(&issued, elsewhere, Reach::Keep)).await.expect("a change");
    assert_eq!(ping(control, &agent).await, Instruction::Idle);
    update(world, narrowed(&issued, Scope::widest(), Reach::Keep)).await.expect("a change");
    assert!(matches!(ping(control, &agent).await, Instruction::TakeJob(_)), "widened again, it gets one");
}

pub async fn only_agents_outside_are_touched(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let inside = connect(control, issued.secret.reveal(), &["queue=linux"]).await;
    let outside = connect(control, issued.secret.reveal(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    let job = take(control, &outside).await;
    start(control, &job).await;

    let drained = update(world, narrowed(&issued, queues(&["linux"]), Reach::Drain)).await.expect("a change");
    assert_eq!(drained.touched, [outside.id]);
    assert!(matches!(ping(control, &outside).await, Instruction::Disconnect(_)));
    assert_eq!(ping(control, &inside).await, Instruction::Idle);
    let state = control.job_state(&may::<ReportJob>(control, &job.caller)).await.expect("its state").state;
    assert_eq!(state, JobState::Running);

    let cut = update(world, narrowed(&issued, queues(&["linux"]), Reach::Disconnect)).await.expect("a change");
    assert_eq!(cut.touched, [outside.id]);
    assert_eq!(refusal(control, outside.session.reveal()).await, Refusal::Revoked);
    assert_eq!(refusal(control, job.secret.reveal()).await, Refusal::Expired);
    caller(control, inside.session.reveal()).await;
    let row = control.agent(&world.admin::<ViewAgents>(), outside.id).await.expect("the agent is there");
    assert_eq!(row.state, AgentState::Stopped);
}

pub async fn networks_hold_for_tokens_and_sessions_from_the_next_call_on(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    let job = take(control, &agent).await;
    let scope = Scope { networks: vec!["10.0.0.0/8".parse().expect("a network")], ..Scope::widest() };
    update(world, narrowed(&issued, scope, Reach::Keep)).await.expect("a change");
    for value in [&issued.secret, &agent.session, &job.secret] {
        assert_eq!(refusal_of(try_caller_from(control, value.reveal(), "192.0.2.10").await), Refusal::Network);
        for inside in ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"] {
            assert!(try_caller_from(control, value.reveal(), inside).await.is_ok(), "{inside}");
        }
        for outside in ["9.255.255.255", "11.0.0.0", "::1", "::ffff:11.0.0.1", "2001:db8::a00:1"] {
            assert_eq!(refusal_of(try_caller_from(control, value.reveal(), outside).await), Refusal::Network);
        }
    }
    update(world, narrowed(&issued, Scope::widest(), Reach::Keep)).await.expect("a change");
    caller(control, agent.session.reveal()).await;
}

pub async fn a_job_that_was_offered_before_is_not_taken_after(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    let Instruction::TakeJob(id) = ping(control, &agent).await else { panic!("a job is offered") };
    update(world, narrowed(&issued, queues(&["linux"]), Reach::Keep)).await.expect("a change");
    assert_eq!(ping(control, &agent).await, Instruction::Idle);
    assert!(matches!(accept(control, &agent, id).await, Err(Error::Conflict(_))));
    update(world, narrowed(&issued, Scope::widest(), Reach::Keep)).await.expect("a change");
    assert_eq!(ping(control, &agent).await, Instruction::TakeJob(id));
    update(world, narrowed(&issued, queues(&["linux"]), Reach::Drain)).await.expect("a change");
    assert!(matches!(accept(control, &agent, id).await, Err(Error::Conflict(_))), "nor on the way out");
}

pub async fn a_job_that_was_offered_before_is_not_offered_on(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    build(control, &world.acme, ONE_STEP).await;
    assert!(matches!(ping(control, &agent).await, Instruction::TakeJob(_)));
    update(world, narrowed(&issued, queues(&["linux"]), Reach::Disconnect)).await.expect("a change");
    assert_eq!(refusal_of(control.ping(&may::<Ping>(control, &agent.caller)).await), Refusal::Expired);
    let other = connect(control, world.acme.agent_token(), &[]).await;
    take(control, &other).await;
    let outcome = try_register(control, issued.secret.reveal(), &[]).await;
    assert_eq!(refusal_of(outcome), Refusal::Scope, "and nobody registers for the queue with it");
}
