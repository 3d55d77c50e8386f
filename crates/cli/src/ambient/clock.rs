//! The real clock.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime},
};

use countersign_domain::{Clock, Timestamp, clock::Sleep};

/// How long a sleep until a moment goes on before it looks at the clock again, which somebody may have set.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The system's clock, held so that it never goes backwards within the process: when somebody sets it back, it stands still
/// until the time is reached again.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: std::sync::Arc<AtomicI64>,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn read(latest: &AtomicI64) -> Timestamp {
        let micros = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            // A clock before 1970 was never set.
            Err(_) => 0,
        };
        let before = latest.fetch_max(micros, Ordering::AcqRel);
        Timestamp::from_micros(before.max(micros))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Self::read(&self.latest)
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let latest = self.latest.clone();
        Box::pin(async move {
            loop {
                let left = at.since(Self::read(&latest));
                if left.is_zero() {
                    return;
                }
                pause(left.min(LOOK_AGAIN)).await;
            }
        })
    }

    /// By the monotonic clock: setting the time does not stretch it.
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(pause(duration))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_backwards() {
        let clock = SystemClock::default();
        let ahead = clock.now().plus(Duration::from_secs(60));
        clock.latest.store(ahead.as_micros(), Ordering::Release);
        assert_eq!(clock.now(), ahead, "the system's clock is behind what was told before");
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_is_not_waited_for() {
        let clock = SystemClock::default();
        clock.sleep_until(Timestamp::EPOCH).await;
        let wanted = clock.now().plus(Duration::from_millis(20));
        clock.sleep_until(wanted).await;
        assert!(clock.now() >= wanted);
    }
}
