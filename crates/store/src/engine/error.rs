//! What can go wrong in the store.
//!
//! The variants keep two things apart that must never be confused: *no* (a constraint, a missing row) and *cannot tell*
//! ([`StoreError::is_cannot_tell`]), which a face answers with 503 and never with a denial. No variant holds a bound value.

use std::path::PathBuf;

use countersign_domain::Timestamp;

/// Why an operation on the store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A row with the same key is already there. Which key, the operation knows: engines differ in what they report.
    #[error("a row with the same key is already there")]
    UniqueViolation,
    /// A row refers to one that is not there, or one that is referred to was to be removed.
    #[error("a row that is referred to is not there, or is still referred to")]
    ForeignKey,
    /// A row that must be there is not.
    #[error("{statement} found no row")]
    NoRow {
        /// The name of the statement.
        statement: &'static str,
    },
    /// A column does not hold what the program expects.
    #[error("column {column} holds {found}, not {wanted}")]
    Decode {
        /// The column's name.
        column: String,
        /// The type that was asked for.
        wanted: &'static str,
        /// The kind of value that is there; never the value.
        found: &'static str,
    },
    /// The disk, or the file system's quota, is full.
    #[error("no space is left for the database; free some on its file system")]
    StorageFull,
    /// The database cannot be written to.
    #[error("the database cannot be written to: {why}")]
    ReadOnly {
        /// What stands in the way, and what to do.
        why: String,
    },
    /// Nobody can tell whether the answer would have been yes or no; trying again later may help.
    #[error("the database is not available: {why}")]
    Unavailable {
        /// What was met.
        why: String,
    },
    /// Two operations stood in each other's way and this one gave up. The store tries again by itself a few times.
    #[error("the operation collided with others too often")]
    Contended,
    /// The database was set up by a newer release.
    #[error(
        "the database has schema version {found}, but this release knows versions up to {known}; \
         run the release that made it, or a newer one"
    )]
    NewerSchema {
        /// The version that the database has.
        found: i32,
        /// The newest version that this program knows.
        known: i32,
    },
    /// A migration that ran on the database is not the one of that number in this program.
    #[error(
        "migration {version} of the database differs from the one in this release; \
         it was set up by a build that was never released: restore a backup or start with a new database"
    )]
    DivergentSchema {
        /// The version of the first migration that differs.
        version: i32,
    },
    /// The database holds no tables yet.
    #[error("{place} holds no Countersign database yet; run `countersign init` first")]
    NotSetUp {
        /// The folder, or the server and database.
        place: String,
    },
    /// Another process works on this data folder.
    #[error("the data folder {} is in use by {process}; stop that process first, or go through the server", folder.display())]
    FolderInUse {
        /// The data folder.
        folder: PathBuf,
        /// `process 123`, or `another process` when its number could not be read.
        process: String,
    },
    /// Another server works on this database.
    #[error("another server ({note}) works on this database until {until} or longer; stop it first")]
    LeaseHeld {
        /// What that server says of itself.
        note: String,
        /// When its lease ends unless it renews it.
        until: Timestamp,
    },
    /// This server's lease on the database was lost, and another may have taken it.
    #[error("this server has lost its lease on the database; it must be started again")]
    LeaseLost,
    /// An operation awaited something other than its transaction. A bug: it was rolled back.
    #[error("an operation waited for something other than its transaction; it was rolled back")]
    Waited,
    /// An operation panicked; it was rolled back.
    #[error("an operation failed unexpectedly; it was rolled back")]
    Panicked,
    /// A mistake in the program or in the database: a malformed statement, a wrong number of values, a broken file.
    #[error("{0}")]
    Internal(String),
}

impl StoreError {
    /// Whether the store could not find out; a face must answer 503, never that something is denied or missing.
    #[must_use]
    pub const fn is_cannot_tell(&self) -> bool {
        !matches!(self, Self::UniqueViolation | Self::ForeignKey | Self::NoRow { .. })
    }

    /// For what was found unreachable, slow or broken.
    pub(crate) fn unavailable(why: impl std::fmt::Display) -> Self {
        Self::Unavailable { why: why.to_string() }
    }

    /// The store was closed, or its threads are gone.
    pub(crate) fn closed() -> Self {
        Self::unavailable("the store is closed")
    }
}
