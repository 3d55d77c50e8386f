//! Agent tokens that the Admin of a deployment manages: those that reach nothing else, and no way to others.

use std::collections::BTreeSet;

use countersign_control::access::actions::{
    CreateAgentToken, RevealAgentToken, RevokeAgentToken, RotateAgentToken, UpdateAgentToken, ViewAgentTokens,
};
use countersign_control::agent_tokens::{
    AgentTokenChange, Liveness, NewAgentToken, Permission, Question, Reaching, Revocation, Rotation, Search, Selection,
    TokenReference,
};
use countersign_control::agents::Reach;
use countersign_control::deployment_roles::{Held, Place};
use countersign_control::{Caller, Control, Error, PageRequest, Result};
use countersign_domain::id::{DeploymentId, TokenId};
use countersign_domain::{DeploymentRole, DeploymentScope, QueueScope, RevealPolicy, Scope};
use countersign_testkit::World;

use crate::acting::{caller, deployment, may, token};
use crate::deployment_roles::{ROLES, everybody_is, member_with};
use crate::dump::Dump;

pub const CASES: &[crate::run::Case] = crate::list::cases!["managed_tokens"
    what_reaches_one_deployment_alone_is_its_admins,
    a_broader_token_is_as_if_it_were_not_there,
    no_change_lets_a_token_reach_more,
    an_admin_without_agent_tokens_has_none,
    a_value_that_was_told_never_reaches_more,
];

/// A scope of these deployments.
pub fn only(deployments: &[DeploymentId], all_branches: bool) -> Scope {
    let deployments = deployments.iter().copied().collect();
    Scope { deployments: DeploymentScope::Only { deployments, all_branches }, ..Scope::widest() }
}

fn new(scope: Scope) -> NewAgentToken {
    NewAgentToken { scope: Some(scope), reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() }
}

async fn create(control: &Control, by: &Caller, scope: Scope) -> Result<TokenId> {
    let issued = control.create_agent_token(&control.grant_own::<CreateAgentToken>(by)?, new(scope)).await?;
    Ok(issued.token.token.id)
}

async fn listed(control: &Control, by: &Caller) -> BTreeSet<TokenId> {
    let grant = may::<ViewAgentTokens>(control, by);
    let page = control.agent_tokens(&grant, Liveness::Any, PageRequest::first(100)).await.expect("a list");
    let counted = control.count_agent_tokens(&grant, Liveness::Any).await.expect("a count");
    assert_eq!(Ok(counted), i64::try_from(page.items.len()));
    let ids: BTreeSet<_> = page.items.into_iter().map(|it| it.token.id).collect();
    let search = Search { selection: Selection::All, text: None };
    let found = control.search_agent_tokens(&grant, search, PageRequest::first(100)).await.expect("a search");
    assert_eq!(found.items.iter().map(|it| it.token.token.id).collect::<BTreeSet<_>>(), ids, "what is searched");
    ids
}

/// Two deployments, a branch deployment, and whoever manages the agent tokens of the first and of all branch deployments.
struct Scene {
    prod: DeploymentId,
    other: DeploymentId,
    pull: DeploymentId,
    of_prod: Caller,
    of_branches: Caller,
}

async fn scene(world: &World) -> Scene {
    everybody_is(world, DeploymentRole::Viewer).await;
    let prod = deployment(&world.control, &world.acme, "prod", None).await;
    let other = deployment(&world.control, &world.acme, "other", None).await;
    let pull = deployment(&world.control, &world.acme, "pull-1", Some(prod)).await;
    let of_prod = member_with(world, Place::Deployment(prod), ROLES[4]).await;
    let of_branches = member_with(world, Place::AllBranches, ROLES[4]).await;
    Scene { prod, other, pull, of_prod, of_branches }
}

pub async fn what_reaches_one_deployment_alone_is_its_admins(world: &World) {
    let control = &world.control;
    let Scene { prod, pull, of_prod, of_branches, .. } = scene(world).await;
    let id = create(control, &of_prod, only(&[prod], false)).await.expect("made");
    let branches = create(control, &of_branches, only(&[pull], true)).await.expect("made");
    assert_eq!(listed(control, &of_prod).await, [id].into());
    assert_eq!(listed(control, &of_branches).await, [branches].into());
    let grant = may::<ViewAgentTokens>(control, &of_prod);
    control.agent_token(&grant, id).await.expect("seen");
    control.agent_token_secrets(&grant, id).await.expect("seen");
    control.agent_token_permissions(&grant, id).await.expect("seen");
    control.agent_token_refusals(&grant, id).await.expect("seen");
    assert_eq!(control.count_agent_token_agents(&grant, id).await, Ok(0));
    let named = || TokenReference::Id(id);
    let value = control.reveal_agent_token(&may::<RevealAgentToken>(control, &of_prod), named()).await;
    caller(control, value.expect("revealed").reveal()).await;
    let change = AgentTokenChange {
        description: Some(Some("d".to_owned())),
        scope: Some(Scope {
            queues: QueueScope::Only(["linux".parse().expect("a queue")].into()),
            ..only(&[prod], false)
        }),
        ..AgentTokenChange::nothing(named())
    };
    control.update_agent_token(&may::<UpdateAgentToken>(control, &of_prod), change).await.expect("changed");
    let rotation = Rotation { token: named(), old_valid_until: None, expected: None };
    control.rotate_agent_token(&may::<RotateAgentToken>(control, &of_prod), rotation).await.expect("rotated");
    let grant = may::<RevokeAgentToken>(control, &of_prod);
    control.revoke_agent_token(&grant, revocation(named())).await.expect("revoked");
    // The list of a cluster is that of its tokens.
    let grant = may::<CreateAgentToken>(control, &of_prod);
    let made = control.create_cluster_token(&grant, prod, NewAgentToken::default()).await.expect("made").token.token.id;
    let grant = may::<ViewAgentTokens>(control, &of_prod);
    let page = control.cluster_tokens(&grant, prod, PageRequest::first(9)).await.expect("a list");
    assert_eq!(page.items.iter().map(|it| it.token.id).collect::<Vec<_>>(), [made]);
    assert_eq!(control.count_cluster_tokens(&grant, prod).await, Ok(1));
}

