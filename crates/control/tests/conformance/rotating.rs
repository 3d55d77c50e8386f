//! Rotating an agent token: a new secret on the same token.

use std::time::Duration;

use countersign_control::access::actions::{RotateAgentToken, ViewAgentTokens, ViewAgents};
use countersign_control::agent_tokens::{NewAgentToken, Rotated, Rotation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::{Error, Result};
use countersign_domain::id::TokenId;
use countersign_domain::{Refusal, RevealPolicy, Timestamp};
use countersign_testkit::World;

use crate::acting::{caller, connect, field_of, refusal, token};
use crate::revealing::reveal;
use crate::tokens::revoke;

async fn rotate(world: &World, id: TokenId, old_valid_until: Option<Timestamp>) -> Result<Rotated> {
    let rotation = Rotation { token: TokenReference::Id(id), old_valid_until, expected: None };
    world.control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await
}

pub async fn both_values_are_good_until_the_overlap_ends(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let until = control.now().plus(Duration::from_secs(60));
    let rotated = rotate(world, issued.token.token.id, Some(until)).await.expect("rotated");
    assert_eq!((rotated.token.token.id, rotated.old_valid_until), (issued.token.token.id, until));
    assert_ne!(rotated.secret.public_id(), issued.secret.public_id(), "each secret has a public id of its own");
    assert_eq!(rotated.token.token.public_id, issued.token.token.public_id, "the token keeps the one it is listed by");
    world.clock.set(until.minus(Duration::from_micros(1)));
    caller(control, issued.secret.reveal()).await;
    caller(control, rotated.secret.reveal()).await;
    world.clock.set(until);
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Rotated);
    caller(control, rotated.secret.reveal()).await;
}

pub async fn the_overlap_is_a_day_unless_said_otherwise(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let rotated = rotate(world, issued.token.token.id, None).await.expect("rotated");
    assert_eq!(rotated.old_valid_until, control.now().plus(Duration::from_secs(24 * 60 * 60)));
}

pub async fn an_end_that_has_come_ends_old_values_at_once(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let mut values = vec![issued.secret];
    for before in [0, 1_000_000] {
        let end = control.now().minus(Duration::from_micros(before));
        values.push(rotate(world, issued.token.token.id, Some(end)).await.expect("rotated").secret);
        let (newest, old) = values.split_last().expect("some");
        caller(control, newest.reveal()).await;
        for value in old {
            assert_eq!(refusal(control, value.reveal()).await, Refusal::Rotated);
        }
    }
}

pub async fn a_shorter_overlap_is_not_made_longer_by_the_next_rotation(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let soon = control.now().plus(Duration::from_secs(10));
    let second = rotate(world, issued.token.token.id, Some(soon)).await.expect("rotated");
    rotate(world, issued.token.token.id, None).await.expect("rotated");
    world.clock.set(soon);
    assert_eq!(refusal(control, issued.secret.reveal()).await, Refusal::Rotated);
    caller(control, second.secret.reveal()).await;
}

pub async fn only_the_newest_value_can_be_revealed_and_its_window_is_its_own(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    world.clock.advance(Duration::from_secs(300));
    let rotated = rotate(world, id, None).await.expect("rotated");
    let end = control.now().plus(Duration::from_secs(600));
    world.clock.set(end.minus(Duration::from_micros(1)));
    control.sweep().await.expect("a sweep");
    assert_eq!(reveal(world, id).await.expect("revealed").reveal(), rotated.secret.reveal());
    world.clock.set(end);
    assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))));
    let never = NewAgentToken { reveal_policy: Some(RevealPolicy::Never), ..NewAgentToken::default() };
    let id = token(world, never).await.token.token.id;
    rotate(world, id, None).await.expect("rotated");
    assert!(matches!(reveal(world, id).await, Err(Error::Conflict(_))));
}

pub async fn agents_keep_their_sessions_and_their_history(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let agent = connect(control, issued.secret.reveal(), &[]).await;
    let end = Some(control.now());
    rotate(world, issued.token.token.id, end).await.expect("rotated");
    caller(control, agent.session.reveal()).await;
    let row = control.agent(&world.admin::<ViewAgents>(), agent.id).await.expect("the agent is there");
    assert_eq!(row.token, issued.token.token.id);
    let secrets = control.agent_token_secrets(&world.admin::<ViewAgentTokens>(), issued.token.token.id).await;
    let secrets = secrets.expect("the secrets are listed");
    assert_eq!(secrets.iter().map(|it| it.generation).collect::<Vec<_>>(), [2, 1]);
    assert!(secrets.iter().all(|it| it.sealed.is_none()), "no list shows a sealed copy");
    assert_eq!((secrets[0].valid_until, secrets[1].valid_until), (None, end));
    assert!(secrets[1].last_used_at.is_some() && secrets[0].last_used_at.is_none(), "who still uses which is seen");
}

pub async fn five_values_at_once_are_the_most(world: &World) {
    let id = token(world, NewAgentToken::default()).await.token.token.id;
    for _ in 0..4 {
        rotate(world, id, None).await.expect("rotated");
    }
    assert!(matches!(rotate(world, id, None).await, Err(Error::Conflict(_))));
    rotate(world, id, Some(world.control.now())).await.expect("one that ends the others is always possible");
    rotate(world, id, None).await.expect("rotated");
}

pub async fn what_has_ended_is_not_rotated(world: &World) {
    let taken = token(world, NewAgentToken::default()).await.token.token.id;
    revoke(world, taken, Reach::Keep).await;
    assert!(matches!(rotate(world, taken, None).await, Err(Error::Conflict(_))));
    let at = world.control.now().plus(Duration::from_secs(1));
    let expiring = token(world, NewAgentToken { expires_at: Some(at), ..NewAgentToken::default() }).await;
    let too_far = Timestamp::LATEST.plus(Duration::from_micros(1));
    assert_eq!(field_of(rotate(world, expiring.token.token.id, Some(too_far)).await), "oldValidUntil");
    world.clock.set(at);
    assert!(matches!(rotate(world, expiring.token.token.id, None).await, Err(Error::Conflict(_))));
}

pub async fn revoking_ends_every_value(world: &World) {
    let issued = token(world, NewAgentToken::default()).await;
    let rotated = rotate(world, issued.token.token.id, None).await.expect("rotated");
    revoke(world, issued.token.token.id, Reach::Keep).await;
    for value in [issued.secret, rotated.secret] {
        assert_eq!(refusal(&world.control, value.reveal()).await, Refusal::Revoked);
    }
}
