//! Queues that somebody makes, and the agent tokens of one deployment.

use countersign_control::access::actions::{
    CreateAgentToken, CreateDeployment, CreateQueue, DeleteQueue, UpdateDeployment, UpdateQueue, ViewAgentTokens,
    ViewOrganization, ViewQueues,
};
use countersign_control::agent_tokens::{NewAgentToken, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::deployments::{DeploymentChange, NewDeployment};
use countersign_control::queues::{NewQueue, Queue, QueueChange};
use countersign_control::{Error, PageRequest, Result};
use countersign_domain::id::{DeploymentId, Id};
use countersign_domain::{DeploymentScope, QueueScope, Refusal, Scope};
use countersign_testkit::World;

use crate::acting::{build, connect, field_of, fresh_id, refusal_of, token, try_caller_from, try_register};
use crate::tokens::revoke;
use crate::updating::{Change, change, update};

async fn prod(world: &World) -> DeploymentId {
    let new = NewDeployment { name: "prod".to_owned(), ..NewDeployment::default() };
    world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("made").id
}

async fn queue(world: &World, deployment: DeploymentId, key: &str) -> Result<Queue> {
    let new = NewQueue { deployment, key: key.to_owned(), description: Some("Builds".to_owned()) };
    world.control.create_queue(&world.admin::<CreateQueue>(), new).await
}

async fn delete(world: &World, id: Id<Queue>) -> Result<Queue> {
    world.control.delete_queue(&world.admin::<DeleteQueue>(), id).await
}

pub async fn a_queue_is_made_described_and_deleted(world: &World) {
    let control = &world.control;
    let prod = prod(world).await;
    let made = queue(world, prod, "linux").await.expect("made");
    assert_eq!((made.name.as_str(), made.created_by), ("linux", Some(world.acme.created.admin.id)));
    assert_eq!(field_of(queue(world, prod, "a b").await), "key");
    let again = queue(world, prod, "linux").await;
    assert!(matches!(&again, Err(Error::Conflict(why)) if why.contains("already being used")), "{again:?}");
    let default = world.acme.created.organization.default_deployment;
    queue(world, default, "linux").await.expect("another deployment has names of its own");
    assert_eq!(queue(world, fresh_id(control), "x").await.map(drop), Err(Error::NotFound("cluster")));

    let view = world.admin::<ViewQueues>();
    let listed = control.queues_of(&view, prod).await.expect("a list");
    let described: Vec<_> = listed.iter().map(|it| it.queue.description.as_deref()).collect();
    assert_eq!(described, [Some("Builds")]);
    let change = DeploymentChange { default_queue: Some(Some(made.id)), ..DeploymentChange::of(prod) };
    control.update_deployment(&world.admin::<UpdateDeployment>(), change).await.expect("it is the default");
    let elsewhere = DeploymentChange { default_queue: Some(Some(made.id)), ..DeploymentChange::of(default) };
    let wrong = control.update_deployment(&world.admin::<UpdateDeployment>(), elsewhere).await;
    assert_eq!(field_of(wrong), "defaultQueueId");
    for (description, wanted) in
        [(Some(Some("Tests".to_owned())), Some("Tests")), (None, Some("Tests")), (Some(None), None)]
    {
        let change = QueueChange { queue: made.id, description };
        let changed = control.update_queue(&world.admin::<UpdateQueue>(), change).await.expect("changed");
        assert_eq!(changed.description.as_deref(), wanted);
    }
    delete(world, made.id).await.expect("deleted");
    assert_eq!(delete(world, made.id).await.map(drop), Err(Error::NotFound("queue")));
    assert!(control.queues_of(&view, prod).await.expect("a list").is_empty());
    let left = control.deployment(&world.admin::<ViewOrganization>(), prod).await.expect("a read").expect("there");
    assert_eq!(left.default_queue, None, "nothing is the default any more");
}

pub async fn a_queue_that_holds_work_stays(world: &World) {
    let control = &world.control;
    let default = world.acme.created.organization.default_deployment;
    build(control, &world.acme, "steps: [{command: a, agents: {queue: linux}}]").await;
    connect(control, world.acme.agent_token(), &["queue=mac"]).await;
    let mac = queue(world, default, "mac").await.expect("made").id;
    let view = world.admin::<ViewQueues>();
    let linux = control.queue_by_name(&view, default, "linux").await.expect("its first job made it").queue.id;
    for (id, wanted) in [(linux, "jobs: 1, agents: 0"), (mac, "jobs: 0, agents: 1")] {
        let refused = delete(world, id).await;
        assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains(wanted)), "{refused:?}");
    }
}

