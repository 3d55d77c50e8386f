//! Removing the bytes of artifacts that were taken away, where that could not be done at once.

use countersign_store::Lane;
use countersign_store::artifacts::{self, Artifact};
use countersign_store::blobs::BlobName;

use crate::access::actions::KeepHouse;
use crate::{Control, Grant, Result};

/// How many one round removes at the most; the next round goes on.
const BATCH: i64 = 100;

impl Control {
    /// Removes what is left of artifacts that were taken away.
    pub(super) async fn remove_deleted_artifacts(&self) -> Result<u64> {
        let left = self.store().read((), |tx, ()| Box::pin(artifacts::to_remove(tx, BATCH))).await?;
        let mut removed = 0;
        for artifact in left {
            // A store that does not answer must not keep the rest of the house from being kept.
            if let Err(error) = self.remove_bytes(&artifact).await {
                tracing::warn!(artifact = %artifact.id, %error, "the bytes of a deleted artifact are still there; they are tried again");
                break;
            }
            removed += 1;
        }
        Ok(removed)
    }

    /// Removes the bytes of an artifact that was taken away, and notes that they are gone. Doing it again changes nothing.
    pub(crate) async fn remove_bytes(&self, artifact: &Artifact) -> Result<()> {
        self.blobs()?.delete(&BlobName::of_artifact(artifact.organization, artifact.build, artifact.id)).await?;
        let grant: Grant<KeepHouse> = self.system("an artifact that was taken away", artifact.organization)?;
        self.write(&grant, Lane::Normal, artifact.id, |tx, scene| {
            Box::pin(async move {
                // Who took it away, and when, is in the audit log already.
                artifacts::removed(tx, scene.input).await?;
                Ok(())
            })
        })
        .await
    }
}
