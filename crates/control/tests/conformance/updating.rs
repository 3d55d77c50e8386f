//! Changing an agent token.

use std::time::Duration;

use countersign_control::access::actions::{RotateAgentToken, UpdateAgentToken, ViewAudit};
pub use countersign_control::agent_tokens::AgentTokenChange as Change;
use countersign_control::agent_tokens::{Changed, NewAgentToken, Rotation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::audit::Period;
use countersign_control::{Error, PageRequest, Result};
use countersign_domain::{QueueScope, Refusal, RevealPolicy, Scope};
use countersign_testkit::World;
use serde_json::{Value, json};

use crate::acting::{caller, connect, field_of, refusal, token};
use crate::revealing::{reveal, sealed_copies};
use crate::tokens::revoke;

pub const CASES: &[crate::run::Case] = crate::list::cases!["updating"
    what_is_absent_stays_and_null_takes_away,
    what_cannot_be_taken_changes_nothing,
    a_revoked_token_stays_as_it_is,
    a_tighter_policy_destroys_the_value_and_a_wider_one_never_brings_it_back,
    no_window_opens_where_no_value_is,
    a_policy_can_be_widened_while_the_value_is_there,
    a_window_that_has_passed_is_not_opened_again,
    a_change_of_words_leaves_the_window_of_a_rotated_value_open,
    an_expiry_that_comes_closer_is_kept,
    the_audit_log_says_what_is_different,
];

/// A change that changes nothing yet.
pub fn change(token: TokenReference) -> Change {
    Change::nothing(token)
}

pub async fn update(world: &World, change: Change) -> Result<Changed> {
    world.control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await
}

pub async fn what_is_absent_stays_and_null_takes_away(world: &World) {
    let at = world.control.now().plus(Duration::from_secs(60));
    let queues = QueueScope::Only(["linux".parse().expect("a queue")].into());
    let scope = Scope { queues, ..Scope::widest() };
    let new = NewAgentToken {
        description: Some("first".to_owned()),
        is_public: true,
        expires_at: Some(at),
        reveal_policy: Some(RevealPolicy::Always),
        scope: Some(scope.clone()),
    };
    let issued = token(world, new).await;
    let id = || TokenReference::Id(issued.token.token.id);

    let same = update(world, change(id())).await.expect("an empty change").token;
    assert_eq!((same.token.description.as_deref(), same.token.expires_at), (Some("first"), Some(at)));
    assert_eq!((same.token.is_public, same.token.reveal_policy, &same.scope), (true, RevealPolicy::Always, &scope));
    let one = update(world, Change { description: Some(None), ..change(id()) }).await.expect("a change").token;
    assert_eq!((one.token.description, one.token.expires_at, one.scope), (None, Some(at), scope.clone()));
    let one = update(world, Change { expires_at: Some(None), is_public: Some(false), ..change(id()) }).await;
    let one = one.expect("a change").token;
    assert_eq!((one.token.expires_at, one.token.is_public, &one.scope), (None, false, &scope));
    let text = Some(Some("second".to_owned()));
    let one = update(world, Change { description: text, scope: Some(Scope::widest()), ..change(id()) }).await;
    let one = one.expect("a change").token;
    assert_eq!((one.token.description.as_deref(), one.scope), (Some("second"), Scope::widest()));
    caller(&world.control, issued.secret.reveal()).await;
}

pub async fn what_cannot_be_taken_changes_nothing(world: &World) {
    let id = world.acme.created.agent_token.id;
    let of = || change(TokenReference::Id(id));
    let now = world.control.now();
    let no_queue = Scope { queues: QueueScope::Only([].into()), ..Scope::widest() };
    for (field, wrong) in [
        ("description", Change { description: Some(Some(String::new())), ..of() }),
        ("description", Change { description: Some(Some("a\u{2066}b".to_owned())), ..of() }),
        ("expiresAt", Change { expires_at: Some(Some(now)), ..of() }),
        ("scope", Change { description: Some(None), scope: Some(no_queue), ..of() }),
    ] {
        assert_eq!(field_of(update(world, wrong).await), field);
    }
    let same = update(world, of()).await.expect("an empty change").token;
    assert_eq!(same.token.description.as_deref(), Some("Default agent registration token"));
}

pub async fn a_revoked_token_stays_as_it_is(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    revoke(world, issued.token.token.id, Reach::Keep).await;
    let again = Change { expires_at: Some(None), ..change(TokenReference::Id(issued.token.token.id)) };
    assert!(matches!(update(world, again).await, Err(Error::Conflict(_))));
    assert_eq!(refusal(&world.control, issued.secret.reveal()).await, Refusal::Revoked);
}

pub async fn a_tighter_policy_destroys_the_value_and_a_wider_one_never_brings_it_back(world: &World) {
    for (from, later) in [(RevealPolicy::Always, Duration::from_secs(600)), (RevealPolicy::Window, Duration::ZERO)] {
        let issued = token(world, NewAgentToken { reveal_policy: Some(from), ..NewAgentToken::default() }).await;
        let id = issued.token.token.id;
        let to = |policy| Change { reveal_policy: Some(policy), ..change(TokenReference::Id(id)) };
        world.clock.advance(later);
        // After ten minutes the window has passed, even for a value that could have been revealed until now.
        let tighter = if later.is_zero() { RevealPolicy::Never } else { RevealPolicy::Window };
        update(world, to(tighter)).await.expect("a change");
        assert_eq!(sealed_copies(world, id).await, 0, "{from} to {tighter}: the copy is gone from the row");
        assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))));
        update(world, to(RevealPolicy::Always)).await.expect("a change");
        assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))), "what was destroyed stays so");
        caller(&world.control, issued.secret.reveal()).await;
    }
}

