//! Since when no worker has had anything to do.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use countersign_domain::Timestamp;

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
