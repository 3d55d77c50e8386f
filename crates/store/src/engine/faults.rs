//! Faults to plant, so that a test of durability can show that it would notice.
//!
//! Only with the cargo feature `faults`, which no release has.

use std::{sync::OnceLock, time::Duration};

pub use super::sqlite::Synchronous;

/// What is wrong on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Success is told a moment before it is committed.
    pub acknowledge_early: bool,
    /// SQLite only: how far a commit goes before it is answered.
    pub synchronous: Synchronous,
}

impl Default for Faults {
    fn default() -> Self {
        Self { acknowledge_early: false, synchronous: Synchronous::Full }
    }
}

static PLANTED: OnceLock<Faults> = OnceLock::new();

impl Faults {
    /// Plants these in every store of this process whose options are made from now on: for a whole server that runs as a child of a
    /// test. Only the first call counts.
    pub fn plant(self) {
        PLANTED.get_or_init(|| self);
    }

    /// What was planted; nothing is wrong unless something was.
    pub(super) fn planted() -> Self {
        PLANTED.get().copied().unwrap_or_default()
    }
}

/// How long a planted lie stands before it becomes true: long enough for a kill to fall into.
const LIE: Duration = Duration::from_millis(50);

/// Waits on SQLite's writing thread.
#[expect(clippy::disallowed_methods, reason = "in a planted fault that no release has")]
pub(super) fn linger() {
    std::thread::sleep(LIE);
}

/// Waits in one of PostgreSQL's tasks.
#[expect(clippy::disallowed_methods, reason = "in a planted fault that no release has")]
pub(super) async fn linger_in_task() {
    tokio::time::sleep(LIE).await;
}
