//! Bytes that go out piece by piece: as long as it takes, while they get on.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use countersign_control::Error;
use countersign_control::artifacts::Download;
use countersign_control::dagster_runs::OutgoingLog;
use countersign_domain::{Clock, Timestamp};
use futures_util::{StreamExt, stream};

/// How long a step of a transfer, or its end, may take.
pub const STEP_TIME: Duration = Duration::from_secs(60);
/// The slowest that a transfer may be over its whole time, in bytes a second; its first [`STEP_TIME`] does not count. What only drips holds a
/// place that others wait for.
pub const SLOWEST: u64 = 16 * 1024;

/// Until when a transfer must have got on: one that moved so many bytes since it began.
#[must_use]
pub fn slowest_end(began: Timestamp, moved: u64) -> Timestamp {
    began.plus(STEP_TIME).plus(Duration::from_secs(moved / SLOWEST))
}

/// What is read piece by piece, from its beginning to its end.
pub trait Outgoing: Send + 'static {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// Whatever keeps them from being read; then nothing more goes out.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, Error>> + Send;
}

/// What is stored, and read from any place on.
pub trait Stored: Send + Sync + 'static {
    /// The first bytes of a range.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    fn piece(&self, range: Range<u64>) -> impl Future<Output = Result<Bytes, Error>> + Send;
}

impl Stored for Download {
    async fn piece(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.read(range).await
    }
}

impl Stored for OutgoingLog {
    async fn piece(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.read(range).await
    }
}

/// One piece at a time, read when the client has taken the one before. A fault in the middle cuts the connection, so that nobody takes a part for
/// the whole; so does a client that is too slow.
pub fn body(first: Bytes, rest: impl Outgoing, clock: Arc<dyn Clock>) -> Body {
    let began = clock.now();
    let moved = first.len() as u64;
    let rest =
        stream::try_unfold((rest, moved, Duration::ZERO, clock), move |(mut rest, moved, read, clock)| async move {
            // That a piece takes its time to be read is not the client's fault.
            let asked = clock.now();
            let is_slow = asked > slowest_end(began, moved).plus(read);
            let Some(piece) = rest.next().await? else { return Ok::<_, Error>(None) };
            let read = read + clock.now().since(asked);
            if is_slow {
                let why = format!("The download is too slow: less than {SLOWEST} bytes a second, over its whole time.");
                return Err(Error::Conflict(why));
            }
            let moved = moved + piece.len() as u64;
            Ok(Some((piece, (rest, moved, read, clock))))
        });
    Body::from_stream(stream::iter([Ok(first)]).chain(rest))
}

/// A range of what is stored. Its first bytes are read before the head is sent, so that what is missing is still told by a status.
pub fn body_of_range(stored: impl Stored, first: Bytes, range: Range<u64>, clock: Arc<dyn Clock>) -> Body {
    let mut left = range;
    left.start += first.len() as u64;
    body(first, Rest { stored, left }, clock)
}

struct Rest<S> {
    stored: S,
    left: Range<u64>,
}

impl<S: Stored> Outgoing for Rest<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let piece = self.stored.piece(self.left.clone()).await?;
        if piece.is_empty() {
            return Err(Error::internal("what is stored is shorter than it was"));
        }
        self.left.start += piece.len() as u64;
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use countersign_testkit::ManualClock;
    use http_body_util::BodyExt;

    use super::*;

    const PIECE: usize = 64 * 1024;

    /// So many bytes, read in pieces of [`PIECE`]; behind them there is nothing.
    struct Zeros(u64);

    impl Stored for Zeros {
        async fn piece(&self, range: Range<u64>) -> Result<Bytes, Error> {
            let end = range.end.min(self.0);
            let size = usize::try_from(end.saturating_sub(range.start)).expect("it fits");
            Ok(Bytes::from(vec![0; size.min(PIECE)]))
        }
    }

    /// A client that takes a piece each time so long after the one before: how many bytes it gets, and whether that is the whole.
    async fn taken(stored: Zeros, range: Range<u64>, every: Duration) -> (usize, bool) {
        let clock = Arc::new(ManualClock::default());
        let first = stored.piece(range.clone()).await.expect("it is there");
        let mut body = body_of_range(stored, first, range, clock.clone());
        let mut size = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return (size, false) };
            size += frame.into_data().expect("bytes").len();
            clock.advance(every);
        }
        (size, true)
    }

    #[tokio::test]
    async fn it_goes_on_while_it_is_taken() {
        let size = 20 * PIECE;
        let all = size as u64;
        assert_eq!(taken(Zeros(all), 0..all, Duration::from_secs(4)).await, (size, true), "16 KiB a second");
        assert_eq!(taken(Zeros(all), 5..all, Duration::ZERO).await, (size - 5, true), "a part");
        let (size, is_whole) = taken(Zeros(all), 0..all, Duration::from_secs(20)).await;
        assert_eq!((size, is_whole), (4 * PIECE, false), "3 KiB a second: a minute, and four seconds for each piece");
        assert_eq!(
            taken(Zeros(1), 0..1, Duration::from_secs(3_600)).await,
            (1, true),
            "nothing is left to be slow with"
        );
        assert_eq!(taken(Zeros(1), 0..2, Duration::ZERO).await, (1, false), "it is shorter than it was");
    }
}
