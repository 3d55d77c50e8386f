//! A job's log by its lines: any page of it, without the rest being read.

use countersign_domain::build::JobState;
use countersign_domain::id::JobId;
use countersign_store::jobs::log::{self, Chunk, Lines};
use countersign_store::{Tx, jobs};
use memchr::memchr_iter;

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Result};

use super::log::join;

/// The most bytes of one line that are answered; what is behind them is in the log as it is.
pub const MAX_LINE: usize = 16 * 1024;
/// The most bytes that are read for one page: a line that is longer ends the page.
const MAX_READ: usize = 8 * 1024 * 1024;
/// How many bytes are read in one go, or one piece.
const READ_AT_ONCE: i64 = 4 * log::MAX_PIECE;
/// How many pieces are read in one go at the most.
const PIECES_AT_ONCE: i64 = 4096;
/// The most bytes of the lines that stand before a page.
const MAX_BEFORE: usize = 256 * 1024;
/// How many pieces are read for one page at the most: with small ones it ends before it is full.
const MAX_PIECES: i64 = 4 * PIECES_AT_ONCE;

/// How much of a log is wanted.
#[derive(Debug, Clone, Copy)]
pub struct LogWindow {
    /// The first line, from 1. One behind the end stands for the last part: as many lines before the end as there is room for.
    pub first: i64,
    /// The most lines.
    pub lines: usize,
    /// The most bytes: the line that reaches it is the last.
    pub bytes: usize,
    /// How many lines are wanted too of those that stand right before.
    pub before: usize,
}

/// Some lines of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLines {
    /// The number of the first, from 1.
    pub first: i64,
    /// Their bytes without the line breaks, at most [`MAX_LINE`] of each; perhaps no UTF-8.
    pub lines: Vec<Vec<u8>>,
    /// Those of the lines before that were wanted, up to the first of these; none where they are above 256 KiB.
    pub before: Vec<Vec<u8>>,
    /// How many lines have come to their end in what can be read. Behind them there may be a last one without a line break. Pieces that overlap in part,
    /// which no agent sends but after a fault, count what they share twice.
    pub ended: i64,
    /// Whether these reach the end of what can be read now.
    pub reaches_end: bool,
    /// Where the job stands: once it has ended no more is to come, but for what is late.
    pub state: JobState,
}

impl LogLines {
    /// The number of the line behind these.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.first.saturating_add(i64::try_from(self.lines.len()).unwrap_or(i64::MAX))
    }
}

impl Control {
    /// Some lines of the log of one of the organization's jobs. While a piece is missing, what is behind it is held back; once the job has
    /// ended, gaps are passed over.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job_log_lines(&self, grant: &Grant<ViewBuilds>, job: JobId, wanted: LogWindow) -> Result<LogLines> {
        self.read(grant, (job, wanted), |tx, scene| {
            Box::pin(async move {
                let (id, wanted) = scene.input;
                let job = jobs::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("job"))?;
                let index = Index::of(log::lines(tx, id).await?, job.state.is_finished());
                let behind = index.ended().saturating_add(1);
                let first = wanted.first.max(1);
                let found = if first <= behind { part(tx, id, &index, first, wanted).await? } else { Found::default() };
                let is_behind = found.lines.is_empty() && index.end() > 0;
                let Found { first, lines, reaches_end } =
                    if is_behind { last_part(tx, id, &index, wanted).await? } else { found };
                let first = first.min(behind);
                let is_there = !lines.is_empty() && wanted.before > 0;
                let before =
                    if is_there { right_before(tx, id, &index, first, wanted.before).await? } else { Vec::new() };
                Ok(LogLines { first, lines, before, ended: index.ended(), reaches_end, state: job.state })
            })
        })
        .await
    }
}

/// Where lines begin: the pieces that can be read, with how many lines end before each.
struct Index {
    pieces: Vec<(Lines, i64)>,
    over_gaps: bool,
}

impl Index {
    /// Of pieces in the order of their beginnings. Behind a gap nothing can be read, unless it goes `over_gaps`.
    fn of(all: Vec<Lines>, over_gaps: bool) -> Self {
        let (mut end, mut ended) = (0, 0_i64);
        let mut pieces = Vec::with_capacity(all.len());
        for piece in all {
            if piece.place.start > end && !over_gaps {
                break;
            }
            if piece.place.end <= end {
                continue;
            }
            end = piece.place.end;
            let before = ended;
            ended = ended.saturating_add(piece.breaks);
            pieces.push((piece, before));
        }
        Self { pieces, over_gaps }
    }

