//! Giving up artifacts whose bytes nobody brings any more.

use std::time::Duration;

use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::{ArtifactId, OrganizationId};
use countersign_store::blobs::removals;
use countersign_store::{Lane, artifacts};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

/// How long after its job's end an artifact that never ended is given up: longer than any upload that had begun may last.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How many one round gives up at the most; the next round goes on.
const BATCH: i64 = 100;

impl Control {
    /// Gives up artifacts that were announced and never ended, once their job has ended long ago. What there is of their bytes goes after it.
    pub(super) async fn abandon_artifacts(&self) -> Result<u64> {
        let before = self.now().minus(ABANDONED_AFTER);
        let found = self.store().read(before, |tx, before| Box::pin(artifacts::abandoned(tx, *before, BATCH))).await?;
        let mut given_up = 0;
        for (of, artifact) in found {
            given_up += u64::from(self.abandon(of, artifact).await?);
        }
        Ok(given_up)
    }

    async fn abandon(&self, of: OrganizationId, id: ArtifactId) -> Result<bool> {
        let grant: Grant<KeepHouse> = self.system("an upload that never ended", of)?;
        self.write(&grant, Lane::Normal, id, |tx, scene| {
            Box::pin(async move {
                let found = artifacts::find_for_update(tx, scene.organization, scene.input).await?;
                let Some(artifact) = found.filter(|it| it.state == ArtifactState::New) else { return Ok(false) };
                artifacts::set_state(tx, artifact.id, ArtifactState::Error).await?;
                if artifact.upload_destination.is_none() {
                    removals::insert(tx, scene.organization, artifact.build, artifact.id).await?;
                }
                let subject =
                    Subject::new::<countersign_domain::id::of::Artifact>("artifact", artifact.id, artifact.path);
                scene.audit(tx, "artifact.abandoned", subject, json!({})).await?;
                Ok(true)
            })
        })
        .await
    }
}
