//! A job's log, in chunks.

use serde::{Deserialize, Serialize};

/// The query of `POST /jobs/:id/chunks`; the body is gzip (`Content-Encoding: gzip`, `Content-Type: text/plain`). Three chunks
/// are in flight at a time, so they arrive out of order, and they are repeated after a lost answer: key on `sequence`, place by
/// `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkQuery {
    /// From 1; agents built on the public Go library start at 0.
    pub sequence: u64,
    /// Where the chunk starts in the uncompressed log, in bytes.
    pub offset: u64,
    /// The chunk's uncompressed length, in bytes.
    pub size: u64,
}
