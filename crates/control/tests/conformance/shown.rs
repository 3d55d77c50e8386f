//! Whoever changes something says what they saw of it. Once it is something else, nothing is done; of several who saw the same, the first does it.

use std::future::Future;

use countersign_control::access::actions::{
    RevokeAgentToken, RotateAgentToken, UpdateAgentToken, UpdateOrganization, ViewAgentTokens, ViewOrganization,
};
use countersign_control::agent_tokens::{
    AgentTokenChange, NewAgentToken, Revocation, Rotated, Rotation, TokenReference,
};
use countersign_control::agents::Reach;
use countersign_control::organizations::{OrganizationChange, digest};
use countersign_control::{Error, Result};
use countersign_domain::id::TokenId;
use countersign_domain::{Network, RevealPolicy, Scope};
use countersign_testkit::World;
use tokio::task::JoinSet;

use crate::acting::{caller, connect, running_job, token};
use crate::dagster::{beat, heartbeat, process};
use crate::deployments::conflict;

pub const CASES: &[crate::run::Case] = crate::list::cases!["shown"
    a_scope_is_replaced_only_while_it_is_what_was_seen,
    an_organization_is_changed_only_while_it_is_what_was_seen,
    of_several_rotations_of_what_was_seen_one_is_done,
    a_secret_says_who_made_it,
    of_several_revocations_of_what_was_seen_one_is_done,
    what_hangs_on_a_token_is_told_whole,
    a_token_is_revoked_only_while_what_was_seen_hangs_on_it,
];

/// Does the same several times at once; answers how often it was done, and why not otherwise.
async fn several<F: Future<Output = Result<()>> + Send + 'static>(attempt: impl Fn() -> F) -> (usize, Vec<String>) {
    let mut all = JoinSet::new();
    for _ in 0..6 {
        all.spawn(attempt());
    }
    let outcomes = all.join_all().await;
    let done = outcomes.iter().filter(|it| it.is_ok()).count();
    (done, outcomes.into_iter().filter(Result::is_err).map(conflict).collect())
}

fn from_network(text: &str) -> Scope {
    let network: Network = text.parse().expect("a network");
    Scope { networks: vec![network], ..Scope::widest() }
}

pub async fn a_scope_is_replaced_only_while_it_is_what_was_seen(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let look = async || control.agent_token(&world.admin::<ViewAgentTokens>(), id).await.expect("the token");
    let seen = look().await.scope_digest();
    let change = |scope: Scope, expected: Option<&str>| AgentTokenChange {
        scope: Some(scope),
        expected: expected.map(str::to_owned),
        ..AgentTokenChange::nothing(TokenReference::Id(id))
    };
    let grant = world.admin::<UpdateAgentToken>();
    let narrow = from_network("10.0.0.0/8");
    let changed = control.update_agent_token(&grant, change(narrow.clone(), Some(&seen))).await.expect("it is as seen");
    assert_ne!(changed.token.scope_digest(), seen);

    // Whoever saw it before would have widened it again.
    let why = conflict(control.update_agent_token(&grant, change(Scope::widest(), Some(&seen))).await);
    assert!(why.contains("has changed since"), "{why}");
    assert_eq!(look().await.scope, narrow);
    // Words are not what it reaches.
    let words = AgentTokenChange {
        description: Some(Some("other".to_owned())),
        ..AgentTokenChange::nothing(TokenReference::Id(id))
    };
    control.update_agent_token(&grant, words).await.expect("described");
    let seen = look().await.scope_digest();
    let wide = control.update_agent_token(&grant, change(Scope::widest(), Some(&seen))).await.expect("it is as seen");
    assert_eq!(wide.token.scope, Scope::widest());
    control.update_agent_token(&grant, change(narrow, None)).await.expect("who says nothing of it is not asked");

    // Of several who saw the same, each with another scope, one is heard.
    let seen = look().await.scope_digest();
    let next = std::sync::atomic::AtomicU8::new(1);
    let (done, why) = several(|| {
        let octet = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let change = change(from_network(&format!("10.{octet}.0.0/16")), Some(&seen));
        let (control, grant) = (control.clone(), world.admin::<UpdateAgentToken>());
        async move { control.update_agent_token(&grant, change).await.map(drop) }
    })
    .await;
    assert_eq!((done, why.len()), (1, 5), "{why:?}");
}

