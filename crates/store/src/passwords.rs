//! Passwords of people. Whoever changes one, or begins a sign-in by it, holds the person's turn alone.

use std::fmt;

use countersign_domain::KeyId;
use countersign_domain::id::UserId;

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// Who has this address, which is in lower case, and their password. One statement, whether there is somebody or not.
    OF_ADDRESS = "SELECT u.id, p.phc, p.key_id FROM users u JOIN passwords p ON p.user_id = u.id WHERE u.email = $1 AND NOT u.is_service";
    /// A person's password.
    FIND = "SELECT phc, key_id FROM passwords WHERE user_id = $1";
    /// The password of a person who had none, or another one.
    SET = "INSERT INTO passwords (user_id, phc, key_id, changed_at) VALUES ($1, $2, $3, $4)
              ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc, key_id = excluded.key_id, changed_at = excluded.changed_at";
    /// Takes a person's password away.
    DROP = "DELETE FROM passwords WHERE user_id = $1";
    /// The same password, hashed anew; only if it is still the one that was checked.
    HASH_AGAIN = "UPDATE passwords SET phc = $2, key_id = $3 WHERE user_id = $1 AND phc = $4";
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// A PHC string of what the key makes of it.
    pub phc: String,
    /// The key of the ring.
    pub key: KeyId,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept(key {})", self.key)
    }
}

fn kept(row: &Row) -> Result<Kept, StoreError> {
    Ok(Kept { phc: row.get("phc")?, key: row.parse("key_id")? })
}

/// The person with this address, which is in lower case, and what is kept of their password; none for those who have none.
pub async fn of_address(tx: &mut Tx, email: &str) -> Result<Option<(UserId, Kept)>, StoreError> {
    let Some(row) = tx.maybe(OF_ADDRESS, &params![email]).await? else { return Ok(None) };
    Ok(Some((row.get("id")?, kept(&row)?)))
}

/// What is kept of a person's password; none for those who have none.
pub async fn find(tx: &mut Tx, user: UserId) -> Result<Option<Kept>, StoreError> {
    tx.maybe(FIND, &params![user]).await?.as_ref().map(kept).transpose()
}

/// Gives a person a password in the place of the one that they have.
pub async fn set(tx: &mut Tx, user: UserId, new: &Kept) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(SET, &params![user, new.phc.as_str(), new.key.to_string(), now]).await.map(drop)
}

/// Takes a person's password away. False when they have none.
pub async fn drop_of(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    Ok(tx.execute(DROP, &params![user]).await? == 1)
}

/// Keeps the same password under newer parameters, or under a newer key. False when it was changed meanwhile.
pub async fn hash_again(tx: &mut Tx, user: UserId, new: &Kept, before: &Kept) -> Result<bool, StoreError> {
    let values = params![user, new.phc.as_str(), new.key.to_string(), before.phc.as_str()];
    Ok(tx.execute(HASH_AGAIN, &values).await? == 1)
}