    /// How many lines have come to their end.
    fn ended(&self) -> i64 {
        self.pieces.last().map_or(0, |(piece, before)| before.saturating_add(piece.breaks))
    }

    /// Before where everything is that can be read.
    fn end(&self) -> i64 {
        self.pieces.last().map_or(0, |(piece, _)| piece.place.end)
    }

    /// How many pieces from a position on are read in one go.
    fn at_once(&self, position: i64) -> i64 {
        let from = self.pieces.partition_point(|(piece, _)| piece.place.end <= position);
        let sizes = self.pieces.iter().skip(from).map(|(piece, _)| piece.place.end.saturating_sub(piece.place.start));
        let sums = sizes.scan(0_i64, |sum, size| {
            *sum = sum.saturating_add(size);
            Some(*sum)
        });
        let fitting = sums.take_while(|sum| *sum <= READ_AT_ONCE).zip(0..PIECES_AT_ONCE).count();
        i64::try_from(fitting).unwrap_or(PIECES_AT_ONCE).max(1)
    }

    /// The first line of those that can be read to the end in one go.
    fn first_within_reach(&self) -> i64 {
        let (mut bytes, mut count) =
            (i64::try_from(MAX_READ).unwrap_or(i64::MAX) - READ_AT_ONCE, MAX_PIECES - PIECES_AT_ONCE);
        let before = self.pieces.iter().rev().find(|(piece, _)| {
            bytes = bytes.saturating_sub(piece.place.end.saturating_sub(piece.place.start));
            count -= 1;
            bytes < 0 || count < 0
        });
        // The line that goes on where that piece ends has begun out of reach.
        before.map_or(1, |(piece, before)| before.saturating_add(piece.breaks).saturating_add(2))
    }

    /// From which position on a line can be found, and how many line breaks stand before it from there.
    fn beginning(&self, line: i64) -> (i64, i64) {
        let breaks = line - 1;
        let at = self.pieces.partition_point(|(piece, before)| before.saturating_add(piece.breaks) < breaks);
        match self.pieces.get(at) {
            Some((piece, before)) if breaks > 0 => (piece.place.start, breaks - before),
            _ => (0, 0),
        }
    }
}

/// Lines that were found.
struct Found {
    first: i64,
    lines: Vec<Vec<u8>>,
    reaches_end: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self { first: 1, lines: Vec::new(), reaches_end: true }
    }
}

/// The lines from one on.
async fn part(tx: &mut Tx, job: JobId, index: &Index, first: i64, wanted: LogWindow) -> Result<Found> {
    let (position, skipped) = index.beginning(first);
    let mut reading = Reading::new(LogWindow { first, ..wanted }, skipped);
    let reaches_end = read(tx, job, position, index, &mut reading).await?;
    Ok(Found { first, lines: reading.lines, reaches_end })
}

/// So many lines that end where one begins; none where they are too long.
async fn right_before(tx: &mut Tx, job: JobId, index: &Index, line: i64, lines: usize) -> Result<Vec<Vec<u8>>> {
    let first = line.saturating_sub(i64::try_from(lines).unwrap_or(i64::MAX)).max(1);
    let lines = usize::try_from(line.saturating_sub(first)).unwrap_or(0);
    if lines == 0 {
        return Ok(Vec::new());
    }
    let wanted = LogWindow { first, lines, bytes: MAX_BEFORE, before: 0 };
    let found = part(tx, job, index, first, wanted).await?;
    Ok(if found.lines.len() == lines { found.lines } else { Vec::new() })
}

