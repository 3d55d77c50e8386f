//! The one row that says this database has been set up.

use uuid::Uuid;

use crate::{StoreError, Tx, params, statements};

statements! {
    /// Meets the primary key when the database has been set up already.
    INSERT = "INSERT INTO instance (id, uuid, created_at) VALUES (1, $1, $2)";
    /// The instance, if there is one.
    FIND = "SELECT uuid FROM instance WHERE id = 1";
}

/// Marks this database as set up. [`StoreError::UniqueViolation`] when it was already.
pub async fn insert(tx: &mut Tx, uuid: Uuid) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(INSERT, &params![uuid.as_bytes(), now]).await.map(drop)
}

/// Whether `init` has run here.
pub async fn exists(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(tx.maybe(FIND, &params![]).await?.is_some())
}
