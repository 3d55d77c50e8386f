//! Dagster's permissions of an agent token: given and taken one at a time.

use std::time::Duration;

use countersign_control::access::actions::{
    CreateDeployment, UpdateAgentToken, ViewAgentTokens, ViewAudit, ViewOrganization,
};
use countersign_control::agent_tokens::{
    AgentTokenChange, NewAgentToken, Permission, Permissions, Reaching, TokenReference,
};
use countersign_control::audit::Period;
use countersign_control::deployments::NewDeployment;
use countersign_control::{Error, PageRequest, Result};
use countersign_domain::DeploymentScope;
use countersign_domain::id::{DeploymentId, TokenId};
use countersign_testkit::World;
use serde_json::{Value, json};

use crate::acting::token;

pub const CASES: &[crate::run::Case] = crate::list::cases!["permitting"
    what_is_granted_beside_the_organization_counts_once_that_is_taken,
    the_last_one_stays_and_what_is_not_there_is_not_given,
    the_audit_log_says_which_was_given_or_taken,
];

async fn change(world: &World, id: TokenId, reaching: Reaching, is_given: bool) -> Result<DeploymentScope> {
    let permission = Some(Permission { reaching, is_given });
    let change = AgentTokenChange { permission, ..AgentTokenChange::nothing(TokenReference::Id(id)) };
    let changed = world.control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await?;
    Ok(changed.token.scope.deployments)
}

async fn permissions(world: &World, id: TokenId) -> Permissions {
    world.control.agent_token_permissions(&world.admin::<ViewAgentTokens>(), id).await.expect("there")
}

fn named(organization: bool, all_branches: bool, deployments: &[i64]) -> Permissions {
    Permissions { organization, all_branches, deployments: deployments.to_vec() }
}

/// A deployment, with its number.
async fn numbered(world: &World, name: &str) -> (DeploymentId, i64) {
    let new = NewDeployment { name: name.to_owned(), ..NewDeployment::default() };
    let id = world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("made").id;
    let numbers = world.control.numbers(&world.admin::<ViewOrganization>(), vec![id]).await.expect("numbers");
    (id, numbers[&id])
}

pub async fn what_is_granted_beside_the_organization_counts_once_that_is_taken(world: &World) {
    let id = token(world, NewAgentToken::default()).await.token.token.id;
    assert_eq!(permissions(world, id).await, named(true, false, &[]));
    let (prod, number) = numbered(world, "prod").await;
    let (_, other) = numbered(world, "staging").await;
    for (reaching, expected) in [
        (Reaching::Deployment(other), named(true, false, &[other])),
        (Reaching::Deployment(number), named(true, false, &[number.min(other), number.max(other)])),
        (Reaching::AllBranches, named(true, true, &[number.min(other), number.max(other)])),
    ] {
        assert_eq!(change(world, id, reaching, true).await, Ok(DeploymentScope::Every), "{reaching:?}");
        assert_eq!(permissions(world, id).await, expected);
    }
    change(world, id, Reaching::Deployment(other), false).await.expect("taken");
    let narrow = change(world, id, Reaching::Organization, false).await.expect("taken");
    assert_eq!(narrow, DeploymentScope::Only { deployments: [prod].into(), all_branches: true });
    assert_eq!(permissions(world, id).await, named(false, true, &[number]));
    let narrower = change(world, id, Reaching::AllBranches, false).await.expect("taken");
    assert_eq!(narrower, DeploymentScope::Only { deployments: [prod].into(), all_branches: false });
    assert_eq!(change(world, id, Reaching::Organization, true).await, Ok(DeploymentScope::Every));
    assert_eq!(permissions(world, id).await, named(true, false, &[number]), "what was granted is kept");
}

pub async fn the_last_one_stays_and_what_is_not_there_is_not_given(world: &World) {
    let id = token(world, NewAgentToken::default()).await.token.token.id;
    let last = change(world, id, Reaching::Organization, false).await;
    assert!(matches!(&last, Err(Error::Conflict(why)) if why.contains("last permission")), "{last:?}");
    let (_, number) = numbered(world, "prod").await;
    change(world, id, Reaching::Deployment(number), true).await.expect("given");
    change(world, id, Reaching::Organization, false).await.expect("taken");
    let last = change(world, id, Reaching::Deployment(number), false).await;
    assert!(matches!(last, Err(Error::Conflict(_))), "{last:?}");
    let nowhere = change(world, id, Reaching::Deployment(number + 1_000), true).await;
    assert_eq!(nowhere, Err(Error::NotFound("deployment")));
    assert_eq!(permissions(world, id).await, named(false, false, &[number]), "nothing was changed by what was refused");
}

pub async fn the_audit_log_says_which_was_given_or_taken(world: &World) {
    let id = token(world, NewAgentToken::default()).await.token.token.id;
    let (_, number) = numbered(world, "prod").await;
    for (reaching, is_given, expected) in [
        (Reaching::Deployment(number), true, json!({ "given": "deployment", "number": number })),
        (Reaching::AllBranches, true, json!({ "given": "all_branch_deployments" })),
        (Reaching::Organization, false, json!({ "taken": "organization" })),
        (Reaching::AllBranches, false, json!({ "taken": "all_branch_deployments" })),
    ] {
        // Ids tell the millisecond, and the newest is asked for.
        world.clock.advance(Duration::from_millis(1));
        change(world, id, reaching, is_given).await.expect("changed");
        let grant = world.admin::<ViewAudit>();
        let newest = world.control.audit_events(&grant, Period::default(), PageRequest::first(1)).await.expect("a row");
        let detail: Value = serde_json::from_str(&newest.items[0].detail).expect("JSON");
        assert_eq!((newest.items[0].action.as_str(), &detail["permission"]), ("agent_token.updated", &expected));
    }
}