/// The last lines that there is room for.
async fn last_part(tx: &mut Tx, job: JobId, index: &Index, wanted: LogWindow) -> Result<Found> {
    let most = i64::try_from(wanted.lines).unwrap_or(i64::MAX);
    // Behind the last line break there may be one line more.
    let behind = index.ended().saturating_add(1);
    let first = behind.saturating_sub(most).max(index.first_within_reach()).min(behind).max(1);
    let all = LogWindow { lines: wanted.lines.saturating_add(1), bytes: usize::MAX, ..wanted };
    let mut found = part(tx, job, index, first, all).await?;
    let mut room = wanted.bytes;
    let sizes = found.lines.iter().rev().map(|line| line.len().saturating_add(1)).take(wanted.lines);
    let fitting = sizes.take_while(|size| room.checked_sub(*size).inspect(|left| room = *left).is_some()).count();
    let left_out = found.lines.len().saturating_sub(fitting.max(1));
    found.lines.drain(..left_out);
    found.first = found.first.saturating_add(i64::try_from(left_out).unwrap_or(i64::MAX));
    Ok(found)
}

/// What has been taken of a log.
struct Reading {
    wanted: LogWindow,
    /// How many line breaks still stand before the first line.
    left_out: i64,
    lines: Vec<Vec<u8>>,
    /// The line that has not ended.
    line: Vec<u8>,
    /// Whether more of it came than is answered, and whether what comes next begins it anew.
    is_cut: bool,
    has_returned: bool,
    /// Bytes of the lines that were taken.
    taken: usize,
}

impl Reading {
    fn is_full(&self) -> bool {
        self.lines.len() >= self.wanted.lines || self.taken >= self.wanted.bytes
    }

    const fn new(wanted: LogWindow, left_out: i64) -> Self {
        Self { wanted, left_out, lines: Vec::new(), line: Vec::new(), is_cut: false, has_returned: false, taken: 0 }
    }

    /// Takes bytes in; says whether that is all that was wanted.
    fn take(&mut self, content: &[u8]) -> bool {
        let mut rest = content;
        for at in memchr_iter(b'\n', content) {
            let (text, behind) = rest.split_at_checked(at - (content.len() - rest.len())).unwrap_or((rest, &[]));
            rest = behind.get(1..).unwrap_or_default();
            if self.left_out > 0 {
                self.left_out -= 1;
                continue;
            }
            self.add(text);
            self.end_line();
            if self.is_full() {
                return true;
            }
        }
        if self.left_out == 0 {
            self.add(rest);
        }
        false
    }

    /// Adds to the line that has not ended. Once one is longer than is answered, each carriage return begins it anew: what was written over a
    /// million times has its end shown and not its beginning.
    fn add(&mut self, text: &[u8]) {
        if !self.is_cut && self.line.len().saturating_add(text.len()) <= MAX_LINE {
            self.line.extend_from_slice(text);
            self.has_returned = self.line.ends_with(b"\r");
            return;
        }
        for part in text.split_inclusive(|byte| *byte == b'\r') {
            if self.is_cut && self.has_returned && part != b"\r" {
                self.line.clear();
            }
            self.has_returned = part.ends_with(b"\r");
            let room = MAX_LINE.saturating_sub(self.line.len()).min(part.len());
            self.is_cut |= room < part.len();
            self.line.extend_from_slice(part.get(..room).unwrap_or_default());
        }
    }

    fn end_line(&mut self) {
        (self.is_cut, self.has_returned) = (false, false);
        self.taken = self.taken.saturating_add(self.line.len()).saturating_add(1);
        self.lines.push(std::mem::take(&mut self.line));
    }
}

