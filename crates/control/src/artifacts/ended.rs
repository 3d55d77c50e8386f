//! Saying how uploads ended, from inside a job.

use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::ArtifactId;
use countersign_store::artifacts::{self, Artifact};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::UploadArtifacts;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

/// The most artifacts of one call.
pub const MAX_ENDED: usize = 1_000;

/// How an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The bytes are there.
    Finished,
    /// They are not.
    Failed,
}

impl Control {
    /// Says how uploads of the job ended, all or none. Saying it again changes nothing. What came of a failed one is removed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an artifact that is not the job's; [`Error::Conflict`] when one is called finished whose bytes have not
    /// come to the server's store, or that was called failed before.
    pub async fn end_artifacts(&self, grant: &Grant<UploadArtifacts>, ended: Vec<(ArtifactId, Ended)>) -> Result<()> {
        if ended.len() > MAX_ENDED {
            return Err(Error::invalid("artifacts", format!("must be at most {MAX_ENDED} in one call")));
        }
        let job = grant.job()?.job;
        let left = self
            .write(grant, Lane::Normal, (job, ended), |tx, scene| {
                Box::pin(async move {
                    let (job, ended) = &scene.input;
                    let (mut finished, mut failed, mut left) = (0_u32, 0_u32, Vec::new());
                    for (id, how) in ended {
                        let found = artifacts::find_for_update(tx, scene.organization, *id).await?;
                        let artifact = found.filter(|it| it.job == *job).ok_or(Error::NotFound("artifact"))?;
                        if end(tx, &artifact, *how).await? {
                            match how {
                                Ended::Finished => finished += 1,
                                Ended::Failed => failed += 1,
                            }
                            if *how == Ended::Failed && artifact.stored_at.is_some() {
                                left.push(artifact);
                            }
                        }
                    }
                    if finished + failed > 0 {
                        let subject = Subject::find_job(tx, scene.organization, *job).await?;
                        let detail = json!({ "finished": finished, "failed": failed });
                        scene.audit(tx, "artifacts.ended", subject, detail).await?;
                    }
                    Ok(left)
                })
            })
            .await?;
        for artifact in &left {
            self.remove_failed_or_later(artifact).await;
        }
        Ok(())
    }
}

/// Ends one; false when it had ended so before. What is there, whole, does not fail any more.
async fn end(tx: &mut Tx, artifact: &Artifact, how: Ended) -> Result<bool> {
    let state = match (how, artifact.state) {
        (_, ArtifactState::Deleted) => return Err(Error::NotFound("artifact")),
        (_, ArtifactState::Finished) | (Ended::Failed, ArtifactState::Error) => return Ok(false),
        (Ended::Failed, ArtifactState::New) => ArtifactState::Error,
        (Ended::Finished, ArtifactState::Error) if artifact.upload_destination.is_none() => {
            return Err(Error::Conflict(format!(
                "The upload of {:?} was called failed, and its bytes are gone; announce it in a new batch.",
                artifact.path
            )));
        }
        (Ended::Finished, ArtifactState::New | ArtifactState::Error) => {
            if artifact.upload_destination.is_none() && artifact.stored_at.is_none() {
                return Err(Error::Conflict(format!(
                    "The bytes of {:?} have not come; upload them before calling it finished.",
                    artifact.path
                )));
            }
            ArtifactState::Finished
        }
    };
    Ok(artifacts::set_state(tx, artifact.id, state).await?)
}
