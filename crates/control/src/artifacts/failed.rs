//! Removing the bytes of artifacts whose upload was called failed: they count for their job until they are gone.

use countersign_store::Lane;
use countersign_store::artifacts::{self, Artifact};

use crate::access::actions::MoveArtifacts;
use crate::{Control, Error, Grant, Result};

use super::take_in::name;

/// How many one round of housekeeping removes at the most; the next round goes on.
const BATCH: i64 = 100;

impl Control {
    /// Removes what could not be removed when it was called failed. While the store of artifacts is away it waits for the next round.
    pub(crate) async fn remove_failed_artifacts(&self) -> Result<u64> {
        let mut removed = 0;
        for artifact in self.store().read((), |tx, ()| Box::pin(artifacts::to_empty(tx, BATCH))).await? {
            match self.remove_failed(&artifact).await {
                Ok(()) => removed += 1,
                Err(Error::Unavailable { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }

    /// Removes the bytes of a failed upload now; what cannot be removed now is, by a later round of housekeeping.
    pub(super) async fn remove_failed_or_later(&self, artifact: &Artifact) {
        if let Err(error) = self.remove_failed(artifact).await {
            tracing::debug!(%error, "the bytes of a failed upload could not be removed now");
        }
    }

    async fn remove_failed(&self, artifact: &Artifact) -> Result<()> {
        // Nobody lets them appear at the same moment.
        let _alone = self.transfers().alone(artifact.id).await;
        self.blobs()?.delete(&name(artifact)).await?;
        let grant: Grant<MoveArtifacts> = self.system("a failed upload", artifact.organization)?;
        self.write(&grant, Lane::Normal, artifact.id, |tx, scene| {
            Box::pin(async move { Ok(artifacts::emptied(tx, scene.input).await?) })
        })
        .await
        .map(drop)
    }
}
