//! The step graph: which steps a build has, what waits for what, and what each event changes.
//!
//! Everything here looks at one step at a time. A [`Message`] reaches a [`Step`], which changes itself and the build's [`Tally`] and
//! says by [`Effect`]s who is to hear of it. Whoever keeps the steps — the store, or a test in memory — carries those messages on until
//! there are none left. So an event costs what it touches, however large the build is.
//!
//! ```text
//!                        dependencies ended                    jobs ended, a person answered,
//!            Waiting ──────────────────────────> Open, Asking ── the triggered build ended ──> Ended ── members ended ──> settled
//!               └── dependencies failed, canceled, dropped ──────────────────────────────────────^
//! ```
//!
//! A step that has *ended* has done its own work; it is *settled* once the steps beneath it have ended too: a group's members, and what
//! a command step has uploaded. Those who wait for a step wait until it is settled, so that a wait also waits for uploads.

mod answer;
mod deadlock;
mod layout;
mod limit;
mod retry;
mod step;
mod tally;
#[cfg(test)]
mod tests;
mod words;

pub use deadlock::{Awaited, Deadlock, Search};
pub use layout::{Ancestor, At, Gate, Laid, LayoutError, NewEdge, Ref, lay};
pub use limit::{Contender, MAX_LIMIT, admit};
pub use retry::{Failure, retries, soft_fails};
pub use step::{Effect, Message, Reaction, Step};
pub use tally::Tally;
pub use words::{Count, Ending, Kind, NotAWord, Outcome, Relation, StepState, Tolerance, Verdict};
