//! Names that mislead: one that differs from another only in the case of letters, and one that names somebody else's address. And what lists say
//! of queues that only agents know, of attempts of a fleet, and of what goes with a deployment.

use countersign_control::access::actions::{
    CreateDeployment, CreateServiceUser, CreateTeam, DeleteDeployment, RevokeAgentToken, UpdateDeployment,
    UpdateServiceUser, UpdateTeam, ViewAgentTokens, ViewQueues,
};
use countersign_control::agent_tokens::{NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::deployments::{DeploymentChange, Effects, NewDeployment};
use countersign_control::members::MemberReference;
use countersign_control::queues::Unlisted;
use countersign_control::service_users::{NewServiceUser, ServiceUserChange};
use countersign_control::teams::{NewTeam, TeamChange, TeamReference};
use countersign_control::{Error, PageRequest, Result};
use countersign_domain::{Refusal, Role};
use countersign_testkit::World;

use crate::acting::{connect, deployment, field_of, may, refusal, running_job, token};
use crate::invitations::{invite, try_accept};

pub const CASES: &[crate::run::Case] = crate::list::cases!["names"
    a_name_that_differs_in_the_case_of_letters_alone_is_refused,
    nobody_is_called_by_the_address_of_another,
    queues_that_agents_alone_know_are_told,
    attempts_of_a_fleet_are_summed_up,
    what_goes_with_a_deployment_is_counted,
];

fn is_taken<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Conflict(why)) if why.contains("choose another name"))
}

pub async fn a_name_that_differs_in_the_case_of_letters_alone_is_refused(world: &World) {
    let control = &world.control;
    let new = |name: &str| NewDeployment { name: name.to_owned(), ..NewDeployment::default() };
    let prod = control.create_deployment(&world.admin::<CreateDeployment>(), new("prod")).await.expect("made");
    for name in ["prod", "PROD", "Prod"] {
        assert!(is_taken(&control.create_deployment(&world.admin::<CreateDeployment>(), new(name)).await), "{name}");
    }
    let other = control.create_deployment(&world.admin::<CreateDeployment>(), new("prod_2")).await.expect("made");
    let called = |id, name: &str| DeploymentChange { name: Some(name.to_owned()), ..DeploymentChange::of(id) };
    let update = async |id, name: &str| {
        control.update_deployment(&world.admin::<UpdateDeployment>(), called(id, name)).await.map(|it| it.name)
    };
    assert!(is_taken(&update(other.id, "pRod").await));
    assert_eq!(update(prod.id, "Prod").await, Ok("Prod".to_owned()), "its own name in other letters");

    let new = |name: &str| NewTeam { name: name.to_owned(), ..NewTeam::default() };
    let team = control.create_team(&world.admin::<CreateTeam>(), new("Platform")).await.expect("made");
    assert!(is_taken(&control.create_team(&world.admin::<CreateTeam>(), new("platform")).await));
    control.create_team(&world.admin::<CreateTeam>(), new("Plat_orm")).await.expect("another name");
    let change = TeamChange { team: TeamReference::Id(team.id), name: Some("PLAT_ORM".to_owned()), description: None };
    assert!(is_taken(&control.update_team(&world.admin::<UpdateTeam>(), change).await));

    let new = |name: &str| NewServiceUser { name: name.to_owned(), description: None, role: Role::Member };
    let robot = control.create_service_user(&world.admin::<CreateServiceUser>(), new("deployer")).await.expect("made");
    assert!(is_taken(&control.create_service_user(&world.admin::<CreateServiceUser>(), new("DEPLOYER")).await));
    control.create_service_user(&world.admin::<CreateServiceUser>(), new("other")).await.expect("made");
    let reference = || MemberReference::Id(robot.user.id);
    let change =
        |name: &str| ServiceUserChange { service_user: reference(), name: Some(name.to_owned()), description: None };
    assert!(is_taken(&control.update_service_user(&world.admin::<UpdateServiceUser>(), change("Other")).await));
    let after = control.update_service_user(&world.admin::<UpdateServiceUser>(), change("Deployer")).await;
    assert_eq!(after.map(|it| it.user.name), Ok("Deployer".to_owned()));
    for name in [".", ".."] {
        let refused = control.create_service_user(&world.admin::<CreateServiceUser>(), new(name)).await;
        assert_eq!(field_of(refused), "name");
    }
}

