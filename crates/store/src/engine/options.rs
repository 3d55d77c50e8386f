//! What a [`Store`](super::Store) is opened with.

use std::{fmt, path::PathBuf, sync::Arc};

use countersign_domain::Clock;
use refinery::Migration;

#[cfg(feature = "faults")]
use super::faults::Faults;
use super::{error::StoreError, migrate};

/// Which database, and what the store takes from the program.
#[derive(Clone)]
pub struct Options {
    pub(super) database: Database,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) migrations: Vec<Migration>,
    /// By how much PostgreSQL's limits of time are multiplied; 1 or more.
    pub(super) patience: u32,
    /// Planted faults; none unless set.
    #[cfg(feature = "faults")]
    pub faults: Faults,
}

impl Options {
    /// For this database and this clock.
    #[must_use]
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            clock,
            migrations: migrate::embedded(),
            patience: 1,
            #[cfg(feature = "faults")]
            faults: Faults::planted(),
        }
    }

    /// With limits of time on PostgreSQL that are so many times as long: of waiting for a connection, of making one, of a statement, of waiting for a
    /// lock, of a pause inside a transaction, and of an operation as a whole. For tests on a machine that stalls.
    #[must_use]
    pub fn with_patience(mut self, times: u32) -> Self {
        self.patience = times.max(1);
        self
    }

    /// With other migrations than this release's: pairs of a name such as `V1__tables` and its SQL. For tests of the engine.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when a name is not of that form.
    pub fn with_migrations(mut self, migrations: &[(&str, &str)]) -> Result<Self, StoreError> {
        self.migrations = migrations
            .iter()
            .map(|(name, sql)| Migration::unapplied(name, sql))
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(self)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("database", &self.database).finish_non_exhaustive()
    }
}

/// Where the rows are.
#[derive(Clone)]
pub enum Database {
    /// A file in a data folder, for one server.
    Sqlite {
        /// The data folder; it is made if it is not there.
        folder: PathBuf,
    },
    /// A PostgreSQL server.
    Postgres {
        /// `postgres://user:password@host:5432/database`. Without `sslmode`, TLS is required unless every host is this machine;
        /// a certificate is always checked against the system's authorities. `sslmode=disable` turns TLS off.
        url: String,
    },
}

impl fmt::Debug for Database {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { folder } => f.debug_struct("Sqlite").field("folder", folder).finish(),
            Self::Postgres { .. } => f.write_str("Postgres(url not shown)"),
        }
    }
}