fn revocation(token: TokenReference) -> Revocation {
    Revocation { token, reason: "over".to_owned(), connected_agents: Reach::Keep, expected: None }
}

pub async fn a_broader_token_is_as_if_it_were_not_there(world: &World) {
    let control = &world.control;
    let Scene { prod, other, pull, of_prod, of_branches } = scene(world).await;
    let missing = Some(Error::NotFound("agent token"));
    for (who, scope) in [
        (&of_prod, Scope::widest()),
        (&of_prod, only(&[other], false)),
        (&of_prod, only(&[prod, other], false)),
        (&of_prod, only(&[prod], true)),
        (&of_prod, only(&[pull], false)),
        (&of_branches, only(&[prod], true)),
        (&of_branches, only(&[prod], false)),
    ] {
        let what = format!("{scope:?}");
        let issued = token(world, new(scope.clone())).await;
        let id = issued.token.token.id;
        assert!(matches!(create(control, who, scope).await, Err(Error::Denied { .. })), "{what}");
        assert!(!listed(control, who).await.contains(&id), "{what}");
        // Reading refusals writes what has gathered of use.
        control.flush_usage().await.expect("written");
        let before = Dump::whole(control).await;
        let view = may::<ViewAgentTokens>(control, who);
        assert_eq!(control.agent_token(&view, id).await.err(), missing, "{what}");
        assert_eq!(control.agent_token_secrets(&view, id).await.err(), missing, "{what}");
        assert_eq!(control.agent_token_permissions(&view, id).await.err(), missing, "{what}");
        assert_eq!(control.agent_token_agents(&view, id, PageRequest::first(9)).await.err(), missing, "{what}");
        assert_eq!(control.count_agent_token_agents(&view, id).await.err(), missing, "{what}");
        assert_eq!(control.agent_token_refusals(&view, id).await.err(), missing, "{what}");
        let values = [
            TokenReference::Id(id),
            TokenReference::Number(issued.token.token.number.expect("a number")),
            TokenReference::PublicId(issued.token.token.public_id.clone()),
            TokenReference::Value(issued.secret.clone()),
        ];
        for named in values {
            assert_eq!(control.find_agent_token(&view, named.clone()).await.err(), missing, "{what}");
            let question = Question::read(named.clone(), None, None, None).expect("a question");
            assert_eq!(control.explain_agent_token(&view, question).await.err(), missing, "{what}");
            let grant = may::<RevealAgentToken>(control, who);
            assert_eq!(control.reveal_agent_token(&grant, named.clone()).await.err(), missing, "{what}");
            let grant = may::<RotateAgentToken>(control, who);
            let rotation = Rotation { token: named.clone(), old_valid_until: None, expected: None };
            assert_eq!(control.rotate_agent_token(&grant, rotation).await.err(), missing, "{what}");
            let grant = may::<UpdateAgentToken>(control, who);
            // Narrowing it to what is one's own is no way either.
            let change =
                AgentTokenChange { scope: Some(only(&[prod], false)), ..AgentTokenChange::nothing(named.clone()) };
            assert_eq!(control.update_agent_token(&grant, change).await.err(), missing, "{what}");
            let grant = may::<RevokeAgentToken>(control, who);
            assert_eq!(control.revoke_agent_token(&grant, revocation(named)).await.err(), missing, "{what}");
        }
        assert_eq!(before.changes(&Dump::whole(control).await, &[]), [""; 0], "{what}");
    }
}

