//! A job's log: pieces come in out of order and sometimes twice; it is read from the front.

use std::time::Duration;

use countersign_domain::id::JobId;
use countersign_store::jobs::log::{self, Added, Chunk};
use countersign_store::{Lane, jobs};

use crate::access::actions::{AppendLog, ViewBuilds};
use crate::{Control, Error, Grant, Result};

/// How long after its end a job's log still takes pieces: agents send several at once, and each again when its answer got lost. The
/// job's token is good for nothing else in that time.
pub const LATE_CHUNKS: Duration = Duration::from_secs(60);
/// The most bytes of one piece; agents are told this number.
pub const MAX_CHUNK: usize = 100 * 1024;
/// The most bytes of one job's log: 64 MiB. A piece that reaches beyond is refused; its agent counts it as lost, and the job goes on.
pub const MAX_LOG: i64 = 64 * 1024 * 1024;
/// The most bytes that are kept of one job's log: pieces that overlap count each, and each for at least [`log::LEAST_COUNTED`]. Beyond it they
/// are refused like those behind the end.
const MAX_STORED: i64 = 2 * MAX_LOG;
/// How many pieces one answer holds at the most.
const PIECES_AT_ONCE: i64 = 64;

/// A piece of a job's log.
#[derive(Debug)]
pub struct NewChunk {
    /// Its number, from 1 (from 0 by some clients); one that was taken is not taken twice.
    pub sequence: i64,
    /// Where it starts, in bytes of the whole log.
    pub offset: i64,
    /// Its bytes, unpacked.
    pub content: Vec<u8>,
}

/// A part of a job's log, without gaps.
#[derive(Debug)]
pub struct LogPart {
    /// The bytes from the asked position on; perhaps no UTF-8.
    pub content: Vec<u8>,
    /// The position after them.
    pub next: i64,
    /// Whether the job has ended and this reaches the end of its log.
    pub is_complete: bool,
}

impl Control {
    /// Keeps a piece of the job's log, also one that comes within [`LATE_CHUNKS`] of the job's end. One of no bytes is taken, and nothing is kept
    /// of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `sequence`, `offset` or `size`; [`Error::Conflict`] for one beyond [`MAX_LOG`].
    pub async fn append_log(&self, grant: &Grant<AppendLog>, chunk: NewChunk) -> Result<()> {
        if chunk.sequence < 0 {
            return Err(Error::invalid("sequence", "must be 0 or more"));
        }
        if chunk.offset < 0 {
            return Err(Error::invalid("offset", "must be 0 or more"));
        }
        if chunk.content.len() > MAX_CHUNK {
            return Err(Error::invalid("size", format!("is above {MAX_CHUNK} bytes, the most of one chunk")));
        }
        let size = i64::try_from(chunk.content.len()).unwrap_or(i64::MAX);
        if chunk.offset.saturating_add(size) > MAX_LOG {
            return Err(full());
        }
        let job = grant.job()?.job;
        if chunk.content.is_empty() {
            return Ok(());
        }
        let piece = Chunk { position: chunk.offset, content: chunk.content };
        self.write(grant, Lane::Normal, (job, chunk.sequence, piece), |tx, scene| {
            Box::pin(async move {
                let (job, sequence, piece) = &scene.input;
                match log::insert(tx, *job, *sequence, piece, MAX_STORED).await? {
                    Added::Kept | Added::Known => Ok(()),
                    Added::NoRoom => Err(full()),
                }
            })
        })
        .await
    }

    /// The log of one of the organization's jobs from a position on. While a piece is missing, what is behind it is held back; once
    /// the job has ended, gaps are passed over.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job_log(&self, grant: &Grant<ViewBuilds>, job: JobId, from: i64) -> Result<LogPart> {
        let from = from.max(0);
        self.read(grant, (job, from), |tx, scene| {
            Box::pin(async move {
                let (id, from) = scene.input;
                let job = jobs::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("job"))?;
                let pieces = log::from(tx, id, from, PIECES_AT_ONCE).await?;
                let is_last = i64::try_from(pieces.len()).unwrap_or(i64::MAX) < PIECES_AT_ONCE;
                let ended = job.state.is_finished();
                let (content, next, gap) = join(pieces, from, ended);
                Ok(LogPart { content, next, is_complete: ended && is_last && !gap })
            })
        })
        .await
    }
}

fn full() -> Error {
    Error::Conflict(format!(
        "The log has {MAX_LOG} bytes, the most that is kept of one job; the job goes on without this piece."
    ))
}

/// Joins pieces from a position on; says whether it stopped at a gap.
pub(super) fn join(pieces: Vec<Chunk>, from: i64, over_gaps: bool) -> (Vec<u8>, i64, bool) {
    let mut content = Vec::new();
    let mut next = from;
    for piece in pieces {
        if piece.position > next {
            if !over_gaps {
                return (content, next, true);
            }
            next = piece.position;
        }
        let known = usize::try_from(next - piece.position).unwrap_or(usize::MAX);
        if let Some(new) = piece.content.get(known..) {
            content.extend_from_slice(new);
            next += i64::try_from(new.len()).unwrap_or(0);
        }
    }
    (content, next, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(position: i64, text: &str) -> Chunk {
        Chunk { position, content: text.as_bytes().to_vec() }
    }

    #[test]
    fn the_store_looks_for_pieces_as_far_back_as_the_largest_reaches() {
        assert_eq!(i64::try_from(MAX_CHUNK), Ok(log::MAX_PIECE));
    }

    #[test]
    fn a_gap_holds_back_until_the_end() {
        let pieces = || vec![piece(0, "one "), piece(8, "three")];
        assert_eq!(join(pieces(), 0, false), (b"one ".to_vec(), 4, true));
        assert_eq!(join(pieces(), 0, true), (b"one three".to_vec(), 13, false));
    }

    #[test]
    fn overlaps_and_positions_inside_a_piece_give_each_byte_once() {
        let pieces = vec![piece(0, "abcdef"), piece(4, "efgh"), piece(2, "cd")];
        assert_eq!(join(pieces, 1, false), (b"bcdefgh".to_vec(), 8, false));
    }
}
