//! Deployments: made, renamed, deleted with what they hold, and branch deployments that end by themselves.

use std::time::Duration;

use countersign_control::access::actions::{
    CreateDeployment, DeleteDeployment, PauseQueue, UpdateDeployment, ViewAgentTokens, ViewAgents, ViewBuilds,
    ViewOrganization, ViewQueues,
};
use countersign_control::agent_tokens::{Issued, NewAgentToken};
use countersign_control::agents::Instruction;
use countersign_control::builds::{Build, NewBuild};
use countersign_control::deployments::{Deleted, Deletion, Deployment, DeploymentChange, Holds, NewDeployment};
use countersign_control::queues::QueueReference;
use countersign_control::{Error, PageRequest, Result};
use countersign_domain::build::{BuildState, JobState};
use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::DeploymentId;
use countersign_domain::{AgentState, DeploymentScope, Refusal, Scope};
use countersign_store::{IntoValue, Lane, StoreError, deployments};
use countersign_testkit::World;

use crate::acting::{
    ONE_STEP, caller, connect, ended, field_of, finish, fresh_id, may, ping, refusal, refusal_of, start, take, token,
    try_register,
};
use crate::{dagster, sql};

/// Makes one, by an Organization Admin.
pub async fn make(world: &World, new: NewDeployment) -> Result<Deployment> {
    world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await
}

/// What a full one is to be.
pub fn full(name: &str) -> NewDeployment {
    NewDeployment { name: name.to_owned(), ..NewDeployment::default() }
}

async fn made(world: &World, name: &str, parent: Option<DeploymentId>) -> DeploymentId {
    make(world, NewDeployment { parent, ..full(name) }).await.expect("a deployment is made").id
}

/// Deletes one, by an Organization Admin.
pub async fn delete(world: &World, deployment: DeploymentId, force: bool) -> Result<Deleted> {
    world.control.delete_deployment(&world.admin::<DeleteDeployment>(), Deletion { deployment, force }).await
}

async fn names(world: &World) -> Vec<String> {
    let all = world.control.deployments(&world.admin::<ViewOrganization>()).await.expect("a list");
    all.into_iter().map(|it| it.name).collect()
}

fn only(deployments: &[DeploymentId]) -> Scope {
    let deployments = DeploymentScope::Only { deployments: deployments.iter().copied().collect(), all_branches: false };
    Scope { deployments, ..Scope::widest() }
}

async fn token_for(world: &World, deployments: &[DeploymentId]) -> Issued {
    token(world, NewAgentToken { scope: Some(only(deployments)), ..NewAgentToken::default() }).await
}

async fn build_in(world: &World, deployment: &str) -> Result<Build> {
    let new = NewBuild {
        definition: ONE_STEP.to_owned(),
        pipeline: "demo".to_owned(),
        deployment: Some(deployment.to_owned()),
        ..NewBuild::default()
    };
    world.control.create_build(&world.admin(), new).await
}

/// Why something cannot be.
pub fn conflict<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    match outcome {
        Err(Error::Conflict(why)) => why,
        other => panic!("no conflict: {other:?}"),
    }
}

pub async fn one_is_made_renamed_and_listed(world: &World) {
    let control = &world.control;
    let until = control.now().plus(Duration::from_secs(3600));
    let new = NewDeployment { description: Some("What customers see".to_owned()), ..full("prod") };
    let prod = make(world, new).await.expect("made");
    let new = NewDeployment { parent: Some(prod.id), expires_at: Some(until), ..full("pull-17") };
    let branch = make(world, new).await.expect("made");
    assert_eq!((branch.parent, branch.expires_at), (Some(prod.id), Some(until)));
    assert_eq!(prod.created_by, Some(world.acme.created.admin.id));
    assert_eq!(names(world).await, ["default", "prod", "pull-17"]);

    let issued = token_for(world, &[prod.id]).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    let update = world.admin::<UpdateDeployment>();
    let change = DeploymentChange {
        name: Some("live".to_owned()),
        color: Some(Some("#0B79CE".to_owned())),
        emoji: Some(Some(":rocket:".to_owned())),
        description: Some(None),
        ..DeploymentChange::of(prod.id)
    };
    let live = control.update_deployment(&update, change).await.expect("changed");
    assert_eq!((live.id, live.name.as_str(), live.description.as_deref()), (prod.id, "live", None));
    let seen = control.deployment(&world.admin::<ViewOrganization>(), prod.id).await.expect("a read").expect("there");
    assert_eq!((seen.color.as_deref(), seen.emoji.as_deref()), (Some("#0B79CE"), Some(":rocket:")));
    assert_eq!(ping(control, &agent).await, Instruction::Idle, "whoever is there stays");
    try_register(control, issued.secret.reveal(), &["deployment=live"]).await.expect("the token reaches it as before");
    let old = try_register(control, issued.secret.reveal(), &["deployment=prod"]).await;
    assert_eq!(refusal_of(old), Refusal::Scope);
    let taken = DeploymentChange { name: Some("default".to_owned()), ..DeploymentChange::of(prod.id) };
    let why = conflict(control.update_deployment(&update, taken).await);
    assert!(why.contains("default already"), "{why}");
    let gone = DeploymentChange { name: Some("x".to_owned()), ..DeploymentChange::of(fresh_id(control)) };
    assert_eq!(control.update_deployment(&update, gone).await.map(drop), Err(Error::NotFound("deployment")));
}