pub async fn no_change_lets_a_token_reach_more(world: &World) {
    let control = &world.control;
    let Scene { prod, other, of_prod, .. } = scene(world).await;
    let id = create(control, &of_prod, only(&[prod], false)).await.expect("made");
    let numbers = control.numbers(&world.admin(), vec![other]).await.expect("a read");
    let grant = || may::<UpdateAgentToken>(control, &of_prod);
    let nothing = || AgentTokenChange::nothing(TokenReference::Id(id));
    let before = Dump::whole(control).await;
    for scope in [Scope::widest(), only(&[prod, other], false), only(&[prod], true), only(&[other], false)] {
        let outcome = control.update_agent_token(&grant(), AgentTokenChange { scope: Some(scope), ..nothing() }).await;
        assert!(matches!(outcome, Err(Error::Denied { .. })), "{outcome:?}");
    }
    for reaching in [Reaching::Organization, Reaching::AllBranches, Reaching::Deployment(numbers[&other])] {
        let permission = Some(Permission { reaching, is_given: true });
        let outcome = control.update_agent_token(&grant(), AgentTokenChange { permission, ..nothing() }).await;
        assert!(matches!(outcome, Err(Error::Denied { .. })), "{reaching:?}: {outcome:?}");
    }
    assert_eq!(before.changes(&Dump::whole(control).await, &[]), [""; 0]);
    // Once an Organization Admin lets it reach more, with another value, it is not theirs any more.
    rotated(world, &world.acme.admin, id).await;
    let change = AgentTokenChange { scope: Some(Scope::widest()), ..nothing() };
    control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("changed");
    assert!(listed(control, &of_prod).await.is_empty());
    let grant = may::<RevealAgentToken>(control, &of_prod);
    let revealed = control.reveal_agent_token(&grant, TokenReference::Id(id)).await;
    assert_eq!(revealed.err(), Some(Error::NotFound("agent token")));
}

pub async fn an_admin_without_agent_tokens_has_none(world: &World) {
    let control = &world.control;
    let Scene { prod, .. } = scene(world).await;
    for held in [Held::plain(DeploymentRole::Admin), ROLES[0]] {
        let who = member_with(world, Place::Deployment(prod), held).await;
        assert!(control.grant_own::<ViewAgentTokens>(&who).is_err(), "{held:?}");
        assert!(create(control, &who, only(&[prod], false)).await.is_err(), "{held:?}");
    }
}

/// Rotates a token; the old values end at once.
async fn rotated(world: &World, by: &Caller, id: TokenId) {
    let rotation =
        Rotation { token: TokenReference::Id(id), old_valid_until: Some(world.control.now()), expected: None };
    world.control.rotate_agent_token(&may::<RotateAgentToken>(&world.control, by), rotation).await.expect("rotated");
}

pub async fn a_value_that_was_told_never_reaches_more(world: &World) {
    let control = &world.control;
    let Scene { prod, other, pull, of_prod, .. } = scene(world).await;
    let numbers = control.numbers(&world.admin(), vec![other]).await.expect("a read");
    let nothing = |id| AgentTokenChange::nothing(TokenReference::Id(id));
    let wider = |id| {
        let scopes = [Scope::widest(), only(&[prod, other], false), only(&[prod], true), only(&[pull], false)];
        let scopes = scopes.map(|scope| AgentTokenChange { scope: Some(scope), ..nothing(id) });
        let permissions = [Reaching::Organization, Reaching::AllBranches, Reaching::Deployment(numbers[&other])];
        let permissions = permissions.map(|reaching| AgentTokenChange {
            permission: Some(Permission { reaching, is_given: true }),
            ..nothing(id)
        });
        scopes.into_iter().chain(permissions)
    };
    let refused = async |id, how: &str| {
        for change in wider(id) {
            let outcome = control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await;
            assert!(matches!(outcome, Err(Error::Conflict(_))), "{how}: {outcome:?}");
        }
    };
    let told = create(control, &of_prod, only(&[prod], false)).await.expect("made");
    refused(told, "created").await;
    rotated(world, &of_prod, told).await;
    refused(told, "rotated").await;
    // Whoever keeps the old value valid has not ended it.
    let rotation = Rotation { token: TokenReference::Id(told), old_valid_until: None, expected: None };
    control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await.expect("rotated");
    refused(told, "in the overlap").await;
    let named = || TokenReference::Id(told);
    control.reveal_agent_token(&may::<RevealAgentToken>(control, &of_prod), named()).await.expect("revealed");
    world.clock.advance(std::time::Duration::from_secs(48 * 60 * 60));
    refused(told, "revealed").await;
    // What is no more than before stays possible.
    let narrow = Scope { queues: QueueScope::Only(["linux".parse().expect("a queue")].into()), ..only(&[prod], false) };
    let change = AgentTokenChange { scope: Some(narrow), ..nothing(told) };
    control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("no wider");
    rotated(world, &world.acme.admin, told).await;
    let change = AgentTokenChange { scope: Some(Scope::widest()), ..nothing(told) };
    control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("wider");
    // Nobody else knows what an Organization Admin has made and looked at.
    for change in wider(create(control, &world.acme.admin, only(&[prod], false)).await.expect("made")) {
        let TokenReference::Id(id) = change.token else { panic!("named by its id") };
        control.reveal_agent_token(&world.admin::<RevealAgentToken>(), TokenReference::Id(id)).await.expect("revealed");
        control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("wider");
    }
}
