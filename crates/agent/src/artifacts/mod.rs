//! Artifacts: leaving files behind, and fetching what other jobs left.
//!
//! ```text
//! patterns ─► files ─► hashes ─► announced by thirty ─► bytes, a few at once ─► told how it ended
//! query ─► found ─► fetched, a few at once: a part beside its place, checked, then there
//! ```

mod collect;
mod content_type;
mod digest;
mod fetch;
mod place;
mod send;
mod tally;

use crate::{
    ambient::Ambient,
    api::{Api, CallError, Halt, Retry},
};

pub(crate) use collect::{File, Wanted, collect};
pub(crate) use fetch::{Fetching, fetch};
pub(crate) use send::{Sending, send};
pub use tally::{OnProgress, Progress, Tally};

/// What transfers are made with.
#[derive(Clone)]
pub(crate) struct Line<'a> {
    pub api: &'a Api,
    pub ambient: &'a Ambient,
    pub halt: &'a Halt,
}

impl Line<'_> {
    async fn call<T, F>(&self, retry: Retry, call: impl FnMut() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let failed = |error: &CallError| tracing::warn!(%error, "trying again");
        retry.run(self.ambient, self.halt, failed, call).await
    }
}
