//! Moving to a newer key: copies and heads at once, digests at their next use; and what becomes of a key that is missing.

use std::time::Duration;

use countersign_control::access::actions::{EndSignIns, ReportJob};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::audit::Verdict;
use countersign_control::oidc::TokenRequest;
use countersign_control::signing_in::LIFETIME;
use countersign_control::{Control, Error};
use countersign_domain::{KeyId, KeyRing, Refusal, RevealPolicy};
use countersign_store::IntoValue;
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{caller, finish, may, next, refusal_of, running_job, token, try_caller};
use crate::audit_chain::chain;
use crate::oidc;
use crate::revealing::reveal;
use crate::signing_in::{ADA, PASSWORD, browser, by_link, cookie, link, try_cookie};
use crate::sql;

/// Adds a key to the ring; answers the one before and the new one.
fn add_key(control: &Control) -> (KeyId, KeyId) {
    let mut ring = crate::worlds::ring(&control.keys());
    let before = ring.newest().clone();
    let new = ring.add(control.now(), &SeededEntropy::new(next()));
    control.set_keys(ring);
    (before, new)
}

fn without(control: &Control, key: &KeyId) -> KeyRing {
    let mut ring = crate::worlds::ring(&control.keys());
    ring.remove(key).expect("it can go");
    ring
}

async fn needs(control: &Control, key: &KeyId) -> i64 {
    control.needed_keys().await.expect("counts").get(key).copied().unwrap_or(0)
}

/// How many rows of each sort need a key.
async fn rows_under(control: &Control, key: &KeyId) -> (i64, i64) {
    let digests = "SELECT (SELECT COUNT(*) FROM token_secrets WHERE key_id = $1) + (SELECT COUNT(*) FROM sessions WHERE key_id = $1 AND ended_at IS NULL)
        + (SELECT COUNT(*) FROM jobs WHERE token_key_id = $1 AND token_ended_at IS NULL)
        + (SELECT COUNT(*) FROM invitations WHERE key_id = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL)
        + (SELECT COUNT(*) FROM passwords WHERE key_id = $1)
        + (SELECT COUNT(*) FROM sign_ins WHERE key_id = $1 AND ended_at IS NULL) + (SELECT COUNT(*) FROM sign_in_links WHERE key_id = $1 AND used_at IS NULL) AS n";
    let others = "SELECT (SELECT COUNT(*) FROM tokens WHERE data_key_id = $1) + (SELECT COUNT(*) FROM audit_heads WHERE key_id = $1) AS n";
    let key = || vec![key.to_string().into_value()];
    (sql::value(control, digests, key(), "n").await, sql::value(control, others, key(), "n").await)
}

pub async fn copies_and_heads_move_at_once(world: &World) {
    let control = &world.control;
    let always = NewAgentToken { reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() };
    let issued = token(world, always).await;
    control.seal_audit().await.expect("sealed");
    let (old, new) = add_key(control);
    let (digests, others) = rows_under(control, &old).await;
    assert!(digests > 0 && others > 0);
    assert_eq!(needs(control, &old).await, digests + others);
    assert_eq!(control.move_to_newest_key().await, Ok(others.unsigned_abs()));
    assert_eq!(control.move_to_newest_key().await, Ok(0), "it can be run again");
    assert_eq!(rows_under(control, &old).await, (digests, 0));
    assert_eq!(rows_under(control, &new).await, (0, others));
    assert_eq!(reveal(world, issued.token.token.id).await.expect("revealed").reveal(), issued.secret.reveal());
    assert_eq!(chain(world).await.verdict, Verdict::Holds);
    control.seal_audit().await.expect("it goes on under the new key");
    assert_eq!(chain(world).await.verdict, Verdict::Holds);
}

pub async fn digests_move_at_their_next_use_and_then_the_key_can_go(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let (old, new) = add_key(control);
    let acme = world.acme.created.organization.id;
    let mine = "SELECT COUNT(*) AS n FROM token_secrets s JOIN tokens t ON t.id = s.token_id WHERE t.organization_id = $1 AND s.key_id = $2";
    let under = async |key: &KeyId| {
        let values = vec![acme.into_value(), key.to_string().into_value()];
        sql::value::<i64>(control, mine, values, "n").await
    };
    assert_eq!((under(&old).await, under(&new).await), (2, 0));
    for value in [world.acme.agent_token(), world.acme.user_token(), job.agent.session.reveal(), job.secret.reveal()] {
        caller(control, value).await;
    }
    assert_eq!(under(&old).await, 2, "not on the way of the call");
    control.flush_usage().await.expect("written");
    assert_eq!((under(&old).await, under(&new).await), (0, 2));
    let text = "SELECT (SELECT key_id FROM sessions WHERE agent_id = $1) AS session, (SELECT token_key_id FROM jobs WHERE id = $2) AS job";
    let row = &sql::rows(control, text, vec![job.agent.id.into_value(), job.id.into_value()]).await[0];
    assert_eq!((row.get::<String>("session"), row.get::<String>("job")), (Ok(new.to_string()), Ok(new.to_string())));

    // The old key is still needed by the twin; taking it away hurts nobody who has moved.
    control.set_keys(without(control, &old));
    for value in [world.acme.agent_token(), world.acme.user_token(), job.agent.session.reveal(), job.secret.reveal()] {
        caller(control, value).await;
    }
}

