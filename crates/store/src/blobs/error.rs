//! What can go wrong with a blob, told apart by what the caller can do about it.

use std::error::Error;
use std::io;

/// Why a blob was not written or read. Nothing of it can be seen then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no such blob")]
    Missing,
    /// Other bytes came than were announced.
    #[error("{0}")]
    NotAsAnnounced(String),
    /// As many are being written as may be.
    #[error("too many blobs are being written")]
    Busy,
    /// No space is left.
    #[error("no space is left for blobs")]
    StorageFull,
    /// The store does not answer, or not as it should.
    #[error("the store of blobs is not available: {why}")]
    Unavailable {
        /// What was met.
        why: String,
    },
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        if is_full(&error) { Self::StorageFull } else { Self::Unavailable { why: error.to_string() } }
    }
}

/// Whether a full disk, or a used-up quota, is the innermost cause.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>()
            && matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        cause = inner.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_found_behind_the_stores_own_words() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = object_store::Error::Generic { store: "x", source: Box::new(full) };
        assert_eq!(BlobError::from(error), BlobError::StorageFull);
        let other = io::Error::from(io::ErrorKind::ConnectionReset);
        let error = object_store::Error::Generic { store: "x", source: Box::new(other) };
        assert!(matches!(BlobError::from(error), BlobError::Unavailable { .. }));
    }
}
