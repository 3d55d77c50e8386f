//! Keeps the calls of one agent from crowding out everybody else's.
//!
//! Writes of one agent take turns in the database, and one that waits there holds a connection. So only a few of them are let in at a time;
//! the others wait here, where waiting costs nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::id::AgentId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many writes of one agent are under way at one time: its log has three, and one more for the rest.
const AT_ONCE: usize = 4;

/// The agents that write.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    places: Mutex<HashMap<AgentId, Arc<Semaphore>>>,
}

/// A place among an agent's writes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    crowd: &'a Crowd,
    agent: AgentId,
    permit: Option<OwnedSemaphorePermit>,
}

impl Crowd {
    /// Waits for a place.
    pub(crate) async fn enter(&self, agent: AgentId) -> Place<'_> {
        let places = {
            let mut all = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(agent).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone()
        };
        // It is never closed.
        Place { crowd: self, agent, permit: places.acquire_owned().await.ok() }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.permit.take();
        let mut all = self.crowd.places.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits holds the semaphore too; with nobody left its entry goes, so that the map is as large as what is under way.
        if all.get(&self.agent).is_some_and(|places| Arc::strong_count(places) == 1) {
            all.remove(&self.agent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_few_at_a_time_and_nothing_is_left_behind() {
        let crowd = Crowd::default();
        let (one, other) = (AgentId::nil(), AgentId::from_bytes([1; 16]));
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
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
