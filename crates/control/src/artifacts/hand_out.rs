//! Handing out the bytes of an artifact, to whoever shows an address that was signed for it.

use std::ops::Range;

use bytes::Bytes;
use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::ArtifactId;
use countersign_store::artifacts::{self, Artifact};
use countersign_store::blobs::Blobs;

use crate::{Control, Error, Result};

use super::address::{Purpose, Signature, refused};
use super::take_in::name;

/// The most bytes that are held in memory of one download.
pub const MAX_READ: u64 = 1024 * 1024;

/// A download.
#[derive(Debug, Clone)]
pub struct Download {
    /// What is downloaded.
    pub artifact: Artifact,
    blobs: Blobs,
}

impl Control {
    /// Begins a download from an address that was signed for it. `query` is the address's, as it came.
    ///
    /// # Errors
    /// [`Error::Denied`] for an address that is not whole, not ours, or has expired; [`Error::NotFound`] when the bytes are not there;
    /// [`Error::Unavailable`].
    pub async fn begin_download(&self, id: ArtifactId, query: &str) -> Result<Download> {
        let signature = Signature::from_query(query).ok_or_else(refused)?;
        signature.check(&self.keys(), Purpose::Download(id), self.now())?;
        let found = self.store().read(id, |tx, id| Box::pin(artifacts::by_id(tx, *id))).await?;
        let is_there = |it: &Artifact| it.stored_at.is_some() && it.state != ArtifactState::Deleted;
        let artifact = found.filter(is_there).ok_or(Error::NotFound("artifact"))?;
        Ok(Download { artifact, blobs: self.blobs()?.clone() })
    }
}

impl Download {
    /// How many bytes there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.artifact.size.unsigned_abs()
    }

    /// The first part of a range: at most [`MAX_READ`] bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Unavailable`].
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(range.start.saturating_add(MAX_READ));
        Ok(self.blobs.read(&name(&self.artifact), range.start..end).await?)
    }
}