pub async fn what_cannot_be_made_is_named(world: &World) {
    let control = &world.control;
    let prod = made(world, "prod", None).await;
    let branch = made(world, "pull-1", Some(prod)).await;
    let past = Some(control.now());
    let soon = Some(control.now().plus(Duration::from_secs(1)));
    for (field, new) in [
        ("name", full("")),
        ("name", full("a/b")),
        ("name", full(&"x".repeat(101))),
        ("parent", NewDeployment { parent: Some(fresh_id(control)), ..full("a") }),
        ("parent", NewDeployment { parent: Some(branch), ..full("a") }),
        ("expiresAt", NewDeployment { parent: Some(prod), expires_at: past, ..full("a") }),
        ("expiresAt", NewDeployment { expires_at: soon, ..full("a") }),
        ("description", NewDeployment { description: Some("a\nb".to_owned()), ..full("a") }),
        ("color", NewDeployment { color: Some("red".to_owned()), ..full("a") }),
        ("emoji", NewDeployment { emoji: Some("x".repeat(65)), ..full("a") }),
    ] {
        assert_eq!(field_of(make(world, new).await), field);
    }
    assert!(conflict(make(world, full("prod")).await).contains("prod already"));
    let update = world.admin::<UpdateDeployment>();
    let change = DeploymentChange { expires_at: Some(soon), ..DeploymentChange::of(prod) };
    assert_eq!(field_of(control.update_deployment(&update, change).await), "expiresAt");
    let change = DeploymentChange { default_queue: Some(Some(fresh_id(control))), ..DeploymentChange::of(prod) };
    assert_eq!(field_of(control.update_deployment(&update, change).await), "defaultQueueId");
    assert_eq!(names(world).await, ["default", "prod", "pull-1"]);
}

pub async fn the_default_one_stays(world: &World) {
    let default = world.acme.created.organization.default_deployment;
    for force in [false, true] {
        let why = conflict(delete(world, default, force).await);
        assert!(why.contains("is the organization's default"), "{why}");
    }
    assert_eq!(names(world).await, ["default"]);
    assert_eq!(delete(world, fresh_id(&world.control), true).await.map(drop), Err(Error::NotFound("deployment")));
}

pub async fn one_that_holds_work_is_deleted_by_force_alone(world: &World) {
    let control = &world.control;
    let working = made(world, "working", None).await;
    build_in(world, "working").await.expect("made");
    let why = conflict(delete(world, working, false).await);
    assert!(why.contains("1 build that has not ended, 1 job that waits or runs."), "{why}");

    let served = made(world, "served", None).await;
    connect(control, world.acme.agent_token(), &["deployment=served"]).await;
    let why = conflict(delete(world, served, false).await);
    assert!(why.contains("holds active work: 1 agent. "), "{why}");

    let named = made(world, "named", None).await;
    let default = world.acme.created.organization.default_deployment;
    token_for(world, &[named, default]).await;
    token_for(world, &[named]).await;
    let gone = delete(world, named, false).await.expect("a token is no work");
    assert_eq!(gone.held, Holds { tokens: 1, ..Holds::default() }, "one that reaches another too does not count");

    let loads = made(world, "loads", None).await;
    let holder = caller(control, world.acme.agent_token()).await;
    dagster::beat(control, &holder, dagster::heartbeat(&dagster::process(control), &["loads"])).await.expect("kept");
    let why = conflict(delete(world, loads, false).await);
    assert!(why.contains("holds active work: 1 Dagster+ agent that serves it."), "{why}");
    world.clock.advance(RUNNING_FOR);
    delete(world, loads, false).await.expect("one that is silent does not count");

    let parent = made(world, "parent", None).await;
    let branch = made(world, "branch", Some(parent)).await;
    assert!(conflict(delete(world, parent, false).await).contains("1 branch deployment"));
    delete(world, branch, false).await.expect("an empty one goes");
    delete(world, parent, false).await.expect("an empty one goes");
    assert_eq!(names(world).await, ["default", "served", "working"]);
}

