//! Waiting for the bytes of an upload: as long as it takes, while it gets on.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use countersign_control::Error;
use countersign_domain::{Clock, Timestamp};
use http_body_util::BodyExt;

/// How long the next [`STEP`] of an upload, or its end, may take.
pub(super) const STEP_TIME: Duration = Duration::from_secs(60);
/// How many bytes make progress.
pub(super) const STEP: u64 = 64 * 1024;

/// The bytes of a request, one piece after the other.
pub(super) struct Pieces {
    body: Body,
    clock: Arc<dyn Clock>,
    /// When the step under way must have ended.
    until: Timestamp,
    /// Bytes of it so far.
    step: u64,
}

impl Pieces {
    pub fn new(body: Body, clock: Arc<dyn Clock>) -> Self {
        let until = clock.now().plus(STEP_TIME);
        Self { body, clock, until, step: 0 }
    }

    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let left = self.until.since(self.clock.now());
            let frame = tokio::select! {
                frame = self.body.frame() => frame,
                () = self.clock.sleep(left) => {
                    return Err(Error::Conflict(format!(
                        "The upload does not get on: less than {STEP} bytes came in {} s.",
                        STEP_TIME.as_secs()
                    )));
                }
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|_| Error::Conflict("The upload was cut off; send it again.".to_owned()))?;
            // Trailers say nothing here.
            let Ok(bytes) = frame.into_data() else { continue };
            self.step += bytes.len() as u64;
            if self.step >= STEP {
                self.step = 0;
                self.until = self.clock.now().plus(STEP_TIME);
            }
            return Ok(Some(bytes));
        }
    }
}
