//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use countersign_domain::clock::Sleep;
use countersign_domain::{Clock, Timestamp};
use tokio::sync::oneshot;

/// A clock that a test sets. Whoever sleeps by it wakes when it is moved far enough.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    sleepers: Mutex<Vec<(Timestamp, oneshot::Sender<()>)>>,
}

impl Default for ManualClock {
    /// Stands at 2026-01-02T03:04:05Z.
    fn default() -> Self {
        Self { now: AtomicI64::new(1_767_323_045_000_000), sleepers: Mutex::new(Vec::new()) }
    }
}

impl ManualClock {
    /// Moves on.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).expect("a test's step fits");
        self.set(Timestamp::from_micros(self.now.load(Ordering::SeqCst) + by));
    }

    /// Jumps.
    pub fn set(&self, to: Timestamp) {
        self.now.store(to.as_micros(), Ordering::SeqCst);
        let mut sleepers = self.sleepers.lock().expect("no test panics while it holds this");
        for (_, wake) in sleepers.extract_if(.., |(at, _)| *at <= to) {
            // Whoever has stopped waiting needs no waking.
            let _ = wake.send(());
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let (wake, woken) = oneshot::channel();
        let mut sleepers = self.sleepers.lock().expect("no test panics while it holds this");
        if self.now() >= at {
            return Box::pin(std::future::ready(()));
        }
        sleepers.push((at, wake));
        Box::pin(async move {
            let _ = woken.await;
        })
    }
}
