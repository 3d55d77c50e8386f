//! Jobs as their agents see them: taking one, reporting it, ending it.

mod accept;
pub mod environment;
mod log;
mod report;

pub use accept::Accepted;
pub use countersign_store::jobs::Job;
pub use log::{LogPart, MAX_CHUNK, MAX_LOG, NewChunk};
pub use report::Finished;
