//! Revealing a value: until its window closes, and not a moment longer.

use std::time::Duration;

use countersign_control::access::actions::{RevealAgentToken, ViewAudit};
use countersign_control::agent_tokens::{NewAgentToken, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::audit::Period;
use countersign_control::{Error, PageRequest, Result};
use countersign_domain::id::TokenId;
use countersign_domain::{RevealPolicy, TokenSecret};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::token;
use crate::sql;
use crate::tokens::revoke;

/// The value of a token, if it can be revealed.
pub async fn reveal(world: &World, id: TokenId) -> Result<TokenSecret> {
    world.control.reveal_agent_token(&world.admin::<RevealAgentToken>(), TokenReference::Id(id)).await
}

/// How many sealed copies, and keys to open them, the rows of a token hold.
pub async fn sealed_copies(world: &World, id: TokenId) -> i64 {
    let text = "SELECT (SELECT COUNT(*) FROM token_secrets WHERE token_id = $1 AND sealed IS NOT NULL)
                     + (SELECT COUNT(*) FROM tokens WHERE id = $1 AND (data_key IS NOT NULL OR data_key_id IS NOT NULL)) AS n";
    sql::value(&world.control, text, vec![id.into_value()], "n").await
}

pub async fn at_9_59_999999_and_not_at_10_00(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let end = world.control.now().plus(Duration::from_secs(600));
    world.clock.set(end.minus(Duration::from_micros(1)));
    assert_eq!(reveal(world, id).await.expect("revealed").reveal(), issued.secret.reveal());
    world.control.sweep().await.expect("a sweep");
    assert_eq!(sealed_copies(world, id).await, 2, "the window is open");
    assert_eq!(reveal(world, id).await.expect("revealed").reveal(), issued.secret.reveal());
    world.clock.set(end);
    assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))), "before the sweep has come by");
    world.control.sweep().await.expect("a sweep");
    assert_eq!(sealed_copies(world, id).await, 0, "the copy is gone from the row");
    assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))));
    // The default token was made earlier, by setting up, and has the same window.
    assert_eq!(sealed_copies(world, world.acme.created.agent_token.id).await, 0);
    assert_eq!(sealed_copies(world, world.acme.created.user_token.id).await, 0);
}

pub async fn a_sweep_says_how_many_windows_it_closed(world: &World) {
    for _ in 0..3 {
        token(world, NewAgentToken::default()).await;
    }
    assert_eq!(world.control.sweep().await.expect("a sweep").windows_closed, 0);
    world.clock.advance(Duration::from_secs(600));
    // Three, and the two that setting up has made.
    assert_eq!(world.control.sweep().await.expect("a sweep").windows_closed, 5);
    assert_eq!(world.control.sweep().await.expect("a sweep").windows_closed, 0);
}

pub async fn always_and_never(world: &World) {
    let made = |policy| token(world, NewAgentToken { reveal_policy: Some(policy), ..NewAgentToken::default() });
    let (always, never) = (made(RevealPolicy::Always).await, made(RevealPolicy::Never).await);
    assert_eq!(sealed_copies(world, never.token.token.id).await, 0, "no copy is made");
    assert!(matches!(reveal(world, never.token.token.id).await, Err(Error::Conflict(_))));
    world.clock.advance(Duration::from_secs(365 * 24 * 3600));
    world.control.sweep().await.expect("a sweep");
    let revealed = reveal(world, always.token.token.id).await.expect("revealed");
    assert_eq!(revealed.reveal(), always.secret.reveal());
}

pub async fn revoking_and_expiring_destroy_the_copy(world: &World) {
    let always = || NewAgentToken { reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() };
    let taken = token(world, always()).await.token.token.id;
    revoke(world, taken, Reach::Keep).await;
    assert_eq!(sealed_copies(world, taken).await, 0, "in the same transaction");
    assert!(matches!(reveal(world, taken).await, Err(Error::Conflict(_))));

    let at = world.control.now().plus(Duration::from_secs(60));
    let expiring = token(world, NewAgentToken { expires_at: Some(at), ..always() }).await.token.token.id;
    world.clock.set(at);
    assert!(matches!(reveal(world, expiring).await, Err(Error::Conflict(_))));
    world.control.sweep().await.expect("a sweep");
    assert_eq!(sealed_copies(world, expiring).await, 0);
}

pub async fn each_reveal_is_in_the_audit_log_and_a_refused_one_is_not(world: &World) {
    let id = token(world, NewAgentToken::default()).await.token.token.id;
    for _ in 0..3 {
        reveal(world, id).await.expect("revealed");
    }
    world.clock.advance(Duration::from_secs(600));
    for _ in 0..3 {
        assert!(reveal(world, id).await.is_err());
    }
    let page = world
        .control
        .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(100))
        .await
        .expect("a list");
    let revealed = page.items.iter().filter(|event| event.action == "agent_token.revealed").count();
    assert_eq!(revealed, 3);
}

pub async fn a_copy_opens_only_where_it_was_made(world: &World) {
    let control = &world.control;
    let always = || NewAgentToken { reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() };
    let (one, other) = (token(world, always()).await, token(world, always()).await);
    let ids = || vec![one.token.token.id.into_value(), other.token.token.id.into_value()];
    let move_copy =
        "UPDATE token_secrets SET sealed = (SELECT sealed FROM token_secrets WHERE token_id = $2) WHERE token_id = $1";
    sql::change(control, move_copy, ids()).await;
    assert!(matches!(reveal(world, one.token.token.id).await, Err(Error::Internal(_))), "a copy of another token");
    let move_key = "UPDATE tokens SET data_key = (SELECT t.data_key FROM tokens t WHERE t.id = $2) WHERE id = $1";
    sql::change(control, move_key, ids()).await;
    assert!(matches!(reveal(world, one.token.token.id).await, Err(Error::Internal(_))), "with its key too");
    assert_eq!(reveal(world, other.token.token.id).await.expect("revealed").reveal(), other.secret.reveal());
}