pub async fn no_window_opens_where_no_value_is(world: &World) {
    let never = NewAgentToken { reveal_policy: Some(RevealPolicy::Never), ..NewAgentToken::default() };
    let id = token(world, never).await.token.token.id;
    let window = Change { reveal_policy: Some(RevealPolicy::Window), ..change(TokenReference::Id(id)) };
    let now = update(world, window).await.expect("a change").token.token;
    assert_eq!((now.reveal_policy, now.reveal_until), (RevealPolicy::Window, None), "nothing can be revealed");
}

pub async fn a_policy_can_be_widened_while_the_value_is_there(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let always = Change { reveal_policy: Some(RevealPolicy::Always), ..change(TokenReference::Id(id)) };
    update(world, always).await.expect("a change");
    world.clock.advance(Duration::from_secs(3600));
    world.control.sweep().await.expect("a sweep");
    assert_eq!(reveal(world, id).await.expect("revealed").reveal(), issued.secret.reveal());
}

pub async fn a_window_that_has_passed_is_not_opened_again(world: &World) {
    for by in [RevealPolicy::Always, RevealPolicy::Window] {
        let id = token(world, NewAgentToken::default()).await.token.token.id;
        world.clock.advance(Duration::from_secs(600));
        // The sweep has not come by yet: the copy is still there.
        assert_eq!(sealed_copies(world, id).await, 2);
        update(world, Change { reveal_policy: Some(by), ..change(TokenReference::Id(id)) }).await.expect("a change");
        assert_eq!(sealed_copies(world, id).await, 0, "{by}");
        assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))));
    }
    let at = world.control.now().plus(Duration::from_secs(5));
    let always =
        NewAgentToken { reveal_policy: Some(RevealPolicy::Always), expires_at: Some(at), ..NewAgentToken::default() };
    let id = token(world, always).await.token.token.id;
    world.clock.set(at);
    update(world, Change { expires_at: Some(None), ..change(TokenReference::Id(id)) }).await.expect("a change");
    assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))), "nor by a token that lives again");
}

pub async fn a_change_of_words_leaves_the_window_of_a_rotated_value_open(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    world.clock.advance(Duration::from_secs(3600));
    let rotation = Rotation { token: TokenReference::Id(id), old_valid_until: None, expected: None };
    let rotated = world.control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await;
    let rotated = rotated.expect("a token is rotated");
    let text = Some(Some("another word".to_owned()));
    update(world, Change { description: text, ..change(TokenReference::Id(id)) }).await.expect("a change");
    world.clock.advance(Duration::from_secs(599));
    assert_eq!(reveal(world, id).await.expect("revealed").reveal(), rotated.secret.reveal());
    // The same policy said anew counts from the newest value, not from the first.
    let same = Change { reveal_policy: Some(RevealPolicy::Window), ..change(TokenReference::Id(id)) };
    update(world, same).await.expect("a change");
    assert_eq!(reveal(world, id).await.expect("revealed").reveal(), rotated.secret.reveal());
    world.clock.advance(Duration::from_secs(1));
    assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))));
}

