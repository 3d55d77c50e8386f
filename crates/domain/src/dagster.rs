//! What is decided of agents that Dagster+ agents are, of what they load, and of what they are asked to do.

mod location;
mod repository;
mod request;
mod run;
mod snapshot;

pub use location::{BadDefinition, Definition, LocationState, MAX_CONTAINER_CONTEXT, MAX_FIELD};
pub use repository::{JobRef, MAX_JOBS, jobs_of, names_of_jobs};
pub use request::{AGAIN_AFTER, MAX_OFFERS, RequestKind, RequestState};
pub use run::{
    LostBecause, MAX_IDEMPOTENCY_KEY, MAX_JOB, MAX_RUN_CONFIG, MAX_RUN_EVENT, MAX_RUN_EVENT_BYTES, MAX_RUN_EVENTS,
    MAX_RUN_LOG, MAX_RUN_LOG_BYTES, MAX_RUN_LOGS, MAX_RUN_ORIGIN, MAX_RUN_TAG_BYTES, MAX_RUN_TAG_KEY,
    MAX_RUN_TAG_VALUE, MAX_RUN_TAGS, NotARunStatus, RUN_KEPT, RUN_SILENT_FOR, RUN_STARTS_WITHIN, RunEvent, RunStatus,
};
pub use snapshot::{
    BadPacked, MAX_SNAPSHOT, MAX_SNAPSHOT_PACKED, SnapshotKind, most_packed, pack, unpack_each, unpack_text,
};

use std::time::Duration;

use crate::Timestamp;

/// How long after its last heartbeat an agent is taken to run. It sends one every 30 s; when a call fails it may be busy for 63 s with trying it
/// again.
pub const RUNNING_FOR: Duration = Duration::from_secs(5 * 60);

/// Whether an agent, or any of several, runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentStatus {
    /// Nothing was ever heard.
    NeverSeen,
    /// Nothing was heard for [`RUNNING_FOR`].
    NotRunning,
    /// It was heard a moment ago.
    Running,
}

impl AgentStatus {
    /// By the last heartbeat.
    #[must_use]
    pub fn of(last_heartbeat: Option<Timestamp>, now: Timestamp) -> Self {
        match last_heartbeat {
            None => Self::NeverSeen,
            Some(at) if now.since(at) < RUNNING_FOR => Self::Running,
            Some(_) => Self::NotRunning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_are_the_border() {
        let at = Timestamp::EPOCH.plus(Duration::from_secs(1_000_000));
        let after = |silence: Duration| AgentStatus::of(Some(at), at.plus(silence));
        assert_eq!(after(Duration::ZERO), AgentStatus::Running);
        assert_eq!(after(RUNNING_FOR - Duration::from_micros(1)), AgentStatus::Running);
        assert_eq!(after(RUNNING_FOR), AgentStatus::NotRunning);
        assert_eq!(AgentStatus::of(None, at), AgentStatus::NeverSeen);
        // A clock that was set back makes nobody silent.
        assert_eq!(AgentStatus::of(Some(at), at.minus(RUNNING_FOR)), AgentStatus::Running);
    }
}
