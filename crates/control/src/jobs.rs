//! Jobs as their agents see them: taking one, reporting it, ending it.

mod accept;
mod cancel;
pub(crate) mod ending;
pub mod environment;
mod log;
mod report;
mod retry;
mod step;
mod update;

pub use accept::{Accepted, Acquired};
pub use countersign_store::jobs::Job;
pub use log::{LATE_CHUNKS, LogPart, MAX_CHUNK, MAX_LOG, NewChunk};
pub use report::Finished;
