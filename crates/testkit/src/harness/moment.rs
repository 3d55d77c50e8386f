//! The real clock, for tests of real processes. The only place of the test kit that looks at it.

use std::time::Duration;
pub use std::time::Instant;

/// The present moment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "real processes are raced and killed in real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits in real time.
#[expect(clippy::disallowed_methods, reason = "real processes are raced and killed in real time")]
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// How long ago a moment was.
#[must_use]
pub fn since(moment: Instant) -> Duration {
    now() - moment
}
