//! Bytes that no row names any more and that are still to be removed from the store.
//!
//! A removal is written with the change that gives the bytes up; they go after its commit, never before. So a crash in between leaves
//! nothing that anybody can see, and the next round removes it.

use std::time::Duration;

use countersign_domain::id::{ArtifactId, BuildId, OrganizationId};

use crate::{StoreError, Tx, params, statements};

use super::BlobName;

statements! {
    /// Bytes are to be removed.
    INSERT = "INSERT INTO blob_removals (artifact_id, organization_id, build_id, due_at, failures) VALUES ($1, $2, $3, $4, 0)
              ON CONFLICT (artifact_id) DO NOTHING";
    /// Those whose turn it is.
    DUE = "SELECT artifact_id, organization_id, build_id FROM blob_removals WHERE due_at <= $1 ORDER BY due_at, artifact_id LIMIT $2";
    /// They are gone.
    DONE = "DELETE FROM blob_removals WHERE artifact_id = $1";
    /// They could not be removed; it is tried again.
    PUT_OFF = "UPDATE blob_removals SET due_at = $2, failures = failures + 1 WHERE artifact_id = $1";
}

/// Bytes that are to be removed.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The artifact whose bytes they were.
    pub artifact: ArtifactId,
    /// Their name.
    pub name: BlobName,
}

/// The bytes of an artifact are to be removed once this transaction has committed.
pub async fn insert(tx: &mut Tx, of: OrganizationId, build: BuildId, artifact: ArtifactId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(INSERT, &params![artifact, of, build, now]).await.map(drop)
}

/// At most `limit` removals, of whatever organization, whose turn it is.
pub async fn due(tx: &mut Tx, limit: i64) -> Result<Vec<Removal>, StoreError> {
    let now = tx.now();
    let rows = tx.all(DUE, &params![now, limit]).await?;
    rows.iter()
        .map(|row| {
            let artifact = row.get("artifact_id")?;
            let name = BlobName::of_artifact(row.get("organization_id")?, row.get("build_id")?, artifact);
            Ok(Removal { artifact, name })
        })
        .collect()
}

/// The bytes are gone.
pub async fn done(tx: &mut Tx, artifact: ArtifactId) -> Result<(), StoreError> {
    tx.execute(DONE, &params![artifact]).await.map(drop)
}

/// The bytes could not be removed; it is tried again after `wait`.
pub async fn put_off(tx: &mut Tx, artifact: ArtifactId, wait: Duration) -> Result<(), StoreError> {
    let due = tx.now().plus(wait);
    tx.execute(PUT_OFF, &params![artifact, due]).await.map(drop)
}
