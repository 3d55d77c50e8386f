//! Jobs as their agents see them: taking one, reporting it, ending it.

mod accept;
mod cancel;
pub(crate) mod ending;
pub mod environment;
mod follow;
mod log;
mod log_extent;
mod log_lines;
mod prioritize;
mod report;
mod retry;
mod step;
mod update;
mod variables;

pub use accept::{Accepted, Acquired};
pub use countersign_store::jobs::Job;
pub use countersign_store::jobs::window::{Past, Pulse as JobPulse, Try};
pub use follow::MAX_TRIES;
pub use log::{LATE_CHUNKS, LogPart, MAX_CHUNK, MAX_LOG, NewChunk};
pub use log_extent::LogExtent;
pub use log_lines::{LogLines, LogWindow, MAX_LINE};
pub use prioritize::PRIORITIES;
pub use report::Finished;
