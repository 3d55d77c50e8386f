//! Waiting for bytes that travel: as long as it takes, while they get on.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use countersign_control::Error;
use countersign_domain::{Clock, Timestamp};
use countersign_http::outgoing::{SLOWEST, STEP_TIME, slowest_end};
use http_body_util::BodyExt;

/// How many bytes make progress: an upload has [`STEP_TIME`] for each, and for its end.
pub(super) const STEP: u64 = 64 * 1024;

/// The bytes of a request, one piece after the other.
pub(super) struct Pieces {
    body: Body,
    clock: Arc<dyn Clock>,
    began: Timestamp,
    /// When the step under way must have ended.
    until: Timestamp,
    /// Bytes of it so far.
    step: u64,
    /// Bytes in all.
    moved: u64,
}

impl Pieces {
    pub fn new(body: Body, clock: Arc<dyn Clock>) -> Self {
        let began = clock.now();
        Self { body, clock, began, until: began.plus(STEP_TIME), step: 0, moved: 0 }
    }

    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let until = self.until.min(slowest_end(self.began, self.moved));
            let left = until.since(self.clock.now());
            let frame = tokio::select! {
                // What has come is not late because the store took its time before.
                biased;
                frame = self.body.frame() => frame,
                () = self.clock.sleep(left) => return Err(self.too_slow()),
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|_| Error::Conflict("The upload was cut off; send it again.".to_owned()))?;
            // Trailers say nothing here.
            let Ok(bytes) = frame.into_data() else { continue };
            self.moved += bytes.len() as u64;
            self.step += bytes.len() as u64;
            if self.step >= STEP {
                self.step = 0;
                self.until = self.clock.now().plus(STEP_TIME);
            }
            return Ok(Some(bytes));
        }
    }

    fn too_slow(&self) -> Error {
        let seconds = STEP_TIME.as_secs();
        Error::Conflict(if self.clock.now() >= self.until {
            format!("The upload does not get on: less than {STEP} bytes came in {seconds} s.")
        } else {
            format!("The upload is too slow: less than {SLOWEST} bytes a second came, over its whole time.")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countersign_testkit::ManualClock;
    use futures_util::{StreamExt, stream};

    use super::*;

    /// An upload whose pieces come in these steps of time: how many are taken, and what was wrong in the end.
    async fn taken(size: usize, every: Duration) -> (usize, Option<String>) {
        let clock = Arc::new(ManualClock::default());
        let moving = clock.clone();
        let body = Body::from_stream(stream::iter(0..20).then(move |_| {
            let clock = moving.clone();
            async move {
                clock.advance(every);
                // What waits by the clock comes first.
                tokio::task::yield_now().await;
                Ok::<_, std::io::Error>(Bytes::from(vec![0; size]))
            }
        }));
        let mut pieces = Pieces::new(body, clock);
        let mut count = 0;
        loop {
            match pieces.next().await {
                Ok(Some(_)) => count += 1,
                Ok(None) => return (count, None),
                Err(error) => return (count, Some(error.to_string())),
            }
        }
    }

    #[tokio::test]
    async fn it_goes_on_while_it_gets_on() {
        let step = usize::try_from(STEP).expect("it fits");
        assert_eq!(taken(step, Duration::from_secs(4)).await, (20, None), "16 KiB a second");
        let (count, why) = taken(step, Duration::from_secs(20)).await;
        assert!(why.is_some_and(|it| it.contains("too slow")), "3 KiB a second");
        assert_eq!(count, 3, "a minute, and four seconds for each piece");
        let (count, why) = taken(1, Duration::from_secs(20)).await;
        assert!(why.is_some_and(|it| it.contains("does not get on")) && count < 4, "{count}");
    }
}
