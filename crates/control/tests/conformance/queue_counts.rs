//! What autoscalers are told.

use countersign_control::access::actions::CountQueues;
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::queue_counts::{Counts, QueueCounts};
use countersign_domain::{DeploymentScope, QueueScope, Scope};
use countersign_testkit::World;

use crate::acting::{build, caller, connect, deployment, finish, may, start, take, token};

async fn counts(world: &World, token: &str) -> QueueCounts {
    let caller = caller(&world.control, token).await;
    world.control.count_queues(&may::<CountQueues>(&world.control, &caller)).await.expect("counted")
}

fn in_queue(queue: &str) -> String {
    format!("steps: [{{command: a, agents: {{queue: {queue}}}}}, {{command: b, agents: {{queue: {queue}}}}}]")
}

pub async fn agents_and_jobs_are_counted_by_queue(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let none = counts(world, acme.agent_token()).await;
    assert_eq!((none.total(), none.queues.len(), none.organization.slug.as_str()), (Counts::default(), 0, "acme"));
    build(control, acme, &in_queue("linux")).await;
    build(control, acme, &in_queue("mac")).await;
    let busy = connect(control, acme.agent_token(), &["queue=linux"]).await;
    let _idle = connect(control, acme.agent_token(), &["queue=linux"]).await;
    let job = take(control, &busy).await;
    start(control, &job).await;
    let seen = counts(world, acme.agent_token()).await;
    let linux = Counts { agents_idle: 1, agents_busy: 1, jobs_scheduled: 1, jobs_running: 1, jobs_waiting: 0 };
    assert_eq!(seen.queues["linux"], linux);
    assert_eq!(seen.queues["mac"], Counts { jobs_scheduled: 2, ..Counts::default() });
    assert_eq!(seen.total(), Counts { jobs_scheduled: 3, ..linux });
    finish(control, &job, "0").await;
    let seen = counts(world, acme.agent_token()).await;
    assert_eq!(seen.queues["linux"], Counts { agents_idle: 2, jobs_scheduled: 1, ..Counts::default() });
}

pub async fn nothing_outside_of_the_scope_is_counted(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    build(control, acme, &in_queue("linux")).await;
    build(control, acme, &in_queue("mac")).await;
    let queues = QueueScope::Only(["mac".parse().expect("a queue")].into());
    let only_mac = NewAgentToken { scope: Some(Scope { queues, ..Scope::widest() }), ..NewAgentToken::default() };
    let seen = counts(world, token(world, only_mac).await.secret.reveal()).await;
    assert_eq!(seen.queues.keys().collect::<Vec<_>>(), ["mac"]);
    let prod = deployment(control, acme, "prod", None).await;
    let deployments = DeploymentScope::Only { deployments: [prod].into(), all_branches: false };
    let elsewhere = NewAgentToken { scope: Some(Scope { deployments, ..Scope::widest() }), ..NewAgentToken::default() };
    let seen = counts(world, token(world, elsewhere).await.secret.reveal()).await;
    assert_eq!((seen.queues.len(), seen.deployment.map(|it| it.name)), (0, Some("prod".to_owned())));
}
