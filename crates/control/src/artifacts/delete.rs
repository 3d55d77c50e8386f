//! A person takes an artifact away: first what is known of it, then its bytes.

use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::ArtifactId;
use countersign_store::blobs::removals;
use countersign_store::{Lane, Tx, artifacts, builds};
use serde_json::json;

use crate::access::actions::DeleteArtifact;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

impl Control {
    /// Takes one of the organization's artifacts away. From then on it is not found, and signed addresses of it are good for nothing. Its
    /// bytes are removed at once where that can be done, else by housekeeping; what is at a place of the user's own stays there.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while its bytes are on their way.
    pub async fn delete_artifact(&self, grant: &Grant<DeleteArtifact>, id: ArtifactId) -> Result<()> {
        self.write(grant, Lane::Normal, id, |tx, scene| Box::pin(delete(tx, scene))).await?;
        if let Err(error) = self.remove_blobs().await {
            tracing::warn!(artifact = %id, %error, "the bytes of a deleted artifact are still there; they are tried again");
        }
        Ok(())
    }
}

async fn delete(tx: &mut Tx, scene: &Scene<ArtifactId>) -> Result<()> {
    let found = artifacts::find_for_update(tx, scene.organization, scene.input).await?;
    let artifact = found.filter(|it| it.state != ArtifactState::Deleted).ok_or(Error::NotFound("artifact"))?;
    let build = builds::find(tx, scene.organization, artifact.build).await?.ok_or(Error::NotFound("artifact"))?;
    scene.may_in(tx, build.deployment).await?;
    if !artifacts::delete(tx, artifact.id).await? {
        return Err(Error::Conflict(
            "The artifact is being uploaded; it can be deleted once that has ended.".to_owned(),
        ));
    }
    if artifact.upload_destination.is_none() {
        removals::insert(tx, scene.organization, artifact.build, artifact.id).await?;
    }
    let subject = Subject::new::<countersign_domain::id::of::Artifact>("artifact", artifact.id, artifact.path.as_str());
    let detail = json!({ "job": artifact.job.to_string(), "size": artifact.size });
    scene.audit(tx, "artifact.deleted", subject, detail).await
}
