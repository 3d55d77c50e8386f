//! Taking in the bytes of an artifact, from whoever shows an address that was signed for it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use countersign_domain::Timestamp;
use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::{ArtifactId, Id, JobId};
use countersign_store::agents::sessions;
use countersign_store::artifacts::{self, Artifact, Batch};
use countersign_store::blobs::{Announced, BlobName, Writing};
use countersign_store::{Lane, jobs};

use crate::access::actions::MoveArtifacts;
use crate::{Control, Error, Grant, Result};

use super::address::{Purpose, Signature, refused};
use super::places::Place;

/// How long after its job's end an upload may still be begun, and go on.
pub const UPLOAD_GRACE: Duration = Duration::from_secs(10 * 60);
/// How often an upload that is under way looks whether its artifact is still waited for.
pub const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The fields of an upload form that say what comes, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FormField {
    /// The job.
    Job,
    /// The batch.
    Batch,
    /// When the signature ends.
    Expires,
    /// The key of the signature.
    Key,
    /// The signature.
    Signature,
    /// The artifact's path.
    Path,
}

impl FormField {
    /// Every field.
    pub const ALL: [Self; 6] = [Self::Job, Self::Batch, Self::Expires, Self::Key, Self::Signature, Self::Path];

    /// Its name in the form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Batch => "batch",
            Self::Expires => "expires",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Path => "path",
        }
    }
}

/// An upload that is under way. Dropped before it is finished, it leaves nothing that can be seen.
#[derive(Debug)]
pub struct Upload {
    control: Control,
    artifact: Artifact,
    writing: Writing,
    /// When it was last seen that the bytes are waited for.
    looked_at: Timestamp,
    place: Place<JobId>,
}

impl Control {
    /// Begins an upload to the address that was signed for one artifact. `query` is the address's, as it came.
    ///
    /// # Errors
    /// [`Error::Denied`] for an address that is not whole, not ours, or has expired; [`Error::Conflict`] when the artifact has ended, or
    /// its job has, longer than [`UPLOAD_GRACE`] ago, or its agent's token was revoked; [`Error::Unavailable`], also when as many uploads are
    /// under way as may be for longer than [`PLACE_TIME`](super::PLACE_TIME).
    pub async fn begin_upload(&self, id: ArtifactId, query: &str) -> Result<Upload> {
        let signature = Signature::from_query(query).ok_or_else(refused)?;
        signature.check(&self.keys(), Purpose::Upload(id), self.now())?;
        let found = self.store().read(id, |tx, id| Box::pin(artifacts::by_id(tx, *id))).await?;
        self.begin(found).await
    }

    /// The same for a form, whose fields name a batch and a path in it.
    ///
    /// # Errors
    /// As [`Control::begin_upload`]; [`Error::Invalid`] for a path that is not the batch's.
    pub async fn begin_form_upload(&self, fields: &BTreeMap<FormField, String>) -> Result<Upload> {
        let text = |of: FormField| fields.get(&of).cloned().ok_or_else(refused);
        let job: JobId = text(FormField::Job)?.parse().map_err(|_| refused())?;
        let batch: Id<Batch> = text(FormField::Batch)?.parse().map_err(|_| refused())?;
        let signature = Signature {
            expires: text(FormField::Expires)?,
            key: text(FormField::Key)?,
            tag: text(FormField::Signature)?,
        };
        signature.check(&self.keys(), Purpose::Form(job, batch), self.now())?;
        let path = fields.get(&FormField::Path).cloned().filter(|path| !path.contains('\0'));
        let path = path.ok_or_else(|| Error::invalid("path", "is missing, or holds NUL"))?;
        let found = self
            .store()
            .read((job, batch, path), |tx, (job, batch, path)| Box::pin(artifacts::in_batch(tx, *job, *batch, path)))
            .await?;
        if found.is_none() {
            return Err(Error::invalid("path", "was not announced in this batch"));
        }
        self.begin(found).await
    }

    async fn begin(&self, found: Option<Artifact>) -> Result<Upload> {
        let artifact = self.awaited(found).await?;
        let place = self.upload_place(&artifact).await?;
        let announced = Announced {
            size: artifact.size.unsigned_abs(),
            sha1: Some(artifact.sha1.clone()),
            sha256: artifact.sha256.clone(),
        };
        let writing = self.blobs()?.write(name(&artifact), announced).await?;
        Ok(Upload { control: self.clone(), artifact, writing, looked_at: self.now(), place })
    }

