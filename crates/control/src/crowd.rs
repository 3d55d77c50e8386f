//! Keeps the calls of one agent from crowding out everybody else's.
//!
//! Writes of one agent take turns in the database, and one that waits there holds a connection; reads of one take the threads that all
//! others read with. So only a few of them are let in at a time; the others wait here, where waiting costs nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many writes of one agent are under way at one time: its log has three, and one more for the rest.
pub(crate) const WRITES_AT_ONCE: usize = 4;
/// How many reads of one agent, its job's among them, are under way at one time. Each is short; there are four threads for all.
pub(crate) const READS_AT_ONCE: usize = 2;

/// Those who call, by agent or by job, with a few calls of each at a time.
#[derive(Debug)]
pub(crate) struct Crowd<K> {
    at_once: usize,
    places: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// A place among the calls of one, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a, K: Copy + Eq + Hash> {
    crowd: &'a Crowd<K>,
    who: K,
    permit: Option<OwnedSemaphorePermit>,
}

impl<K: Copy + Eq + Hash> Crowd<K> {
    /// With so many places for each.
    pub(crate) fn new(at_once: usize) -> Self {
        Self { at_once, places: Mutex::default() }
    }

    /// Waits for a place.
    pub(crate) async fn enter(&self, who: K) -> Place<'_, K> {
        let places = {
            let mut all = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(who).or_insert_with(|| Arc::new(Semaphore::new(self.at_once))).clone()
        };
        // It is never closed.
        Place { crowd: self, who, permit: places.acquire_owned().await.ok() }
    }
}

impl<K: Copy + Eq + Hash> Drop for Place<'_, K> {
    fn drop(&mut self) {
        self.permit.take();
        let mut all = self.crowd.places.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits holds the semaphore too; with nobody left its entry goes, so that the map is as large as what is under way.
        if all.get(&self.who).is_some_and(|places| Arc::strong_count(places) == 1) {
            all.remove(&self.who);
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::id::AgentId;

    use super::*;

    #[tokio::test]
    async fn a_few_at_a_time_and_nothing_is_left_behind() {
        let crowd = Crowd::new(WRITES_AT_ONCE);
        let (one, other) = (AgentId::nil(), AgentId::from_bytes([1; 16]));
        let mut held = Vec::new();
        for _ in 0..WRITES_AT_ONCE {
            held.push(crowd.enter(one).await);
        }
        let next = tokio::time::timeout(std::time::Duration::from_millis(20), crowd.enter(one)).await;
        assert!(next.is_err(), "one more has to wait");
        drop(crowd.enter(other).await);
        held.pop();
        drop(crowd.enter(one).await);
        held.clear();
        assert!(crowd.places.lock().expect("nobody panicked").is_empty());
    }
}
