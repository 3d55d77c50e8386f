//! A job's log, in the pieces that its agent sends: out of order, and sometimes twice.

use std::ops::Range;

use countersign_domain::id::JobId;

use crate::{StoreError, Tx, params, statements};

statements! {
    /// A piece; one that came before under the same number stays as it is.
    INSERT = "INSERT INTO job_log_chunks (job_id, sequence, position, size, line_breaks, content)
              VALUES ($1, $2, $3, $4, $5, $6)
              ON CONFLICT (job_id, sequence) DO NOTHING";
    /// Counts what a piece adds to what is kept, if there is room: pieces may overlap, so that a log's length alone bounds nothing.
    COUNT = "UPDATE jobs SET log_stored = log_stored + $2, log_size = CASE WHEN log_size < $3 THEN $3 ELSE log_size END
              WHERE id = $1 AND log_stored + $2 <= $4";
    /// Where all pieces are, in order.
    PLACES = "SELECT position, size FROM job_log_chunks WHERE job_id = $1 AND size > 0 ORDER BY position, sequence";
    /// The same with how many line breaks each holds.
    LINES = "SELECT position, size, line_breaks FROM job_log_chunks WHERE job_id = $1 AND size > 0 ORDER BY position, sequence";
    /// Pieces that reach beyond a position, in order. None that does begins at `$4` or before: with that the index is entered where they begin.
    FROM = "SELECT position, content FROM job_log_chunks WHERE job_id = $1 AND position > $4 AND position + size > $2
             ORDER BY position, sequence LIMIT $3";
}

/// The most bytes of one piece.
pub const MAX_PIECE: i64 = 100 * 1024;
/// What a piece counts for at least, in bytes: a row of its own and its place in every index of the log are not for nothing.
pub const LEAST_COUNTED: i64 = 512;

/// A piece of a log.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Where it starts, in bytes of the uncompressed log.
    pub position: i64,
    /// Its bytes: whatever the command wrote, perhaps no UTF-8.
    pub content: Vec<u8>,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is kept.
    Kept,
    /// One of that number was there, and stays.
    Known,
    /// There is no room for it. It stands there all the same until the transaction is given up, which is the caller's to do.
    NoRoom,
}

/// Adds a piece of 1 to [`MAX_PIECE`] bytes, while all that is kept of the log counts for at most `most` bytes; each piece counts for at least
/// [`LEAST_COUNTED`].
pub async fn insert(tx: &mut Tx, job: JobId, sequence: i64, chunk: &Chunk, most: i64) -> Result<Added, StoreError> {
    let size = i64::try_from(chunk.content.len()).unwrap_or(i64::MAX);
    let breaks = chunk.content.iter().filter(|byte| **byte == b'\n').count();
    let breaks = i64::try_from(breaks).unwrap_or(i64::MAX);
    let values = params![job, sequence, chunk.position, size, breaks, chunk.content.as_slice()];
    if tx.execute(INSERT, &values).await? != 1 {
        return Ok(Added::Known);
    }
    let end = chunk.position.saturating_add(size);
    let has_room = tx.execute(COUNT, &params![job, size.max(LEAST_COUNTED), end, most]).await? == 1;
    Ok(if has_room { Added::Kept } else { Added::NoRoom })
}

/// At most `limit` pieces that reach beyond `position`, in order.
pub async fn from(tx: &mut Tx, job: JobId, position: i64, limit: i64) -> Result<Vec<Chunk>, StoreError> {
    let behind = position.saturating_sub(MAX_PIECE);
    let rows = tx.all(FROM, &params![job, position, limit, behind]).await?;
    rows.iter().map(|row| Ok(Chunk { position: row.get("position")?, content: row.get("content")? })).collect()
}

/// Where all pieces are: from where to before where, in the order of their beginnings.
pub async fn places(tx: &mut Tx, job: JobId) -> Result<Vec<Range<i64>>, StoreError> {
    let rows = tx.all(PLACES, &params![job]).await?;
    rows.iter()
        .map(|row| {
            let start: i64 = row.get("position")?;
            Ok(start..start.saturating_add(row.get("size")?))
        })
        .collect()
}

/// Where a piece of a log is, and how many lines end in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// From where to before where, in bytes of the whole log.
    pub place: Range<i64>,
    /// How many line breaks it holds.
    pub breaks: i64,
}

/// Where all pieces are and how many lines end in each, in the order of their beginnings. Their contents are not read.
pub async fn lines(tx: &mut Tx, job: JobId) -> Result<Vec<Lines>, StoreError> {
    let rows = tx.all(LINES, &params![job]).await?;
    rows.iter()
        .map(|row| {
            let start: i64 = row.get("position")?;
            let place = start..start.saturating_add(row.get("size")?);
            Ok(Lines { place, breaks: row.get("line_breaks")? })
        })
        .collect()
}
