//! Operations that wait for a thread.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::engine::{
    error::StoreError,
    operation::{Job, Lane},
};

/// How many operations may wait in each lane. Beyond it a caller is told to come again: the disk does not keep up.
const WAITING_MAX: usize = 16_384;

/// The lanes, closed once.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    urgent: VecDeque<Box<dyn Job>>,
    soon: VecDeque<Box<dyn Job>>,
    normal: VecDeque<Box<dyn Job>>,
    closed: bool,
}

impl Waiting {
    fn next(&mut self) -> Option<Box<dyn Job>> {
        self.urgent.pop_front().or_else(|| self.soon.pop_front()).or_else(|| self.normal.pop_front())
    }
}

impl Queue {
    /// Puts an operation at the end of its lane.
    pub(super) fn push(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(StoreError::closed());
        }
        let lane = match job.lane() {
            Lane::Urgent => &mut waiting.urgent,
            Lane::Soon => &mut waiting.soon,
            Lane::Normal => &mut waiting.normal,
        };
        if lane.len() >= WAITING_MAX {
            return Err(StoreError::unavailable(format_args!("{WAITING_MAX} operations are waiting already")));
        }
        lane.push_back(job);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next operation, when there is one; `None` when the queue is closed and empty.
    pub(super) fn wait(&self) -> Option<Box<dyn Job>> {
        let mut waiting = self.waiting();
        loop {
            if let Some(job) = waiting.next() {
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next operation, if one is waiting.
    pub(super) fn next(&self) -> Option<Box<dyn Job>> {
        self.waiting().next()
    }

    /// Lets nothing in any more; what waits is still served.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.arrived.notify_all();
    }

    /// Whether nothing is let in any more: closed, or its thread is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.waiting().closed
    }

    /// Closes, and throws away what waits: its callers are told that the store is closed.
    fn abandon(&self) {
        self.close();
        while self.next().is_some() {}
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by a thread that serves a queue, so that nobody waits for a thread that is gone.
pub(super) struct Serving<'a>(pub(super) &'a Queue);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
