//! What somebody was asked and has answered: so that it is answered once.

use countersign_domain::Timestamp;
use countersign_domain::id::{ChallengeId, UserId};

use crate::{StoreError, Tx, params, statements};

statements! {
    /// What was asked has been answered; nothing happens when it was before.
    INSERT = "INSERT INTO sign_in_answers (challenge_id, user_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT (challenge_id) DO NOTHING";
    /// An answer to what could be answered until before a time.
    OLD = "SELECT a.challenge_id FROM sign_in_answers a WHERE a.expires_at < $1 LIMIT 1";
    /// Answers to what could be answered until before a time.
    DROP_OLD = "DELETE FROM sign_in_answers WHERE challenge_id IN (
                SELECT a.challenge_id FROM sign_in_answers a WHERE a.expires_at < $1 LIMIT $2)";
}

/// Notes that a person has answered what could be answered until `expires_at`. False when it has been answered before.
pub async fn insert(
    tx: &mut Tx,
    challenge: ChallengeId,
    user: UserId,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT, &params![challenge, user, expires_at]).await? == 1)
}

/// Whether there is an answer to what could be answered until before a time.
pub async fn has_old(tx: &mut Tx, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.maybe(OLD, &params![before]).await?.is_some())
}

/// Removes at most `limit` answers to what could be answered until before a time.
pub async fn drop_old(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(DROP_OLD, &params![before, limit]).await
}