pub async fn a_missing_key_is_named_and_never_a_denial(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let ended = running_job(control, &world.acme).await;
    finish(control, &ended, "0").await;
    assert_eq!(control.missing_keys().await.map(|it| it.len()), Ok(0));
    let (old, _) = add_key(control);
    let full = crate::worlds::ring(&control.keys());
    let needed = needs(control, &old).await;
    control.set_keys(without(control, &old));
    let missing = control.missing_keys().await.expect("an answer");
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), [(old.clone(), needed)]);
    for value in [world.acme.agent_token(), world.acme.user_token(), job.agent.session.reveal(), job.secret.reveal()] {
        let outcome = try_caller(control, value).await;
        assert!(matches!(outcome, Err(Error::Unavailable { code: "key_ring", .. })), "{outcome:?}");
    }
    // What has ended needs its key no more: it is refused by its row.
    assert_eq!(crate::acting::refusal(control, ended.secret.reveal()).await, Refusal::Unknown);
    assert!(control.move_to_newest_key().await.is_err(), "a copy whose key is gone cannot be moved");
    assert!(matches!(reveal(world, world.acme.created.agent_token.id).await, Err(Error::Internal(_))));
    control.set_keys(full);
    assert_eq!(control.missing_keys().await.map(|it| it.len()), Ok(0));
    caller(control, job.secret.reveal()).await;
    control.start_job(&may::<ReportJob>(control, &job.caller)).await.expect("it goes on");
}

/// Of what people sign in with: what has ended, by an act or by its time, is refused by its row; what lives waits for the key.
pub async fn sign_ins_and_links_need_their_key_while_they_live(world: &World) {
    let control = &world.control;
    let (old_link, old_sign_in) = (link(world, ADA).await, by_link(world, ADA, PASSWORD).await);
    world.clock.advance(LIFETIME);
    let used_link = link(world, ADA).await;
    let gone = control.use_sign_in_link(&browser(), used_link.secret.reveal(), PASSWORD).await.expect("signed in");
    control.sign_out(&may::<EndSignIns>(control, &cookie(control, &gone).await)).await.expect("signed out");
    let (sign_in, live_link) = (by_link(world, ADA, PASSWORD).await, link(world, ADA).await);
    let (old, _) = add_key(control);
    control.set_keys(without(control, &old));
    for ended in [&old_sign_in, &gone] {
        assert_eq!(refusal_of(try_cookie(control, ended.secret.reveal(), None).await), Refusal::Unknown);
    }
    for ended in [&old_link, &used_link] {
        let outcome = control.use_sign_in_link(&browser(), ended.secret.reveal(), PASSWORD).await;
        assert_eq!(refusal_of(outcome), Refusal::Unknown);
    }
    let waits = |outcome: Option<Error>| {
        assert!(matches!(outcome, Some(Error::Unavailable { code: "key_ring", .. })), "{outcome:?}");
    };
    waits(try_cookie(control, sign_in.secret.reveal(), None).await.err());
    waits(control.use_sign_in_link(&browser(), live_link.secret.reveal(), PASSWORD).await.err());
}

pub async fn more_rows_than_a_batch_holds_move_too(world: &World) {
    let control = &world.control;
    let always = || NewAgentToken { reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() };
    let template = token(world, always()).await.token.token.id;
    // Copies of a row under other ids: what their keys wrap does not matter until they are opened.
    let copy = "INSERT INTO audit_heads (organization_id, sequence, hash, mac, key_id, sealed_at) VALUES ($1, 0, $2, $3, $4, 0)";
    for _ in 0..205 {
        let of = crate::acting::fresh_id::<countersign_domain::id::of::Organization>(control);
        let bytes =
            countersign_domain::audit::canonical(&[Some(of.as_bytes()), Some(&0_i64.to_be_bytes()), Some(&[0; 32])]);
        let (key, mac) = control.keys().mac("countersign/audit-head/v1", &bytes);
        let values = vec![of.into_value(), [0_u8; 32].into_value(), mac.into_value(), key.to_string().into_value()];
        sql::change(control, copy, values).await;
    }
    for _ in 0..201 {
        token(world, always()).await;
    }
    let (old, _) = add_key(control);
    let (_, others) = rows_under(control, &old).await;
    assert!(others > 406);
    assert_eq!(control.move_to_newest_key().await, Ok(others.unsigned_abs()));
    assert_eq!(rows_under(control, &old).await.1, 0);
    reveal(world, template).await.expect("revealed");
    sql::change(control, "DELETE FROM audit_heads WHERE sequence = 0 AND sealed_at = 0", vec![]).await;
}

pub async fn closed_windows_need_no_key(world: &World) {
    let control = &world.control;
    let copies = "SELECT COUNT(*) AS n FROM tokens WHERE data_key_id = $1";
    let (old, _) = add_key(control);
    let count = async || sql::value::<i64>(control, copies, vec![old.to_string().into_value()], "n").await;
    let before = count().await;
    world.clock.advance(Duration::from_secs(600));
    control.sweep().await.expect("a sweep");
    assert_eq!(count().await, before - 2, "the two copies that setting up has made");
}

pub async fn a_signing_key_moves_too(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let before = oidc::request(control, &job, TokenRequest::default()).await.expect("a token");
    let (old, new) = add_key(control);
    assert!(control.needed_keys().await.expect("counted").contains_key(&old));
    control.move_to_newest_key().await.expect("moved");
    let by: String = sql::value(control, "SELECT key_id FROM oidc_keys", vec![], "key_id").await;
    assert_eq!(by, new.to_string());
    let after = oidc::request(control, &job, TokenRequest::default()).await.expect("a token");
    assert_eq!(oidc::key_id(&after), oidc::key_id(&before));
    // A row whose private part was changed signs nothing, and says nothing of why to the job.
    sql::change(control, "UPDATE oidc_keys SET sealed = modulus WHERE key_id = $1", vec![new.to_string().into_value()])
        .await;
    assert!(matches!(oidc::request(control, &job, TokenRequest::default()).await, Err(Error::Internal(_))));
}
