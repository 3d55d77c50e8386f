//! Blobs: bytes under names of the server's own, in a folder or in an S3-compatible store.
//!
//! ```text
//! stream ── size and hashes ──> parts ── all as announced? ──> there at once, whole    (otherwise: nothing was there)
//! ```
//!
//! A blob's name is made of ids; nothing that a client writes is ever part of a path.

mod error;
mod place;
pub mod removals;
mod write;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use countersign_domain::id::{ArtifactId, BuildId, DagsterSnapshotId, DeploymentId, OrganizationId};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::sync::Semaphore;

pub use error::BlobError;
pub use place::{S3, Secret};
pub use write::{Announced, Writing};

/// The most blobs that are written at one time: each holds up to one part in memory.
pub const WRITES_AT_ONCE: usize = 32;

/// Where the bytes of artifacts are. Clones share it.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// Bytes that are gathered before they are handed on.
    part: usize,
    /// Bytes that are read in one go.
    piece: u64,
    places: Arc<Semaphore>,
    about: Arc<str>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Blobs").field(&self.about).finish()
    }
}

/// The name of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobName(Path);

impl BlobName {
    /// That of an artifact's bytes.
    #[must_use]
    pub fn of_artifact(organization: OrganizationId, build: BuildId, artifact: ArtifactId) -> Self {
        // Digits, letters and hyphens only: nothing here can be a path of its own.
        Self(Path::from(format!("artifacts/{organization}/{build}/{artifact}")))
    }

    /// That of a snapshot's bytes: beside artifacts, with its deployment in the place of a build. No two ids are alike, of whatever they are.
    #[must_use]
    pub fn of_snapshot(organization: OrganizationId, deployment: DeploymentId, snapshot: DagsterSnapshotId) -> Self {
        Self::of_artifact(organization, deployment.cast(), snapshot.cast())
    }
}

impl Blobs {
    fn new(store: Arc<dyn ObjectStore>, part: usize, piece: u64, about: String) -> Self {
        Self { store, part, piece, places: Arc::new(Semaphore::new(WRITES_AT_ONCE)), about: about.into() }
    }

    /// Where they are, for people; no secret.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.about
    }

    /// How many bytes are best read in one go: few of a folder, more of a store where each reading is a call.
    #[must_use]
    pub const fn piece(&self) -> u64 {
        self.piece
    }

    /// Starts to write a blob. It appears when [`Writing::finish`] has answered, and never in part; what is dropped before is gone.
    ///
    /// # Errors
    /// [`BlobError::Busy`] when [`WRITES_AT_ONCE`] are being written, and what the store says.
    pub async fn write(&self, name: BlobName, announced: Announced) -> Result<Writing, BlobError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| BlobError::Busy)?;
        Writing::begin(Arc::clone(&self.store), name.0, announced, self.part, place).await
    }

    /// A part of a blob.
    ///
    /// # Errors
    /// [`BlobError::Missing`], and what the store says.
    pub async fn read(&self, name: &BlobName, range: Range<u64>) -> Result<Bytes, BlobError> {
        if range.is_empty() {
            self.size(name).await?;
            return Ok(Bytes::new());
        }
        Ok(self.store.get_range(&name.0, range).await?)
    }

    /// How many bytes a blob has.
    ///
    /// # Errors
    /// [`BlobError::Missing`], and what the store says.
    pub async fn size(&self, name: &BlobName) -> Result<u64, BlobError> {
        Ok(self.store.head(&name.0).await?.size)
    }

    /// Takes a blob away. One that is not there is no error: it may have been taken away before.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete(&self, name: &BlobName) -> Result<(), BlobError> {
        match self.store.delete(&name.0).await.map_err(BlobError::from) {
            Err(BlobError::Missing) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the store answers: looks for one blob.
    ///
    /// # Errors
    /// What the store says.
    pub async fn check(&self) -> Result<(), BlobError> {
        self.store.list(Some(&Path::from("artifacts"))).try_next().await?;
        Ok(())
    }

    /// The names of all blobs that can be seen. For tests and for people who look for what is left over.
    ///
    /// # Errors
    /// What the store says.
    pub async fn names(&self) -> Result<Vec<String>, BlobError> {
        Ok(self.store.list(None).map_ok(|found| found.location.to_string()).try_collect().await?)
    }
}
