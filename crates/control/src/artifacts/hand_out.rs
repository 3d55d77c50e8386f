//! Handing out the bytes of an artifact, to whoever shows an address that was signed for it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::{ArtifactId, BuildId};
use countersign_store::artifacts::{self, Artifact};
use countersign_store::blobs::Blobs;

use crate::{Control, Error, Result};

use super::address::{Purpose, Signature, refused};
use super::places::Place;
use super::take_in::name;

/// The most bytes that are read of a download before its client has taken any.
pub const FIRST_READ: u64 = 64 * 1024;

/// A download. Its place among those that are under way is free again when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Download {
    /// What is downloaded.
    pub artifact: Artifact,
    blobs: Blobs,
    _place: Arc<Place<BuildId>>,
}

impl Control {
    /// Begins a download from an address that was signed for it. `query` is the address's, as it came.
    ///
    /// # Errors
    /// [`Error::Denied`] for an address that is not whole, not ours, or has expired; [`Error::NotFound`] when the bytes are not there;
    /// [`Error::Unavailable`], also when as many downloads are under way as may be for longer than [`PLACE_TIME`](super::PLACE_TIME).
    pub async fn begin_download(&self, id: ArtifactId, query: &str) -> Result<Download> {
        let signature = Signature::from_query(query).ok_or_else(refused)?;
        signature.check(&self.keys(), Purpose::Download(id), self.now())?;
        let found = self.store().read(id, |tx, id| Box::pin(artifacts::by_id(tx, *id))).await?;
        let is_there =
            |it: &Artifact| it.stored_at.is_some() && matches!(it.state, ArtifactState::New | ArtifactState::Finished);
        let artifact = found.filter(is_there).ok_or(Error::NotFound("artifact"))?;
        let place = Arc::new(self.download_place(&artifact).await?);
        Ok(Download { artifact, blobs: self.blobs()?.clone(), _place: place })
    }
}

impl Download {
    /// How many bytes there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.artifact.size.unsigned_abs()
    }

    /// The first part of a range: at most 64 KiB from a folder, and 1 MiB from an S3-compatible store.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Unavailable`].
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(range.start.saturating_add(self.blobs.piece()));
        Ok(self.blobs.read(&name(&self.artifact), range.start..end).await?)
    }
}