pub async fn an_organization_is_changed_only_while_it_is_what_was_seen(world: &World) {
    let control = &world.control;
    let look = async || control.organization(&world.admin::<ViewOrganization>()).await.expect("a read");
    let seen = digest(&look().await);
    let grant = world.admin::<UpdateOrganization>();
    let change = |name: &str| OrganizationChange {
        name: Some(name.to_owned()),
        expected: Some(seen.clone()),
        ..OrganizationChange::default()
    };
    let policy =
        OrganizationChange { default_reveal_policy: Some(RevealPolicy::Never), ..OrganizationChange::default() };
    control.update_organization(&grant, policy).await.expect("changed");
    let why = conflict(control.update_organization(&grant, change("Other")).await);
    assert!(why.contains("has changed since"), "{why}");
    let now = look().await;
    assert_ne!(now.name, "Other");
    let again = OrganizationChange { expected: Some(digest(&now)), ..change("Other") };
    assert_eq!(control.update_organization(&grant, again).await.expect("it is as seen").name, "Other");
}

async fn rotate(world: &World, id: TokenId, expected: Option<i64>) -> Result<Rotated> {
    let rotation = Rotation { token: TokenReference::Id(id), old_valid_until: None, expected };
    world.control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await
}

pub async fn of_several_rotations_of_what_was_seen_one_is_done(world: &World) {
    let id = token(world, NewAgentToken::default()).await.token.token.id;
    let (done, why) = several(|| {
        let (control, grant) = (world.control.clone(), world.admin::<RotateAgentToken>());
        let rotation = Rotation { token: TokenReference::Id(id), old_valid_until: None, expected: Some(1) };
        async move { control.rotate_agent_token(&grant, rotation).await.map(drop) }
    })
    .await;
    assert_eq!((done, why.len()), (1, 5), "{why:?}");
    assert!(why.iter().all(|why| why.contains("was rotated meanwhile")), "{why:?}");
    let values = async || {
        let found = world.control.agent_token_secrets(&world.admin::<ViewAgentTokens>(), id).await.expect("secrets");
        found.iter().map(|it| it.generation).collect::<Vec<_>>()
    };
    assert_eq!(values().await, [2, 1]);
    assert!(matches!(rotate(world, id, Some(3)).await, Err(Error::Conflict(_))), "nobody saw what is not there yet");
    rotate(world, id, Some(2)).await.expect("it is as seen");
    rotate(world, id, None).await.expect("who says nothing of it is not asked");
    assert_eq!(values().await, [4, 3, 2, 1]);
}

pub async fn a_secret_says_who_made_it(world: &World) {
    let id = token(world, NewAgentToken::default()).await.token.token.id;
    rotate(world, id, None).await.expect("rotated");
    let found = world.control.agent_token_secrets(&world.admin::<ViewAgentTokens>(), id).await.expect("secrets");
    let ada = Some(world.acme.created.admin.id);
    assert_eq!(found.iter().map(|it| it.made_by).collect::<Vec<_>>(), [ada, ada]);
}