pub async fn an_expiry_that_comes_closer_is_kept(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let at = world.control.now().plus(Duration::from_secs(5));
    update(world, Change { expires_at: Some(Some(at)), ..change(TokenReference::Id(id)) }).await.expect("a change");
    world.clock.set(at);
    assert_eq!(refusal(&world.control, issued.secret.reveal()).await, Refusal::Expired);
    world.control.sweep().await.expect("a sweep");
    assert_eq!(sealed_copies(world, id).await, 0, "an expired token keeps no copy");
}

pub async fn the_audit_log_says_what_is_different(world: &World) {
    let day = Duration::from_secs(24 * 3600);
    let issued = token(world, NewAgentToken { description: Some("old".to_owned()), ..NewAgentToken::default() }).await;
    let id = issued.token.token.id;
    let of = || change(TokenReference::Id(id));
    connect(&world.control, issued.secret.reveal(), &["queue=mac"]).await;
    let rows = async || {
        let grant = world.admin::<ViewAudit>();
        let page = world.control.audit_events(&grant, Period::default(), PageRequest::first(100)).await;
        let mine = page.expect("a log").items.into_iter().filter(|row| row.action == "agent_token.updated");
        mine.map(|row| serde_json::from_str::<Value>(&row.detail).expect("JSON")).collect::<Vec<_>>()
    };
    let at = world.control.now().plus(day);
    let linux = Scope { queues: QueueScope::Only(["linux".parse().expect("a queue")].into()), ..Scope::widest() };
    let everything = json!({ "deployments": "every", "queues": "any", "networks": ["0.0.0.0/0", "::/0"] });
    let on_linux = json!({ "deployments": "every", "queues": ["linux"], "networks": ["0.0.0.0/0", "::/0"] });
    let office = Scope { networks: vec!["10.0.0.0/8".parse().expect("a network")], ..Scope::widest() };
    let in_office = json!({ "deployments": "every", "queues": "any", "networks": ["10.0.0.0/8"] });
    let steps = [
        (of(), None),
        (
            Change { description: Some(Some("new".to_owned())), ..of() },
            Some(json!({ "description": { "from": "old", "to": "new" } })),
        ),
        (Change { description: Some(Some("new".to_owned())), ..of() }, None),
        (Change { is_public: Some(true), ..of() }, Some(json!({ "public": true }))),
        (Change { is_public: Some(true), ..of() }, None),
        (Change { expires_at: Some(Some(at)), ..of() }, Some(json!({ "expires_at": at.to_string() }))),
        (Change { expires_at: Some(Some(at)), ..of() }, None),
        (Change { expires_at: Some(None), ..of() }, Some(json!({ "expires_at": null }))),
        (Change { reveal_policy: Some(RevealPolicy::Always), ..of() }, Some(json!({ "reveal_policy": "always" }))),
        (Change { reveal_policy: Some(RevealPolicy::Always), ..of() }, None),
        (Change { scope: Some(Scope::widest()), ..of() }, None),
        (
            Change { networks: Some(office.networks.clone()), ..of() },
            Some(json!({ "scope": in_office, "connected_agents": "KEEP", "agents_touched": 0 })),
        ),
        (Change { networks: Some(office.networks), ..of() }, None),
        (
            Change { scope: Some(linux.clone()), ..of() },
            Some(json!({ "scope": on_linux, "connected_agents": "KEEP", "agents_touched": 0 })),
        ),
        // The scope is the same, and its agent that was kept is not any more.
        (
            Change { scope: Some(linux.clone()), connected_agents: Reach::Disconnect, ..of() },
            Some(json!({ "scope": on_linux, "connected_agents": "DISCONNECT", "agents_touched": 1 })),
        ),
        (Change { scope: Some(linux), connected_agents: Reach::Disconnect, ..of() }, None),
        (
            Change { scope: Some(Scope::widest()), is_public: Some(false), ..of() },
            Some(json!({ "public": false, "scope": everything, "connected_agents": "KEEP", "agents_touched": 0 })),
        ),
    ];
    let mut expected = Vec::new();
    for (number, (change, detail)) in steps.into_iter().enumerate() {
        // Ids tell the millisecond, and the newest comes first.
        world.clock.advance(Duration::from_millis(1));
        update(world, change).await.expect("a change");
        if let Some(detail) = detail {
            expected.insert(0, detail);
        }
        assert_eq!(rows().await, expected, "after step {number}");
    }
}
