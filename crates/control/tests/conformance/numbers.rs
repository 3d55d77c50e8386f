//! Numbers, by which Dagster's API names tokens, deployments and members, and the permissions that it gives one at a time.

use std::collections::BTreeSet;

use countersign_control::access::actions::{
    DeleteDeployment, RevokeAgentToken, RevokeUserToken, ViewAgentTokens, ViewOrganization, ViewUserTokens,
};
use countersign_control::agent_tokens::{NewAgentToken, Permission, Permissions, Reaching, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::deployments::Deletion;
use countersign_control::user_tokens::UserTokenReference;
use countersign_control::{Error, PageRequest, Result};
use countersign_domain::id::{DeploymentId, Id, TokenId};
use countersign_domain::{DeploymentScope, QueueScope, Role, Scope};
use countersign_testkit::World;

use crate::acting::{another_token, deployment, fresh_id, may, person, token};
use crate::dagster::only;
use crate::updating::{Change, change, update};

async fn number<T: 'static>(world: &World, id: Id<T>) -> i64 {
    let grant = world.admin::<ViewOrganization>();
    world.control.numbers(&grant, vec![id]).await.expect("a read").remove(&id).expect("it has a number")
}

async fn permissions(world: &World, id: TokenId) -> Permissions {
    world.control.agent_token_permissions(&world.admin::<ViewAgentTokens>(), id).await.expect("a read")
}

async fn permit(world: &World, id: TokenId, reaching: Reaching, is_given: bool) -> Result<Scope> {
    let permission = Some(Permission { reaching, is_given });
    Ok(update(world, Change { permission, ..change(TokenReference::Id(id)) }).await?.token.scope)
}

