//! Writing one blob: counted and hashed on its way, there at once or not at all.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use bytes::{Bytes, BytesMut};
use countersign_domain::text::hex;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::sync::OwnedSemaphorePermit;

use super::BlobError;

/// What a blob must be to appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Bytes.
    pub size: u64,
    /// SHA-1, lower-case hexadecimal.
    pub sha1: Option<String>,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: Option<String>,
}

/// A blob on its way.
pub struct Writing {
    store: Arc<dyn ObjectStore>,
    name: Path,
    announced: Announced,
    /// Bytes that came in so far.
    size: u64,
    sha1: Option<Context>,
    sha256: Option<Context>,
    /// What has not been handed on.
    waiting: BytesMut,
    part: usize,
    /// None while everything fits into one part.
    upload: Option<Box<dyn MultipartUpload>>,
    _place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").field("name", &self.name).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Writing {
    pub(super) async fn begin(
        store: Arc<dyn ObjectStore>,
        name: Path,
        announced: Announced,
        part: usize,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, BlobError> {
        // What fits into one part is written by one call, at the end.
        let is_small = usize::try_from(announced.size).is_ok_and(|size| size <= part);
        let upload = if is_small { None } else { Some(store.put_multipart(&name).await?) };
        Ok(Self {
            sha1: announced.sha1.as_ref().map(|_| Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            sha256: announced.sha256.as_ref().map(|_| Context::new(&SHA256)),
            store,
            name,
            announced,
            size: 0,
            waiting: BytesMut::new(),
            part,
            upload,
            _place: place,
        })
    }

    /// How many bytes have come.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes. At most one part is held in memory.
    ///
    /// # Errors
    /// [`BlobError::NotAsAnnounced`] as soon as there are too many, and what the store says. Then the blob must be given up.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.announced.size {
            return Err(BlobError::NotAsAnnounced(format!(
                "more bytes came than the {} that were announced",
                self.announced.size
            )));
        }
        for hash in [&mut self.sha1, &mut self.sha256].into_iter().flatten() {
            hash.update(&bytes);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.part.saturating_sub(self.waiting.len()).max(1);
            let taken = rest.split_to(room.min(rest.len()));
            self.waiting.extend_from_slice(&taken);
            if self.waiting.len() >= self.part && self.upload.is_some() {
                self.hand_on().await?;
            }
        }
        Ok(())
    }

    async fn hand_on(&mut self) -> Result<(), BlobError> {
        let part = self.waiting.split().freeze();
        if let Some(upload) = &mut self.upload {
            upload.put_part(PutPayload::from_bytes(part)).await?;
        }
        Ok(())
    }

    /// Lets the blob appear, if it is what was announced.
    ///
    /// # Errors
    /// [`BlobError::NotAsAnnounced`] says in what it differs, and what the store says; there is no blob then.
    pub async fn finish(mut self) -> Result<(), BlobError> {
        let done = self.complete().await;
        if done.is_err() {
            self.abandon().await;
        }
        done
    }

    /// Checks what came as [`Writing::finish`] does, and takes it back: the same is there already.
    ///
    /// # Errors
    /// [`BlobError::NotAsAnnounced`].
    pub async fn check(mut self) -> Result<(), BlobError> {
        let checked = self.as_announced();
        self.abandon().await;
        checked
    }

    fn as_announced(&mut self) -> Result<(), BlobError> {
        if self.size != self.announced.size {
            return Err(BlobError::NotAsAnnounced(format!(
                "{} bytes came, but {} were announced",
                self.size, self.announced.size
            )));
        }
        differs("SHA-1", self.sha1.take(), self.announced.sha1.as_deref())?;
        differs("SHA-256", self.sha256.take(), self.announced.sha256.as_deref())
    }

    async fn complete(&mut self) -> Result<(), BlobError> {
        self.as_announced()?;
        if self.upload.is_none() {
            let whole = self.waiting.split().freeze();
            self.store.put(&self.name, PutPayload::from_bytes(whole)).await?;
            return Ok(());
        }
        if !self.waiting.is_empty() {
            self.hand_on().await?;
        }
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        Ok(())
    }

    /// Takes back what was handed on. What is merely dropped is taken back by the folder too, but by an S3-compatible store only by its
    /// own rule for uploads that never ended.
    pub async fn abandon(mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            tracing::debug!(%error, "what was left of an upload could not be taken back");
        }
    }
}

fn differs(what: &str, hash: Option<Context>, announced: Option<&str>) -> Result<(), BlobError> {
    match (hash.map(|hash| hex(hash.finish().as_ref())), announced) {
        (Some(found), Some(announced)) if found != announced => {
            Err(BlobError::NotAsAnnounced(format!("the {what} of the bytes is {found}, but {announced} was announced")))
        }
        _ => Ok(()),
    }
}
