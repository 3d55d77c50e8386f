//! Passwords of people, as PHC strings. Whoever changes one, or begins a sign-in by it, holds the person's turn alone.

use countersign_domain::id::UserId;

use crate::{StoreError, Tx, params, statements};

statements! {
    /// Who has this address, which is in lower case, and their password. One statement, whether there is somebody or not.
    OF_ADDRESS = "SELECT u.id, p.phc FROM users u JOIN passwords p ON p.user_id = u.id WHERE u.email = $1 AND NOT u.is_service";
    /// A person's password.
    FIND = "SELECT phc FROM passwords WHERE user_id = $1";
    /// The password of a person who had none, or another one.
    SET = "INSERT INTO passwords (user_id, phc, changed_at) VALUES ($1, $2, $3)
              ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc, changed_at = excluded.changed_at";
    /// The same password, hashed anew; only if it is still the one that was checked.
    HASH_AGAIN = "UPDATE passwords SET phc = $2 WHERE user_id = $1 AND phc = $3";
}

/// The person with this address, which is in lower case, and their password as it is kept; none for those who have none.
pub async fn of_address(tx: &mut Tx, email: &str) -> Result<Option<(UserId, String)>, StoreError> {
    let Some(row) = tx.maybe(OF_ADDRESS, &params![email]).await? else { return Ok(None) };
    Ok(Some((row.get("id")?, row.get("phc")?)))
}

/// A person's password as it is kept; none for those who have none.
pub async fn find(tx: &mut Tx, user: UserId) -> Result<Option<String>, StoreError> {
    tx.maybe(FIND, &params![user]).await?.map(|row| row.get("phc")).transpose()
}

/// Gives a person a password in the place of the one that they have.
pub async fn set(tx: &mut Tx, user: UserId, phc: &str) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(SET, &params![user, phc, now]).await.map(drop)
}

/// Keeps the same password under newer parameters. False when it was changed meanwhile.
pub async fn hash_again(tx: &mut Tx, user: UserId, phc: &str, before: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(HASH_AGAIN, &params![user, phc, before]).await? == 1)
}