pub async fn of_several_revocations_of_what_was_seen_one_is_done(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    connect(control, issued.secret.reveal(), &[]).await;
    let look =
        async || control.agent_token_situation(&world.admin::<ViewAgentTokens>(), id).await.expect("a situation");
    let before = look().await;
    assert_eq!((before.revoked_at, before.agents.len()), (None, 1));
    let revocation = |reach: Reach, expected: Option<String>| Revocation {
        token: TokenReference::Id(id),
        reason: "leaked".to_owned(),
        connected_agents: reach,
        expected,
    };
    let (done, why) = several(|| {
        let (control, grant) = (control.clone(), world.admin::<RevokeAgentToken>());
        let revocation = revocation(Reach::Keep, Some(before.digest()));
        async move { control.revoke_agent_token(&grant, revocation).await.map(drop) }
    })
    .await;
    assert_eq!((done, why.len()), (1, 5), "{why:?}");
    assert!(why.iter().all(|why| why.contains("is revoked already")), "{why:?}");
    // Whoever sees that it is revoked has its agents leave, by what they see.
    let after = look().await;
    assert_eq!((after.revoked_at, after.agents.len()), (Some(control.now()), 1));
    let grant = world.admin::<RevokeAgentToken>();
    let left = control.revoke_agent_token(&grant, revocation(Reach::Disconnect, Some(after.digest()))).await;
    assert_eq!(left.expect("it is as seen").touched.len(), 1);
    control.revoke_agent_token(&grant, revocation(Reach::Keep, None)).await.expect("who says nothing is not asked");
}

pub async fn what_hangs_on_a_token_is_told_whole(world: &World) {
    let control = &world.control;
    let grant = world.admin::<ViewAgentTokens>();
    let value = token(world, NewAgentToken::default()).await;
    let id = value.token.token.id;
    assert_eq!(control.agent_token_situation(&grant, id).await.map(|it| it.agents.len()), Ok(0));
    let one = connect(control, value.secret.reveal(), &[]).await;
    let situation = control.agent_token_situation(&grant, id).await.expect("a situation");
    assert_eq!((situation.agents.len(), situation.jobs()), (1, 0));
    assert_eq!(control.count_agent_token_agents(&grant, id).await, Ok(1));
    assert_eq!(control.agent_token_dagster_agents(&grant, id).await, Ok(Vec::new()));
    let holder = caller(control, value.secret.reveal()).await;
    beat(control, &holder, heartbeat(&process(control), &["default"])).await.expect("kept");
    let situation = control.agent_token_situation(&grant, id).await.expect("a situation");
    assert_eq!(situation.dagster_agents.len(), 1);
    let dagster = control.agent_token_dagster_agents(&grant, id).await.expect("a read");
    assert_eq!(dagster, situation.dagster_agents);
    assert_eq!(situation.agents[0].name, control.agent(&world.admin(), one.id).await.expect("it is there").name);

    running_job(control, &world.acme).await;
    let default = world.acme.created.agent_token.id;
    let busy = control.agent_token_situation(&grant, default).await.expect("a situation");
    assert_eq!((busy.agents.len(), busy.jobs()), (1, 1));
    assert_eq!(busy.hosts(), ["host"]);
    let foreign = world.globex.created.agent_token.id;
    assert_eq!(control.agent_token_situation(&grant, foreign).await.map(|it| it.agents.len()), Ok(0));
}

pub async fn a_token_is_revoked_only_while_what_was_seen_hangs_on_it(world: &World) {
    let control = &world.control;
    let value = token(world, NewAgentToken::default()).await;
    let id = value.token.token.id;
    let seen = async || {
        control.agent_token_situation(&world.admin::<ViewAgentTokens>(), id).await.expect("a situation").digest()
    };
    let revocation = |expected: String| Revocation {
        token: TokenReference::Id(id),
        reason: "retired".to_owned(),
        connected_agents: Reach::Disconnect,
        expected: Some(expected),
    };
    let nothing = seen().await;
    connect(control, value.secret.reveal(), &[]).await;
    let grant = world.admin::<RevokeAgentToken>();
    let refused = control.revoke_agent_token(&grant, revocation(nothing)).await;
    assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains("has changed since")), "{refused:?}");
    let still = control.agent_token(&world.admin::<ViewAgentTokens>(), id).await.expect("the token");
    assert_eq!(still.token.revoked_at, None, "nothing was done");
    let done = control.revoke_agent_token(&grant, revocation(seen().await)).await.expect("it is revoked");
    assert_eq!((done.token.token.revoked_at.is_some(), done.touched.len()), (true, 1));
}
