//! Waiting for a job: whether to ask again at once, and since when no worker has had anything to do.
//!
//! A job starts at once because the server holds the ping of an idle agent until there is one, and the agent asks again as soon as a held ping
//! was answered. That the answer took its time is all the sign there is, so nothing has to be agreed on: a server that holds no pings answers at
//! once, and is asked at the interval that it gave. The streaming call would save a request every few seconds; it would also need a second
//! protocol in the agent, and this one as its fallback all the same.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use countersign_domain::Timestamp;

/// An answer that took longer than this was held: no server takes that long over one that it could give at once, and if it does, the next ping
/// comes no sooner than this.
const HELD: Duration = Duration::from_secs(1);

/// Whether a ping that was sent at one time and answered at another was held open for a job to come.
pub(super) fn was_held(sent: Timestamp, answered: Timestamp) -> bool {
    answered.since(sent) >= HELD
}

/// Shared by the workers of one agent: they leave together, when all of them have been idle for long enough.
pub(super) struct IdleWatch(Mutex<Vec<State>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Busy,
    IdleSince(Timestamp),
    Left,
}

impl IdleWatch {
    pub fn new(workers: u32) -> Self {
        Self(Mutex::new((0..workers).map(|_| State::Busy).collect()))
    }

    /// The worker waits for a job. Repeating it changes nothing.
    pub fn idle(&self, worker: u32, now: Timestamp) {
        self.with(worker, |state| {
            if *state == State::Busy {
                *state = State::IdleSince(now);
            }
        });
    }

    /// The worker has a job, is paused, or has no session.
    pub fn busy(&self, worker: u32) {
        self.with(worker, |state| *state = State::Busy);
    }

    /// The worker has ended and is waited for no more.
    pub fn left(&self, worker: u32) {
        self.with(worker, |state| *state = State::Left);
    }

    /// Whether every worker that is still there has been idle for `limit`.
    pub fn all_idle_for(&self, limit: Duration, now: Timestamp) -> bool {
        let workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.iter().all(|state| match state {
            State::Busy => false,
            State::IdleSince(since) => now.since(*since) >= limit,
            State::Left => true,
        })
    }

    fn with(&self, worker: u32, change: impl FnOnce(&mut State)) {
        let index = usize::try_from(worker.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = workers.get_mut(index) {
            change(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_ping_is_known_by_its_time() {
        let at = Timestamp::from_micros;
        assert!(!was_held(at(0), at(999_999)) && was_held(at(0), at(1_000_000)));
        assert!(!was_held(at(5_000_000), at(0)), "the clock was set back");
    }

    #[test]
    fn all_must_be_idle_and_the_last_one_counts() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let limit = Duration::from_secs(10);
        let watch = IdleWatch::new(3);
        watch.idle(1, at(0));
        watch.idle(2, at(5));
        assert!(!watch.all_idle_for(limit, at(100)), "the third is busy");
        watch.left(3);
        watch.idle(2, at(50));
        assert!(!watch.all_idle_for(limit, at(14)) && watch.all_idle_for(limit, at(15)));
        watch.busy(1);
        assert!(!watch.all_idle_for(limit, at(100)));
    }
}