/// Reads from a position on until all is there that was wanted; says whether that is all there is.
async fn read(tx: &mut Tx, job: JobId, from: i64, index: &Index, reading: &mut Reading) -> Result<bool> {
    let (mut at, mut bytes, mut count) = (from, 0_usize, 0_i64);
    while at < index.end() {
        let at_once = index.at_once(at);
        let pieces: Vec<Chunk> = log::from(tx, job, at, at_once).await?;
        count = count.saturating_add(at_once);
        let (content, next, _) = join(pieces, at, index.over_gaps);
        if next == at {
            break;
        }
        let is_full = reading.take(&content);
        (at, bytes) = (next, bytes.saturating_add(content.len()));
        if is_full {
            // What was read behind the last line that was wanted is more than there is to show.
            let shown = i64::try_from(reading.lines.len()).unwrap_or(i64::MAX);
            let first = reading.wanted.first.clamp(1, index.ended().saturating_add(1));
            let is_last = first.saturating_add(shown) > index.ended();
            return Ok(is_last && at >= index.end() && content.ends_with(b"\n"));
        }
        if bytes >= MAX_READ || count >= MAX_PIECES {
            // A line that has others before it begins the next page.
            if reading.lines.is_empty() {
                reading.end_line();
            }
            return Ok(false);
        }
    }
    if !reading.line.is_empty() {
        reading.end_line();
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: i64, end: i64, breaks: i64) -> Lines {
        Lines { place: start..end, breaks }
    }

    #[test]
    fn a_line_is_looked_for_in_the_piece_before_whose_end_it_begins() {
        let index = Index::of(vec![piece(0, 10, 2), piece(10, 20, 0), piece(20, 30, 3)], false);
        assert_eq!((index.ended(), index.end()), (5, 30));
        for (line, beginning) in [(1, (0, 0)), (2, (0, 1)), (3, (0, 2)), (4, (20, 1)), (6, (20, 3)), (7, (0, 0))] {
            assert_eq!(index.beginning(line), beginning, "{line}");
        }
        assert_eq!(Index::of(Vec::new(), true).beginning(1), (0, 0));
    }

    #[test]
    fn of_small_pieces_many_are_read_at_once_and_of_large_ones_few() {
        let of =
            |size: i64, count: i64| (0..count).map(move |at| piece(at * size, (at + 1) * size, 0)).collect::<Vec<_>>();
        let index = Index::of(of(log::MAX_PIECE, 9), false);
        assert_eq!(index.at_once(0), 4);
        assert_eq!(index.at_once(8 * log::MAX_PIECE), 1);
        let index = Index::of(of(1, PIECES_AT_ONCE + 9), false);
        assert_eq!(index.at_once(0), PIECES_AT_ONCE);
        assert_eq!(index.at_once(PIECES_AT_ONCE), 9);
        assert_eq!(index.at_once(i64::MAX), 1, "there is progress");
    }

    #[test]
    fn what_is_behind_a_gap_counts_once_the_job_has_ended() {
        let pieces = || vec![piece(0, 10, 1), piece(2, 8, 1), piece(12, 20, 4)];
        assert_eq!(Index::of(pieces(), false).ended(), 1);
        assert_eq!(Index::of(pieces(), true).ended(), 5);
    }

    #[test]
    fn lines_are_cut_where_they_are_too_long_and_counted_all_the_same() {
        let wanted = LogWindow { first: 2, lines: 2, bytes: usize::MAX, before: 0 };
        let mut reading = Reading::new(wanted, 1);
        let long = vec![b'a'; MAX_LINE + 1];
        assert!(!reading.take(b"one\ntw"));
        assert!(!reading.take(b"o\n"));
        assert!(!reading.take(&long));
        assert!(reading.take(b"\nfour\n"));
        assert_eq!(reading.lines, [b"two".to_vec(), vec![b'a'; MAX_LINE]]);
    }
    #[test]
    fn of_a_line_that_was_written_over_for_long_its_end_is_answered() {
        let wanted = LogWindow { first: 1, lines: 9, bytes: usize::MAX, before: 0 };
        let mut reading = Reading::new(wanted, 0);
        for percent in 0..20_000 {
            reading.take(format!("{percent} of 20000\r").as_bytes());
        }
        reading.take(b"done\r");
        reading.take(b"\nshort\rer\n");
        assert_eq!(reading.lines, [b"done\r".to_vec(), b"short\rer".to_vec()]);
    }

    #[test]
    fn the_last_part_begins_where_all_behind_can_be_read() {
        let of =
            |size: i64, count: i64| (0..count).map(move |at| piece(at * size, (at + 1) * size, 1)).collect::<Vec<_>>();
        assert_eq!(Index::of(of(10, 3), false).first_within_reach(), 1);
        assert_eq!(Index::of(Vec::new(), false).first_within_reach(), 1);
        let first = Index::of(of(log::MAX_PIECE, 1_000), false).first_within_reach();
        let read = usize::try_from((1_000 - first + 1) * log::MAX_PIECE).expect("a size");
        assert!(read < MAX_READ && read > MAX_READ / 2, "{first}: {read} bytes");
        let first = Index::of(of(1, 2 * MAX_PIECES), false).first_within_reach();
        assert!(2 * MAX_PIECES - first < MAX_PIECES && first > 1, "{first}");
    }
}
