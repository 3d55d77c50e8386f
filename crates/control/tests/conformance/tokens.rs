//! Creating and listing agent tokens.

use std::time::Duration;

use countersign_control::access::actions::{CreateAgentToken, RevokeAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{AgentToken, Liveness, NewAgentToken, Revocation, Revoked, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::{Control, PageRequest};
use countersign_domain::id::TokenId;
use countersign_domain::{DeploymentScope, QueueScope, RevealPolicy, Scope, Timestamp};
use countersign_testkit::World;

use crate::acting::{caller, deployment, field_of, refusal, token};

async fn list(world: &World, which: Liveness, page: PageRequest<TokenId>) -> (Vec<TokenId>, bool) {
    let page = world.control.agent_tokens(&world.admin::<ViewAgentTokens>(), which, page).await.expect("a list");
    (page.items.iter().map(|it| it.token.id).collect(), page.has_more)
}

pub async fn revoke(world: &World, id: TokenId, reach: Reach) -> Revoked {
    let revocation = Revocation {
        token: TokenReference::Id(id),
        reason: "retired".to_owned(),
        connected_agents: reach,
        expected: None,
    };
    let outcome = world.control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await;
    outcome.expect("a token is taken back")
}

async fn read(control: &Control, world: &World, id: TokenId) -> AgentToken {
    control.agent_token(&world.admin::<ViewAgentTokens>(), id).await.expect("the token is there")
}

pub async fn every_combination_is_kept_as_it_was_given(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let scope = Scope {
        deployments: DeploymentScope::Only { deployments: [prod].into(), all_branches: true },
        queues: QueueScope::Only(["linux", "mac"].map(|it| it.parse().expect("a queue")).into()),
        networks: vec!["192.0.2.0/24".parse().expect("a network"), "2001:db8::/32".parse().expect("a network")],
    };
    let expiry = control.now().plus(Duration::from_secs(3600));
    for description in [None, Some("Fleet “A” — 東京 🚀".to_owned())] {
        for expires_at in [None, Some(expiry)] {
            for policy in [None, Some(RevealPolicy::Window), Some(RevealPolicy::Always), Some(RevealPolicy::Never)] {
                for scope in [None, Some(scope.clone())] {
                    let is_public = description.is_some();
                    let new = NewAgentToken {
                        description: description.clone(),
                        is_public,
                        expires_at,
                        reveal_policy: policy,
                        scope: scope.clone(),
                    };
                    let issued = token(world, new).await;
                    let found = read(control, world, issued.token.token.id).await;
                    assert_eq!(format!("{found:?}"), format!("{:?}", issued.token), "the answer is what is kept");
                    let row = &found.token;
                    assert_eq!(
                        (&row.description, row.is_public, row.expires_at),
                        (&description, is_public, expires_at)
                    );
                    assert_eq!(row.reveal_policy, policy.unwrap_or_default(), "the organization's default is `window`");
                    assert_eq!(row.data_key.is_some(), row.reveal_policy != RevealPolicy::Never);
                    assert_eq!(row.reveal_until.is_some(), row.reveal_policy == RevealPolicy::Window);
                    assert_eq!(found.scope, scope.unwrap_or_else(Scope::widest));
                    assert_eq!(row.created_by, Some(world.acme.created.admin.id));
                    assert_eq!((row.created_at, row.revoked_at), (control.now(), None));
                    assert_eq!(row.public_id, *issued.secret.public_id());
                    assert_eq!(row.family, "AgentToken");
                    assert_eq!(row.last_used_at, None, "nobody has used it");
                    caller(control, issued.secret.reveal()).await;
                }
            }
        }
    }
}

pub async fn what_cannot_be_taken_is_named_and_makes_nothing(world: &World) {
    let control = &world.control;
    let grant = world.admin::<ViewAgentTokens>();
    let count = || control.count_agent_tokens(&grant, Liveness::Any);
    let before = count().await.expect("a count");
    let past = control.now().minus(Duration::from_micros(1));
    let described = |text: &str| NewAgentToken { description: Some(text.to_owned()), ..NewAgentToken::default() };
    let expiring = |at| NewAgentToken { expires_at: Some(at), ..NewAgentToken::default() };
    let scoped = |scope| NewAgentToken { scope: Some(scope), ..NewAgentToken::default() };
    let elsewhere = DeploymentScope::Only {
        deployments: [world.globex.created.organization.default_deployment].into(),
        all_branches: false,
    };
    let wrong = [
        ("description", described("")),
        ("description", described("   ")),
        ("description", described(&"d".repeat(10_000))),
        ("description", described("a\0b")),
        ("description", described("a\u{202E}b")),
        ("description", described("a\nb")),
        ("expiresAt", expiring(past)),
        ("expiresAt", expiring(control.now())),
        ("expiresAt", expiring(Timestamp::LATEST.plus(Duration::from_micros(1)))),
        ("expiresAt", expiring(Timestamp::from_micros(i64::MAX))),
        ("expiresAt", expiring(Timestamp::from_micros(i64::MIN))),
        ("scope", scoped(Scope { deployments: elsewhere, ..Scope::widest() })),
        ("scope", scoped(Scope { queues: QueueScope::Only([].into()), ..Scope::widest() })),
    ];
    for (field, new) in wrong {
        let outcome = control.create_agent_token(&world.admin::<CreateAgentToken>(), new).await;
        assert_eq!(field_of(outcome), field);
    }
    assert_eq!(count().await.expect("a count"), before);
    let longest = described(&"d".repeat(1_000));
    assert!(control.create_agent_token(&world.admin::<CreateAgentToken>(), longest).await.is_ok());
    assert!(control.create_agent_token(&world.admin::<CreateAgentToken>(), expiring(Timestamp::LATEST)).await.is_ok());
}

pub async fn a_list_is_newest_first_in_pages_without_gap_or_repeat(world: &World) {
    let mut made = vec![world.acme.created.agent_token.id];
    for _ in 0..11 {
        world.clock.advance(Duration::from_millis(1));
        made.push(token(world, NewAgentToken::default()).await.token.token.id);
    }
    made.reverse();
    assert_eq!(list(world, Liveness::Any, PageRequest::first(50)).await, (made.clone(), false));
    for size in [1, 5, 11, 12] {
        let mut seen = Vec::new();
        let mut page = PageRequest::first(size);
        loop {
            let (ids, has_more) = list(world, Liveness::Any, page).await;
            assert_eq!(has_more, seen.len() + ids.len() < made.len(), "pages of {size}");
            seen.extend(ids);
            if !has_more {
                break;
            }
            page.after = seen.last().copied();
        }
        assert_eq!(seen, made, "pages of {size}");
    }
    assert_eq!(list(world, Liveness::Any, PageRequest::first(0)).await, (vec![], true));
    assert_eq!(list(world, Liveness::Any, PageRequest::first(u32::MAX)).await.0.len(), made.len());
}

pub async fn a_list_can_be_of_live_or_of_revoked_ones(world: &World) {
    let live = token(world, NewAgentToken::default()).await.token.token.id;
    world.clock.advance(Duration::from_millis(1));
    let taken = token(world, NewAgentToken::default()).await.token.token.id;
    revoke(world, taken, Reach::Keep).await;
    let default = world.acme.created.agent_token.id;
    for (which, wanted) in [
        (Liveness::Any, vec![taken, live, default]),
        (Liveness::Live, vec![live, default]),
        (Liveness::Revoked, vec![taken]),
    ] {
        let (mut found, _) = list(world, which, PageRequest::first(9)).await;
        let count = world.control.count_agent_tokens(&world.admin::<ViewAgentTokens>(), which).await;
        assert_eq!(count.expect("a count"), i64::try_from(found.len()).expect("few"));
        let mut wanted = wanted;
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{which:?}");
    }
}

pub async fn an_expired_token_is_refused_from_its_moment_on(world: &World) {
    let control = &world.control;
    let at = control.now().plus(Duration::from_secs(60));
    let issued = token(world, NewAgentToken { expires_at: Some(at), ..NewAgentToken::default() }).await;
    world.clock.set(at.minus(Duration::from_micros(1)));
    caller(control, issued.secret.reveal()).await;
    assert!(read(control, world, issued.token.token.id).await.is_live(control.now()));
    world.clock.set(at);
    assert_eq!(refusal(control, issued.secret.reveal()).await, countersign_domain::Refusal::Expired);
    assert!(!read(control, world, issued.token.token.id).await.is_live(control.now()));
}
