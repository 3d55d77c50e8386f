//! Faults to plant, so that a test of durability can show that it would notice.
//!
//! Only with the cargo feature `faults`, which no release has.

use std::time::Duration;

pub use super::sqlite::Synchronous;

/// What is wrong on purpose. SQLite only.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Success is told a moment before it is committed.
    pub acknowledge_early: bool,
    /// How far a commit goes before it is answered.
    pub synchronous: Synchronous,
}

impl Default for Faults {
    fn default() -> Self {
        Self { acknowledge_early: false, synchronous: Synchronous::Full }
    }
}

/// How long a planted lie stands before it becomes true: long enough for a kill to fall into.
const LIE: Duration = Duration::from_millis(20);

#[expect(clippy::disallowed_methods, reason = "the writer's own thread, in a planted fault that no release has")]
pub(super) fn linger() {
    std::thread::sleep(LIE);
}
