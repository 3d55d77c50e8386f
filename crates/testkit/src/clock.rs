//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use countersign_domain::clock::Sleep;
use countersign_domain::{Clock, Timestamp};
use tokio::sync::{Notify, oneshot};

/// How long somebody is waited for who is to sleep: far longer than anything takes that is done before.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that a test sets. Whoever sleeps by it wakes when it is moved far enough.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    sleepers: Mutex<Vec<(Timestamp, oneshot::Sender<()>)>>,
    /// Rung when another sleeps.
    asleep: Notify,
}

impl Default for ManualClock {
    /// Stands at 2026-01-02T03:04:05Z.
    fn default() -> Self {
        Self { now: AtomicI64::new(1_767_323_045_000_000), sleepers: Mutex::new(Vec::new()), asleep: Notify::new() }
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

    /// Waits until somebody sleeps by this clock, and answers when the first of those who do is to be woken: whoever does something and then
    /// sleeps has done it by then.
    ///
    /// # Panics
    /// When nobody does for a minute.
    pub async fn until_one_sleeps(&self) -> Timestamp {
        let found = async {
            loop {
                let asleep = self.asleep.notified();
                if let Some(first) = self.first_to_wake() {
                    return first;
                }
                asleep.await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("somebody sleeps")
    }

    /// When the first of those is to be woken who sleep and have not given up since.
    fn first_to_wake(&self) -> Option<Timestamp> {
        let sleepers = self.sleepers.lock().expect("no test panics while it holds this");
        sleepers.iter().filter(|(_, wake)| !wake.is_closed()).map(|(at, _)| *at).min()
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
        self.asleep.notify_waiters();
        Box::pin(async move {
            let _ = woken.await;
        })
    }
}