pub async fn force_ends_what_it_holds(world: &World) {
    let control = &world.control;
    let prod = made(world, "prod", None).await;
    let branch = made(world, "pull-1", Some(prod)).await;
    let default = world.acme.created.organization.default_deployment;
    let [alone, both, two] = [
        token_for(world, &[prod]).await,
        token_for(world, &[prod, default]).await,
        token_for(world, &[prod, branch]).await,
    ];
    let running = build_in(world, "prod").await.expect("made");
    let agent = connect(control, alone.secret.reveal(), &[]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    let idle = connect(control, world.acme.agent_token(), &["deployment=pull-1"]).await;
    let waiting = build_in(world, "pull-1").await.expect("made");
    let elsewhere = connect(control, both.secret.reveal(), &["deployment=default"]).await;

    let deleted = delete(world, prod, true).await.expect("deleted");
    assert_eq!(deleted.branches.iter().map(|it| it.id).collect::<Vec<_>>(), [branch]);
    assert_eq!(deleted.held, Holds { builds: 2, jobs: 2, agents: 2, dagster_agents: 0, tokens: 2 });
    assert_eq!(names(world).await, ["default"]);

    let view = world.admin::<ViewBuilds>();
    assert_eq!(control.build(&view, waiting.id).await.expect("there").state, BuildState::Canceled);
    assert_eq!(control.build(&view, running.id).await.expect("there").state, BuildState::Canceling);
    let state =
        control.job_state(&may(control, &job.caller)).await.expect("its token is good until it has ended").state;
    assert_eq!(state, JobState::Canceling, "its agent ends it");
    let ending = control.finish_job(&may(control, &job.caller), ended("-1")).await;
    ending.expect("the agent may say how it ended");
    assert_eq!(control.build(&view, running.id).await.expect("there").state, BuildState::Canceled);
    for gone in [&agent, &idle] {
        let told = ping(control, gone).await;
        assert!(matches!(&told, Instruction::Disconnect(Some(why)) if why.contains("was deleted")), "{told:?}");
    }
    assert_eq!(ping(control, &elsewhere).await, Instruction::Idle);
    let row = control.agent(&world.admin::<ViewAgents>(), idle.id).await.expect("there");
    assert_eq!(row.state, AgentState::Stopping);

    for gone in [&alone, &two] {
        assert_eq!(refusal(control, gone.secret.reveal()).await, Refusal::Revoked);
        let row = control.agent_token(&world.admin::<ViewAgentTokens>(), gone.token.token.id).await.expect("there");
        let why = row.token.revoked_reason.expect("a reason");
        assert!(why.contains("No deployment that it reached is left"), "{why}");
    }
    let kept = control.agent_token(&world.admin::<ViewAgentTokens>(), both.token.token.id).await.expect("there");
    assert_eq!((kept.token.revoked_at, kept.scope), (None, only(&[default])));
}

pub async fn nothing_enters_one_that_is_gone(world: &World) {
    let control = &world.control;
    let prod = made(world, "prod", None).await;
    let agent = connect(control, world.acme.agent_token(), &["deployment=prod"]).await;
    let old = build_in(world, "prod").await.expect("made");
    let job = take(control, &agent).await;
    start(control, &job).await;
    finish(control, &job, "1").await;
    let wide = token(world, NewAgentToken::default()).await;
    delete(world, prod, true).await.expect("deleted");

    let late = try_register(control, wide.secret.reveal(), &["deployment=prod"]).await;
    assert_eq!(refusal_of(late), Refusal::Scope);
    assert_eq!(field_of(build_in(world, "prod").await), "deployment");
    assert!(conflict(control.rebuild(&world.admin(), old.id).await).contains("was deleted"));
    assert!(conflict(control.retry_job(&world.admin(), job.id).await).contains("was deleted"));
    let queue = QueueReference { deployment: Some("prod".to_owned()), queue: "q".to_owned() };
    assert_eq!(field_of(control.pause_queue_dispatch(&world.admin::<PauseQueue>(), queue, None).await), "deployment");
    let new = NewAgentToken { scope: Some(only(&[prod])), ..NewAgentToken::default() };
    let scoped = control.create_agent_token(&world.admin(), new).await;
    assert_eq!(field_of(scoped), "scope");
    assert_eq!(field_of(make(world, NewDeployment { parent: Some(prod), ..full("b") }).await), "parent");
    assert_eq!(delete(world, prod, true).await.map(drop), Err(Error::NotFound("deployment")));
    let queues = control.queues(&world.admin::<ViewQueues>(), PageRequest::first(9)).await.expect("a list");
    assert_eq!(queues.items.len(), 0, "its queues are gone with it");
}

pub async fn its_name_is_free_again_and_its_past_is_not(world: &World) {
    let control = &world.control;
    let first = made(world, "prod", None).await;
    let agent = connect(control, world.acme.agent_token(), &["deployment=prod"]).await;
    let old = build_in(world, "prod").await.expect("made");
    let job = take(control, &agent).await;
    start(control, &job).await;
    finish(control, &job, "0").await;
    delete(world, first, true).await.expect("deleted");
    let second = made(world, "prod", None).await;
    assert_ne!(first, second);
    let old = control.build(&world.admin::<ViewBuilds>(), old.id).await.expect("the build is there");
    assert_eq!((old.state, old.deployment), (BuildState::Passed, first), "where it ran stays known");
    let waiting = build_in(world, "prod").await.expect("made");
    assert_eq!(waiting.deployment, second);
    assert!(matches!(ping(control, &agent).await, Instruction::Disconnect(_)), "the old one's agent gets none of it");
}

pub async fn a_branch_deployment_goes_when_its_time_has_come(world: &World) {
    let control = &world.control;
    let prod = made(world, "prod", None).await;
    let at = control.now().plus(Duration::from_secs(60));
    let new = NewDeployment { parent: Some(prod), expires_at: Some(at), ..full("pull-1") };
    let branch = make(world, new).await.expect("made").id;
    let agent = connect(control, world.acme.agent_token(), &["deployment=pull-1"]).await;
    let build = build_in(world, "pull-1").await.expect("made");
    world.clock.advance(Duration::from_secs(59));
    ping(control, &agent).await;
    assert_eq!(control.sweep().await.expect("a round").deployments_expired, 0);
    let later =
        DeploymentChange { expires_at: Some(Some(at.plus(Duration::from_secs(60)))), ..DeploymentChange::of(branch) };
    control.update_deployment(&world.admin::<UpdateDeployment>(), later).await.expect("more time");
    world.clock.advance(Duration::from_secs(60));
    ping(control, &agent).await;
    assert_eq!(control.sweep().await.expect("a round").deployments_expired, 0, "it was given more time");
    world.clock.advance(Duration::from_secs(1));
    let swept = control.sweep().await.expect("a round");
    assert_eq!((swept.deployments_expired, swept.deployments_cleared), (1, 0), "what it held is ended with it");
    assert_eq!(names(world).await, ["default", "prod"]);
    let told = ping(control, &agent).await;
    assert!(matches!(told, Instruction::Disconnect(_)), "{told:?}");
    control.sweep().await.expect("a round");
    let view = world.admin::<ViewBuilds>();
    let state = control.build(&view, build.id).await.expect("there").state;
    assert!(matches!(state, BuildState::Canceled | BuildState::Canceling), "{state:?}");
    let row = sql::rows(
        control,
        "SELECT actor_kind, actor_name FROM audit_events WHERE action = 'deployment.expired' AND subject_id = $1",
        vec![branch.into_value()],
    )
    .await;
    let name: String = row[0].get("actor_name").expect("a name");
    assert_eq!((row.len(), name.as_str()), (1, "the branch deployment's time has come"));
}

/// The server stopped between deleting and clearing.
pub async fn what_was_left_is_cleared_by_the_next_rounds(world: &World) {
    let control = &world.control;
    let prod = made(world, "prod", None).await;
    let agent = connect(control, world.acme.agent_token(), &["deployment=prod"]).await;
    let build = build_in(world, "prod").await.expect("made");
    let alone = token_for(world, &[prod]).await;
    let of = world.acme.created.organization.id;
    let gone: std::result::Result<bool, StoreError> = control
        .store()
        .transact(Lane::Normal, prod, move |tx, prod| Box::pin(deployments::delete(tx, of, *prod)))
        .await;
    assert_eq!(gone, Ok(true));
    assert_eq!(ping(control, &agent).await, Instruction::Idle, "its agents get no work from the commit on");
    assert_eq!(control.sweep().await.expect("a round").deployments_cleared, 1);
    assert!(matches!(ping(control, &agent).await, Instruction::Disconnect(_)));
    let state = control.build(&world.admin::<ViewBuilds>(), build.id).await.expect("there").state;
    assert_eq!(state, BuildState::Canceled);
    assert_eq!(refusal(control, alone.secret.reveal()).await, Refusal::Revoked);
    assert_eq!(control.sweep().await.expect("a round").deployments_cleared, 0, "nothing is left");
}

pub async fn a_registration_and_a_deletion_at_once_leave_no_agent_behind(world: &World) {
    let control = &world.control;
    for round in 0..4 {
        let name = format!("d{round}");
        let id = made(world, &name, None).await;
        let tag = format!("deployment={name}");
        let registering = futures_util::future::join_all(
            (0..6).map(|_| async { try_register(control, world.acme.agent_token(), &[&tag]).await }),
        );
        let (registered, deleted) = futures_util::join!(registering, delete(world, id, true));
        deleted.expect("deleted");
        for agent in registered.into_iter().flatten() {
            let row = control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("there");
            assert_eq!(row.state, AgentState::Stopping, "whoever came before is told");
        }
        assert_eq!(control.sweep().await.expect("a round").deployments_cleared, 0);
    }
}
