//! Turns: first come, first served, between those who only need a thing to stay as it is and one who changes it.
//!
//! PostgreSQL's row locks are not fair: a stream of `FOR SHARE` lets each newcomer in beside those who hold it, so that an
//! `UPDATE` of the row never gets its place while agents keep registering. Its advisory locks queue. SQLite's one writer needs no turns.

use countersign_domain::Id;

use super::sql::Sql;

/// How a turn is held. Until the transaction ends in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Beside others who share it: the thing stays as it is.
    Shared,
    /// After all who came before, and before all who come after: the thing is changed.
    Alone,
}

const SHARED: Sql =
    Sql { name: "countersign_store::engine::turn::SHARED", text: "SELECT pg_advisory_xact_lock_shared($1)" };
const ALONE: Sql = Sql { name: "countersign_store::engine::turn::ALONE", text: "SELECT pg_advisory_xact_lock($1)" };

impl Turn {
    pub(super) const fn sql(self) -> Sql {
        match self {
            Self::Shared => SHARED,
            Self::Alone => ALONE,
        }
    }
}

/// The number of a thing's lock: the random end of its id. Two things that met in one would only wait for each other.
pub(super) fn number<T>(of: Id<T>) -> i64 {
    let bytes = of.as_bytes();
    i64::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]])
}
