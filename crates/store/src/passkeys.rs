//! Passkeys of people. Whoever adds or removes one, or begins a sign-in by it, holds the person's turn alone.

use countersign_domain::Timestamp;
use countersign_domain::id::{PasskeyId, UserId};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// A new passkey; nothing happens when there is one that its authenticator calls the same, whosever it is.
    INSERT = "INSERT INTO passkeys (id, user_id, credential_id, kept, name, created_at) VALUES ($1, $2, $3, $4, $5, $6)
              ON CONFLICT (credential_id) DO NOTHING";
    /// A person's passkeys, newest first.
    OF_USER = "SELECT p.id, p.user_id, p.credential_id, p.kept, p.name, p.created_at, p.used_at FROM passkeys p
              WHERE p.user_id = $1 ORDER BY p.id DESC";
    /// The passkey that an authenticator calls so. Across organizations: nothing is known of the caller yet.
    OF_CREDENTIAL = "SELECT p.id, p.user_id, p.credential_id, p.kept, p.name, p.created_at, p.used_at FROM passkeys p
              WHERE p.credential_id = $1";
    /// One passkey of a person.
    FIND = "SELECT p.id, p.user_id, p.credential_id, p.kept, p.name, p.created_at, p.used_at FROM passkeys p
              WHERE p.id = $1 AND p.user_id = $2";
    /// It was shown; only if it is still what it was checked against.
    USE = "UPDATE passkeys SET kept = $3, used_at = $4 WHERE id = $1 AND kept = $2";
    /// Calls it something else.
    RENAME = "UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2";
    /// Takes it away.
    REMOVE = "DELETE FROM passkeys WHERE id = $1 AND user_id = $2";
}

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// Whose it is.
    pub user: UserId,
    /// What its authenticator calls it.
    pub credential: Vec<u8>,
    /// What is checked against: JSON. Nothing of it is secret.
    pub kept: String,
    /// What its person calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last shown.
    pub used_at: Option<Timestamp>,
}

fn passkey(row: &Row) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.get("id")?,
        user: row.get("user_id")?,
        credential: row.get("credential_id")?,
        kept: row.get("kept")?,
        name: row.get("name")?,
        created_at: row.get("created_at")?,
        used_at: row.get("used_at")?,
    })
}

/// Adds a passkey. False when there is one that its authenticator calls the same: then nothing changes.
pub async fn insert(tx: &mut Tx, new: &Passkey) -> Result<bool, StoreError> {
    let values =
        params![new.id, new.user, new.credential.as_slice(), new.kept.as_str(), new.name.as_str(), new.created_at,];
    Ok(tx.execute(INSERT, &values).await? == 1)
}

/// A person's passkeys, newest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Passkey>, StoreError> {
    tx.all(OF_USER, &params![user]).await?.iter().map(passkey).collect()
}

/// The passkey that an authenticator calls so. Across organizations: nothing is known of the caller yet.
pub async fn of_credential(tx: &mut Tx, credential: &[u8]) -> Result<Option<Passkey>, StoreError> {
    tx.maybe(OF_CREDENTIAL, &params![credential]).await?.as_ref().map(passkey).transpose()
}

/// One passkey of a person.
pub async fn find(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<Option<Passkey>, StoreError> {
    tx.maybe(FIND, &params![id, user]).await?.as_ref().map(passkey).transpose()
}

/// Notes that a passkey was shown, and what is to be checked against from now on. False when it has been taken away, or is no longer what it
/// was checked against.
pub async fn used(tx: &mut Tx, id: PasskeyId, before: &str, after: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(USE, &params![id, before, after, now]).await? == 1)
}

/// Calls a passkey of a person something else. False when it is not theirs.
pub async fn rename(tx: &mut Tx, user: UserId, id: PasskeyId, name: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(RENAME, &params![id, user, name]).await? == 1)
}

/// Takes a passkey of a person away. False when it is not theirs.
pub async fn remove(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE, &params![id, user]).await? == 1)
}