    /// The artifact, if its bytes may still come.
    async fn awaited(&self, found: Option<Artifact>) -> Result<Artifact> {
        let artifact = found.ok_or(Error::NotFound("artifact"))?;
        if artifact.upload_destination.is_some() {
            return Err(Error::Conflict("The bytes of this artifact go to another place.".to_owned()));
        }
        if artifact.state != ArtifactState::New {
            return Err(has_ended(artifact.state));
        }
        let (job, was_revoked) = self
            .store()
            .read((artifact.organization, artifact.job), |tx, (of, job)| {
                Box::pin(async move {
                    let job = jobs::find(tx, *of, *job).await?;
                    let was_revoked = match job.as_ref().and_then(|job| job.session) {
                        Some(session) => sessions::was_revoked(tx, session).await?,
                        None => false,
                    };
                    Ok::<_, Error>((job, was_revoked))
                })
            })
            .await?;
        let job = job.ok_or(Error::NotFound("job"))?;
        if was_revoked {
            return Err(Error::Conflict(
                "The agent's token was revoked; nothing more can be sent for its job.".to_owned(),
            ));
        }
        if job.finished_at.is_some_and(|at| at.plus(UPLOAD_GRACE) <= self.now()) {
            return Err(Error::Conflict("The job has ended; nothing more can be sent for it.".to_owned()));
        }
        Ok(artifact)
    }

    /// The same, with the artifact as it is now.
    async fn still_awaited(&self, id: ArtifactId) -> Result<Artifact> {
        let found = self.store().read(id, |tx, id| Box::pin(artifacts::by_id(tx, *id))).await?;
        self.awaited(found).await
    }
}

fn has_ended(state: ArtifactState) -> Error {
    Error::Conflict(format!("The artifact is {state}; its bytes can no longer be sent."))
}

impl Upload {
    /// How many bytes are to come.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.artifact.size.unsigned_abs()
    }

    /// How many have come.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.writing.size()
    }

    /// The entity tag that the answer to a whole upload carries.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("\"{}\"", self.artifact.sha1)
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::Conflict`] as soon as there are more than were announced, and once they are no longer waited for: the artifact has ended, its
    /// job has, longer than [`UPLOAD_GRACE`] ago, or its agent's token was revoked; [`Error::Unavailable`].
    pub async fn push(&mut self, bytes: Bytes) -> Result<()> {
        let now = self.control.now();
        if now.since(self.looked_at) >= LOOK_EVERY {
            self.control.still_awaited(self.artifact.id).await?;
            self.looked_at = now;
        }
        Ok(self.writing.push(bytes).await?)
    }

    /// Takes back what has come.
    pub async fn abandon(self) {
        self.writing.abandon().await;
    }

    /// All has come: it appears, if it is what was announced. What is there already is not written again.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not, and when it is no longer waited for; [`Error::Unavailable`].
    pub async fn finish(self) -> Result<()> {
        let Self { control, artifact, writing, looked_at: _, place: _place } = self;
        // Another try to send the same, and whoever takes it away, comes before or after.
        let alone = control.transfers().alone(artifact.id).await;
        let is_there = match control.still_awaited(artifact.id).await {
            Ok(artifact) => artifact.stored_at.is_some(),
            Err(error) => {
                writing.abandon().await;
                return Err(error);
            }
        };
        if is_there {
            return Ok(writing.check().await?);
        }
        writing.finish().await?;
        let grant: Grant<MoveArtifacts> = control.system("a signed address", artifact.organization)?;
        let state = control
            .write(&grant, Lane::Normal, artifact.id, |tx, scene| {
                Box::pin(async move {
                    artifacts::stored(tx, scene.input).await?;
                    Ok(artifacts::find(tx, scene.organization, scene.input).await?.map(|it| it.state))
                })
            })
            .await?;
        match state {
            Some(ArtifactState::New | ArtifactState::Finished) => Ok(()),
            // It ended in the meantime, and its bytes must not stay.
            Some(state @ ArtifactState::Error) => {
                drop(alone);
                control.remove_failed_or_later(&artifact).await;
                Err(has_ended(state))
            }
            None | Some(ArtifactState::Deleted) => {
                control.blobs()?.delete(&name(&artifact)).await?;
                Err(Error::NotFound("artifact"))
            }
        }
    }
}

/// The name of an artifact's bytes.
pub(super) fn name(artifact: &Artifact) -> BlobName {
    BlobName::of_artifact(artifact.organization, artifact.build, artifact.id)
}