pub async fn nobody_is_called_by_the_address_of_another(world: &World) {
    let invited = invite(world, "eve@acme.example").await;
    let accept =
        async |name| try_accept(&world.control, &invited.secret, Some(name)).await.map(|it| it.member.user.name);
    for name in ["ada@acme.example", "Ada (ADA@acme.example)"] {
        assert_eq!(field_of(accept(name).await), "name", "{name}");
    }
    assert_eq!(
        accept("eve@acme.example").await,
        Ok("eve@acme.example".to_owned()),
        "one's own, and the invitation is as good as before"
    );
}

pub async fn queues_that_agents_alone_know_are_told(world: &World) {
    let control = &world.control;
    let default = world.acme.created.organization.default_deployment;
    running_job(control, &world.acme).await;
    for _ in 0..2 {
        connect(control, world.acme.agent_token(), &["queue=idle"]).await;
    }
    connect(control, world.acme.agent_token(), &["queue=rare"]).await;
    let told = async |limit| control.unlisted_queues(&world.admin::<ViewQueues>(), limit).await.expect("a list");
    let queue = |name: &str, agents| Unlisted { deployment: default, name: name.to_owned(), agents };
    assert_eq!(told(10).await, [queue("idle", 2), queue("rare", 1)], "a queue that has jobs is in the list of queues");
    assert_eq!(told(1).await, [queue("idle", 2)]);
    let known = control.queues(&world.admin::<ViewQueues>(), PageRequest::first(9)).await.expect("a list");
    assert!(known.items.iter().all(|it| it.queue.name != "idle"));
    let foreign = control.unlisted_queues(&may(control, &world.globex.admin), 10).await.expect("a list");
    assert_eq!(foreign, []);
}

pub async fn attempts_of_a_fleet_are_summed_up(world: &World) {
    let control = &world.control;
    let issued =
        token(world, NewAgentToken { description: Some("fleet".to_owned()), ..NewAgentToken::default() }).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(connect(control, issued.secret.reveal(), &[]).await);
    }
    let revocation = Revocation {
        token: TokenReference::Id(issued.token.token.id),
        reason: "leaked".to_owned(),
        connected_agents: Reach::Disconnect,
        expected: None,
    };
    control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await.expect("revoked");
    for it in &sessions {
        assert_eq!(refusal(control, it.session.reveal()).await, Refusal::Revoked);
    }
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Revoked);
    let told = control.refused_attempts(&world.admin::<ViewAgentTokens>(), 10).await.expect("a list");
    let told: Vec<_> = told.iter().map(|it| (it.refused.token, it.refused.count, it.description.as_deref())).collect();
    assert_eq!(told, [(issued.token.token.id, 4, Some("fleet"))], "one row, and not one for each agent");
}

pub async fn what_goes_with_a_deployment_is_counted(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let effects = async || control.deployment_effects(&world.admin::<DeleteDeployment>(), prod).await;
    assert_eq!(effects().await, Ok(Effects::default()));
    connect(control, world.acme.agent_token(), &["deployment=prod"]).await;
    deployment(control, &world.acme, "branch", Some(prod)).await;
    let found = effects().await.expect("counted");
    assert_eq!((found.held.agents, found.branches, found.held.builds), (1, 1, 0));
    let foreign = control.deployment_effects(&may(control, &world.globex.admin), prod).await;
    assert_eq!(foreign, Err(Error::NotFound("deployment")));
}
