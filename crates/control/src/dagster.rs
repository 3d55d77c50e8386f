//! Agents that Dagster+ agents are: what they ask, and what people see of them.
//!
//! ```text
//! Agents · Deployments ── then, for ever: requests every 0.5 s, workspace every 5 s, heartbeat every 30 s
//! ```
//!
//! They know no session. Each call shows the agent token and names the deployments that it is about, and each is decided by what the token
//! reaches at that moment ([`Reached`]): so whatever is taken from a token is gone with the agent's next call. Only heartbeats, requests that are
//! given out, and what an agent answers and tells are written.

mod alive;
mod deployments;
mod heartbeat;
mod list;
pub(crate) mod reach;
mod requests;
mod snapshots;
mod whole;
mod workspace;

pub use alive::{Alive, MAX_ALIVE};
pub use countersign_store::dagster_agents::search::{Loaded, Served};
pub use countersign_store::dagster_agents::{AgentName, CodeServer, DagsterAgent, RunWorker, Trouble};
pub use countersign_store::dagster_snapshots::Snapshot;
pub use heartbeat::{Heartbeat, MAX_CODE_SERVERS, MAX_ERRORS, MAX_NAME, MAX_RUN_WORKERS, MAX_TEXT, MAX_TEXTS, Task};
pub use list::Serving;
pub use reach::{MAX_DEPLOYMENTS, MAX_QUEUES, Reached, Wanted, Withheld};
pub use requests::{Answer, Given, KEPT, MAX_CALLED, MAX_GIVEN, MAX_OF_DEPLOYMENT, MAX_WHY, Work};
pub use snapshots::{
    ANNOUNCED_KEPT, Checked, Incoming, MAX_ANNOUNCED, MAX_ANNOUNCED_BYTES, MAX_ERROR_SNAPSHOT, MAX_SNAPSHOT_BYTES,
    MAX_SNAPSHOTS, NewSnapshot, UNUSED_KEPT, named, uri,
};
pub use whole::{Room, Whole};
pub use workspace::{MAX_WORKSPACE, Workspace};