pub async fn each_thing_has_one_of_its_own_that_stays(world: &World) {
    let control = &world.control;
    let acme = &world.acme.created;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await.user().expect("a person");
    let issued = token(world, NewAgentToken::default()).await;
    let all = [
        number(world, acme.organization.default_deployment).await,
        number(world, prod).await,
        number(world, acme.admin.id).await,
        number(world, bob).await,
        number(world, acme.user_token.id).await,
        number(world, acme.agent_token.id).await,
        number(world, issued.token.token.id).await,
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    assert!(all.iter().all(|number| (1..100).contains(number)), "{all:?}");
    let listed = issued.token.token.number;
    assert_eq!(listed, Some(number(world, issued.token.token.id).await), "told when it is made");
    update(
        world,
        Change { description: Some(Some("other".to_owned())), ..change(TokenReference::Id(issued.token.token.id)) },
    )
    .await
    .expect("a change");
    assert_eq!(listed, Some(number(world, issued.token.token.id).await));
    let grant = world.admin::<ViewOrganization>();
    let foreign = control.numbers(&grant, vec![world.globex.created.agent_token.id]).await.expect("a read");
    assert!(foreign.is_empty(), "another organization's have none here");
    assert!(control.numbers(&grant, vec![fresh_id::<DeploymentId>(control)]).await.expect("a read").is_empty());
}

pub async fn a_number_names_a_token_of_its_kind_and_organization_only(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let known = issued.token.token.number.expect("a number");
    let view = world.admin::<ViewAgentTokens>();
    let find =
        async |number| control.find_agent_token(&view, TokenReference::Number(number)).await.map(|it| it.token.id);
    assert_eq!(find(known).await.expect("it is there"), id);
    let own = control.user_tokens(&world.admin::<ViewUserTokens>(), PageRequest::first(1)).await.expect("a list");
    let own = own.items[0].number.expect("a number");
    let default = number(world, world.acme.created.organization.default_deployment).await;
    for other in [0, -1, i64::MAX, own, default] {
        assert!(matches!(find(other).await, Err(Error::NotFound("agent token"))), "{other}");
        let revocation = Revocation {
            token: TokenReference::Number(other),
            reason: "over".to_owned(),
            connected_agents: Reach::Keep,
            expected: None,
        };
        let outcome = control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await;
        assert!(matches!(outcome, Err(Error::NotFound(_))), "{other}");
    }
    let user_token = UserTokenReference::Number;
    let found = control.user_token(&world.admin::<ViewUserTokens>(), user_token(own)).await.expect("their own");
    assert_eq!(found.number, Some(own));
    for other in [known, default, i64::MAX] {
        let outcome = control.revoke_user_token(&world.admin::<RevokeUserToken>(), user_token(other), None).await;
        assert!(matches!(outcome, Err(Error::NotFound("user token"))), "{other}");
    }
    // A series of each organization's own: the twin's admin has a token of that number, or none, and not this one.
    let grant = may::<ViewAgentTokens>(control, &world.globex.admin);
    let seen = control.find_agent_token(&grant, TokenReference::Number(known)).await;
    assert!(seen.is_ok_and(|it| it.token.id != id) || known > 4);
    let (secret, _) = another_token(control, &world.acme.admin).await;
    let by_id = TokenReference::PublicId(secret.public_id().clone());
    assert!(matches!(control.find_agent_token(&view, by_id).await, Err(Error::NotFound(_))), "a user token is none");
}

pub async fn permissions_are_given_and_taken_one_at_a_time(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let prod_number = number(world, prod).await;
    let queues = QueueScope::Only(["gpu".parse().expect("a queue")].into());
    let scope =
        Scope { queues: queues.clone(), networks: vec!["10.0.0.0/8".parse().expect("a network")], ..Scope::widest() };
    let issued = token(world, NewAgentToken { scope: Some(scope.clone()), ..NewAgentToken::default() }).await;
    let id = issued.token.token.id;
    let none = Permissions { organization: true, all_branches: false, deployments: vec![] };
    assert_eq!(permissions(world, id).await, none);
    assert!(matches!(permit(world, id, Reaching::Organization, false).await, Err(Error::Conflict(_))), "the last one");
    assert_eq!(permissions(world, id).await, none, "nothing has changed");

    let still = permit(world, id, Reaching::Deployment(prod_number), true).await.expect("given");
    assert_eq!(still, scope, "the whole organization counts, and queues and networks stay");
    assert_eq!(permissions(world, id).await.deployments, [prod_number]);
    let left = permit(world, id, Reaching::Organization, false).await.expect("taken");
    assert_eq!(left, Scope { queues: queues.clone(), networks: scope.networks.clone(), ..only(&[prod], false) });
    let both = permit(world, id, Reaching::AllBranches, true).await.expect("given");
    assert_eq!(both.deployments, only(&[prod], true).deployments);
    assert_eq!(permit(world, id, Reaching::Deployment(prod_number), true).await.expect("had"), both, "once is enough");
    permit(world, id, Reaching::Deployment(prod_number), false).await.expect("taken");
    assert!(matches!(permit(world, id, Reaching::AllBranches, false).await, Err(Error::Conflict(_))));

    // Networks that are changed by themselves leave what is granted beside; a scope as a whole does not.
    permit(world, id, Reaching::Organization, true).await.expect("given");
    update(world, Change { networks: Some(vec![]), ..change(TokenReference::Id(id)) }).await.expect("a change");
    let beside = Permissions { organization: true, all_branches: true, deployments: vec![] };
    assert_eq!(permissions(world, id).await, beside);
    update(world, Change { scope: Some(Scope::widest()), ..change(TokenReference::Id(id)) }).await.expect("a change");
    assert_eq!(permissions(world, id).await, none);
}

pub async fn a_permission_is_for_a_deployment_that_is_there(world: &World) {
    let control = &world.control;
    let gone = deployment(control, &world.acme, "gone", None).await;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let (gone_number, prod_number) = (number(world, gone).await, number(world, prod).await);
    let issued = token(world, NewAgentToken::default()).await;
    let (id, own) = (issued.token.token.id, issued.token.token.number.expect("a number"));
    for number in [gone_number, prod_number] {
        permit(world, id, Reaching::Deployment(number), true).await.expect("given");
    }
    let deletion = Deletion { deployment: gone, force: false };
    control.delete_deployment(&world.admin::<DeleteDeployment>(), deletion).await.expect("it held nothing");
    assert_eq!(permissions(world, id).await.deployments, [prod_number]);
    for other in [gone_number, own, 0, i64::MAX] {
        for is_given in [true, false] {
            let outcome = permit(world, id, Reaching::Deployment(other), is_given).await;
            assert!(matches!(outcome, Err(Error::NotFound("deployment"))), "{other}");
        }
    }
    let left = permit(world, id, Reaching::Organization, false).await.expect("taken");
    assert_eq!(left.deployments, DeploymentScope::Only { deployments: [prod].into(), all_branches: false });
    control
        .revoke_agent_token(
            &world.admin::<RevokeAgentToken>(),
            Revocation {
                token: TokenReference::Id(id),
                reason: "over".to_owned(),
                connected_agents: Reach::Keep,
                expected: None,
            },
        )
        .await
        .expect("revoked");
    assert!(matches!(permit(world, id, Reaching::Organization, true).await, Err(Error::Conflict(_))));
}
