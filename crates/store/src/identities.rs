//! Whom a provider of sign-ins means. Whoever adds one, or begins a sign-in by it, holds the person's turn alone.

use countersign_domain::Timestamp;
use countersign_domain::id::UserId;

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// Somebody whom the provider means from now on; nothing happens when it means somebody by this subject, or this person by another one.
    INSERT = "INSERT INTO identities (issuer, subject, user_id, created_at, used_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING";
    /// Whom it means. Across organizations: nothing is known of the caller yet.
    FIND = "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2";
    /// It has vouched for them.
    USE = "UPDATE identities SET used_at = $3 WHERE issuer = $1 AND subject = $2";
    /// By what providers mean a person.
    OF_USER = "SELECT issuer, subject, created_at, used_at FROM identities WHERE user_id = $1 ORDER BY issuer";
    /// A provider means a person no more.
    REMOVE = "DELETE FROM identities WHERE user_id = $1 AND issuer = $2";
}

/// By what a provider means a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// What it calls them.
    pub subject: String,
    /// When it first vouched for them.
    pub created_at: Timestamp,
    /// When it last did.
    pub used_at: Timestamp,
}

fn identity(row: &Row) -> Result<Identity, StoreError> {
    Ok(Identity {
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        created_at: row.get("created_at")?,
        used_at: row.get("used_at")?,
    })
}

/// Notes whom a provider means by a subject. False when it means somebody by it already, or this person by another one: then nothing changes.
pub async fn insert(tx: &mut Tx, issuer: &str, subject: &str, user: UserId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(INSERT, &params![issuer, subject, user, now]).await? == 1)
}

/// Whom a provider means by a subject.
pub async fn find(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Option<UserId>, StoreError> {
    tx.maybe(FIND, &params![issuer, subject]).await?.map(|row| row.get("user_id")).transpose()
}

/// Notes that a provider has vouched for somebody.
pub async fn used(tx: &mut Tx, issuer: &str, subject: &str) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(USE, &params![issuer, subject, now]).await.map(drop)
}

/// By what providers mean a person.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Identity>, StoreError> {
    tx.all(OF_USER, &params![user]).await?.iter().map(identity).collect()
}

/// A provider means a person no more. False when it did not.
pub async fn remove(tx: &mut Tx, user: UserId, issuer: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE, &params![user, issuer]).await? == 1)
}
