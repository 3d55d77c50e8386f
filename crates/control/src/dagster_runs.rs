//! Runs of jobs of code locations.
//!
//! ```text
//! launch ── a row, and a request ──> an agent takes it: the run is its token's ── events of its worker ──> success, failure, canceled
//!                                                                             └── the token goes ──────> lost, with the reason and the time
//! ```
//!
//! No call says where a run stands: that follows from the events that its worker stores. A worker shows the token of the agent that started it, so
//! whoever takes that token back ends the run with it; then its worker can tell nothing more, and the run is shown as lost.
//!
//! Rows are locked in one order, or two operations would wait for each other: the deployment, runs by their ids, then the requests about them.

mod events;
mod launch;
mod list;
mod logs;
mod lost;
mod own;
mod plain;
mod records;
mod tags;
mod terminate;

pub use countersign_store::dagster_runs::DagsterRun;
pub use countersign_store::dagster_runs::events::RunEventRow;
pub use countersign_store::dagster_runs::logs::RunLog;
pub use events::{MAX_EVENTS_AT_ONCE, MAX_RUNS_AT_ONCE, NewEvent};
pub use launch::{Launched, MAX_OPEN_RUNS, MAX_RUNS, NewRun};
pub use list::MAX_EVENT_PAGE;
pub use logs::{IncomingLog, LATE_LOGS, LogAddress, NewLog, OutgoingLog};
pub(crate) use lost::{answered, give, hold, lose, lose_of_deployment, lose_of_token, lose_outside, worker_failed};
pub use own::Of;
pub use records::{MAX_RECORDS, Records, RunsWanted};
pub use terminate::Termination;