pub async fn a_token_of_a_cluster_stays_with_it(world: &World) {
    let control = &world.control;
    let prod = prod(world).await;
    let queues = QueueScope::Only(["linux".parse().expect("a queue")].into());
    let new = NewAgentToken {
        description: Some("ci".to_owned()),
        scope: Some(Scope { queues: queues.clone(), ..Scope::widest() }),
        ..NewAgentToken::default()
    };
    let create = world.admin::<CreateAgentToken>();
    let issued = control.create_cluster_token(&create, prod, new).await.expect("made");
    assert_eq!((issued.token.cluster(), &issued.token.scope.queues), (Some(prod), &queues));
    let nowhere = control.create_cluster_token(&create, fresh_id(control), NewAgentToken::default()).await;
    assert_eq!(nowhere.map(drop), Err(Error::NotFound("cluster")));
    let other =
        token(world, NewAgentToken { scope: Some(issued.token.scope.clone()), ..NewAgentToken::default() }).await;
    assert_eq!(other.token.cluster(), None, "one that happens to reach the same is no token of the cluster");

    let view = world.admin::<ViewAgentTokens>();
    let id = issued.token.token.id;
    let listed = control.cluster_tokens(&view, prod, PageRequest::first(9)).await.expect("a list");
    assert_eq!(listed.items.iter().map(|it| it.token.id).collect::<Vec<_>>(), [id]);
    assert_eq!(control.count_cluster_tokens(&view, prod).await, Ok(1));
    assert_eq!(control.cluster_token(&view, id).await.expect("there").token.id, id);
    let not_one = control.cluster_token(&view, other.token.token.id).await;
    assert_eq!(not_one.map(drop), Err(Error::NotFound("cluster agent token")));

    let agent = try_register(control, issued.secret.reveal(), &["queue=linux"]).await;
    agent.expect("its only deployment is where its agents go");
    for tags in [&["queue=linux", "deployment=default"][..], &["queue=mac"]] {
        let refused = try_register(control, issued.secret.reveal(), tags).await;
        assert_eq!(refusal_of(refused), Refusal::Scope, "{tags:?}");
    }
    let default = world.acme.created.organization.default_deployment;
    let own = Scope { queues: QueueScope::Any, ..issued.token.scope.clone() };
    for deployments in [
        DeploymentScope::Every,
        DeploymentScope::Only { deployments: [default].into(), all_branches: false },
        DeploymentScope::Only { deployments: [prod, default].into(), all_branches: false },
        DeploymentScope::Only { deployments: [prod].into(), all_branches: true },
    ] {
        let scope = Scope { deployments, ..Scope::widest() };
        let refused = update(world, Change { scope: Some(scope), ..change(TokenReference::Id(id)) }).await;
        assert_eq!(field_of(refused), "scope");
    }
    update(world, Change { scope: Some(own), ..change(TokenReference::Id(id)) }).await.expect("other queues are fine");
    revoke(world, id, Reach::Keep).await;
    assert_eq!(control.count_cluster_tokens(&view, prod).await, Ok(0));
    assert!(control.cluster_token(&view, id).await.expect("still known").token.revoked_at.is_some());
}

pub async fn networks_alone_are_replaced(world: &World) {
    let control = &world.control;
    let queues = QueueScope::Only(["linux".parse().expect("a queue")].into());
    let scope = Scope { queues: queues.clone(), ..Scope::widest() };
    let issued = token(world, NewAgentToken { scope: Some(scope), ..NewAgentToken::default() }).await;
    let reference = || TokenReference::Id(issued.token.token.id);
    let networks = Some(vec!["10.0.0.0/8".parse().expect("a network")]);
    let changed = update(world, Change { networks, ..change(reference()) }).await.expect("changed").token;
    assert_eq!((&changed.scope.queues, changed.scope.network_texts()), (&queues, vec!["10.0.0.0/8".to_owned()]));
    let outside = try_caller_from(control, issued.secret.reveal(), "192.0.2.7").await;
    assert_eq!(refusal_of(outside), Refusal::Network);
    let changed =
        update(world, Change { networks: Some(Vec::new()), ..change(reference()) }).await.expect("changed").token;
    assert_eq!(changed.scope, Scope { queues, ..Scope::widest() });
    let many = (0..65).map(|n| format!("10.0.0.{n}").parse().expect("a network")).collect();
    assert_eq!(field_of(update(world, Change { networks: Some(many), ..change(reference()) }).await), "networks");
}
