//! The one place that knows there are two engines.
//!
//! ```text
//! Store::transact ─┬─ SQLite: queue ── the writing thread ── group commit
//!                  └─ PostgreSQL: a task ── a pooled connection ── BEGIN … COMMIT
//! Store::read ─────┬─ SQLite: queue ── a reading thread ── one snapshot
//!                  └─ PostgreSQL: the same task, read-only
//! ```

mod error;
#[cfg(feature = "faults")]
pub mod faults;
mod lease;
mod migrate;
mod operation;
mod options;
mod postgres;
mod report;
mod row;
mod sql;
mod sqlite;
mod turn;
mod tx;
mod value;

use std::{sync::Arc, time::Duration};

use countersign_domain::Clock;
use futures_util::future::BoxFuture;

pub use error::StoreError;
pub use lease::{Holder, LEASE_TIME, RENEW_EVERY};
pub use operation::Lane;
pub use options::{Database, Options};
pub use report::{Health, Report};
pub use row::Row;
pub use sql::Sql;
pub use sqlite::{DATABASE_FILE, LOCK_FILE, RESERVE_BYTES, RESERVE_FILE};
pub use turn::Turn;
pub use tx::Tx;
pub use value::{FromValue, IntoValue, Value};

use lease::Lease;
use operation::Job;
use postgres::{Mode, Postgres};
use sqlite::{Purpose, Sqlite};

/// The rows of one Countersign. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    clock: Arc<dyn Clock>,
    lease: Lease,
    known_version: i32,
}

enum Engine {
    Sqlite(Arc<Sqlite>),
    Postgres(Postgres),
}

impl Store {
    /// Opens a database that `create` has set up, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::NotSetUp`], [`StoreError::NewerSchema`], [`StoreError::DivergentSchema`], [`StoreError::FolderInUse`],
    /// [`StoreError::ReadOnly`], [`StoreError::StorageFull`], [`StoreError::Unavailable`] and [`StoreError::Internal`].
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        Self::start(options, Purpose::Serve).await
    }

    /// As [`Store::open`], and sets up a database that has no tables. On one that has them it changes nothing more.
    ///
    /// # Errors
    /// As [`Store::open`], except [`StoreError::NotSetUp`].
    pub async fn create(options: Options) -> Result<Self, StoreError> {
        Self::start(options, Purpose::Create).await
    }

    /// Opens for reading only, beside a server that may be running: every [`Store::transact`] is refused.
    ///
    /// # Errors
    /// As [`Store::open`], except [`StoreError::FolderInUse`].
    pub async fn open_beside(options: Options) -> Result<Self, StoreError> {
        Self::start(options, Purpose::Beside).await
    }

    async fn start(options: Options, purpose: Purpose) -> Result<Self, StoreError> {
        let known_version = migrate::known(&options.migrations);
        let clock = Arc::clone(&options.clock);
        let engine = match options.database.clone() {
            Database::Sqlite { folder } => {
                let opening = tokio::task::spawn_blocking(move || Sqlite::open(&folder, &options, purpose));
                Engine::Sqlite(Arc::new(opening.await.map_err(|_| StoreError::Panicked)??))
            }
            Database::Postgres { url } if purpose == Purpose::Beside => {
                Engine::Postgres(Postgres::open_beside(&url, &options).await?)
            }
            Database::Postgres { url } => {
                Engine::Postgres(Postgres::open(&url, &options, purpose == Purpose::Create).await?)
            }
        };
        Ok(Self { inner: Arc::new(Inner { engine, clock, lease: Lease::default(), known_version }) })
    }

    /// Runs an operation that writes, in one transaction: committed when it answers `Ok`, rolled back otherwise. The answer
    /// comes after the commit, and a caller who leaves does not undo it.
    ///
    /// The operation may be run more than once, so it has no effect but through its [`Tx`]; it awaits nothing else.
    ///
    /// # Errors
    /// The operation's own, or a [`StoreError`]. After [`StoreError::Unavailable`] the change may have been made.
    pub async fn transact<I, T, E, F>(&self, lane: Lane, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let (job, answer) = operation::job(lane, input, operation);
        self.run(Mode::Write, job)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::closed().into()))
    }

    /// Runs an operation that only reads, on one snapshot of the database.
    ///
    /// # Errors
    /// The operation's own, or a [`StoreError`]; [`StoreError::Internal`] when it writes.
    pub async fn read<I, T, E, F>(&self, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        self.read_in(Lane::Normal, input, operation).await
    }

    /// As [`Store::read`]. What is [`Lane::Urgent`] waits behind no other read, for it has threads or connections of its own: it is for what
    /// every call begins with, and takes a few rows by their keys.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn read_in<I, T, E, F>(&self, lane: Lane, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let (job, answer) = operation::job(lane, input, operation);
        self.run(Mode::Read, job)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::closed().into()))
    }

    fn run(&self, mode: Mode, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.check_fence()?;
        match (&self.inner.engine, mode) {
            (Engine::Sqlite(sqlite), Mode::Write) => sqlite.write(job)?,
            (Engine::Sqlite(sqlite), Mode::Read) => sqlite.read(job)?,
            (Engine::Postgres(postgres), _) => postgres.run(mode, job),
        }
        Ok(())
    }

    /// `sqlite` or `postgresql`.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        match &self.inner.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgresql",
        }
    }

    /// Asks the database a question that costs it nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be used now.
    pub async fn health(&self) -> Result<Health, StoreError> {
        self.check_fence()?;
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => {
                sqlite.check_writer()?;
                self.schema_version().await?;
                Ok(Health { space_is_short: !sqlite.holds_reserve(), clock_skew: Duration::ZERO })
            }
            Engine::Postgres(_) => Ok(Health { space_is_short: false, clock_skew: self.clock_skew().await? }),
        }
    }

    /// How far this machine's clock is from the database's, either way. Zero on SQLite, which has none of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn clock_skew(&self) -> Result<Duration, StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(_) => Ok(Duration::ZERO),
            Engine::Postgres(postgres) => postgres.clock_skew().await,
        }
    }

    /// The version of the database's schema: that of the newest migration that ran.
    ///
    /// # Errors
    /// Any [`StoreError`].
    pub async fn schema_version(&self) -> Result<i32, StoreError> {
        const VERSION: Sql = Sql {
            name: "countersign_store::engine::VERSION",
            text: "SELECT MAX(version) AS version FROM refinery_schema_history",
        };
        self.read((), |tx, ()| Box::pin(async { tx.one(VERSION, &[]).await?.get("version") })).await
    }

    /// What `doctor` shows.
    ///
    /// # Errors
    /// Any [`StoreError`].
    pub async fn report(&self) -> Result<Report, StoreError> {
        let (version, place, collation) = match &self.inner.engine {
            Engine::Sqlite(sqlite) => {
                (rusqlite::version().to_owned(), sqlite.path().display().to_string(), String::from("BINARY"))
            }
            Engine::Postgres(postgres) => {
                let (version, collation) = postgres.about().await?;
                (version, postgres.server().place().to_owned(), collation)
            }
        };
        let (schema_version, known_version) = (self.schema_version().await?, self.inner.known_version);
        Ok(Report { engine: self.engine_name(), version, place, schema_version, known_version, collation })
    }

    /// Prepares each statement, so that a test finds a misspelt one on both engines.
    ///
    /// # Errors
    /// [`StoreError::Internal`], with the statement's name.
    pub async fn prepare_every(&self, statements: &[Sql]) -> Result<(), StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => {
                let (sqlite, statements) = (Arc::clone(sqlite), statements.to_vec());
                let task = tokio::task::spawn_blocking(move || sqlite.prepare(&statements));
                task.await.map_err(|_| StoreError::Panicked)?
            }
            Engine::Postgres(postgres) => postgres.prepare(statements).await,
        }
    }

    /// Makes this the only server of its database. On SQLite the data folder's lock has done so already.
    ///
    /// # Errors
    /// [`StoreError::LeaseHeld`] when another server has it.
    pub async fn acquire_lease(&self, holder: Holder) -> Result<(), StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(postgres) => self.inner.lease.acquire(postgres, holder).await,
        }
    }

    /// Renews the lease once.
    ///
    /// # Errors
    /// [`StoreError::LeaseHeld`] or [`StoreError::LeaseLost`] when another server has or had it, [`StoreError::Unavailable`]
    /// when nobody can tell. After any of them the store is fenced.
    pub async fn renew_lease(&self) -> Result<(), StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(postgres) => self.inner.lease.renew(postgres).await,
        }
    }

    /// Renews the lease every [`RENEW_EVERY`] until that has become impossible, and answers why. To be run in the background;
    /// the server must end when it answers.
    pub async fn keep_lease(&self) -> StoreError {
        match &self.inner.engine {
            Engine::Sqlite(_) => std::future::pending().await,
            Engine::Postgres(postgres) => self.inner.lease.keep(postgres).await,
        }
    }

    /// Gives the lease back, at the end of a server.
    ///
    /// # Errors
    /// Any [`StoreError`]; the lease ends with the process in any case.
    pub async fn release_lease(&self) -> Result<(), StoreError> {
        self.inner.lease.release().await
    }

    /// Whether a lease was taken and is not held now: nothing is read or written, and nothing that was cached may be trusted.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.inner.lease.is_fenced()
    }

    /// How many attempts at operations were undone because two waited for each other, since the store was opened; as a rule the operation is begun
    /// again. Always zero on SQLite, where one writes at a time.
    #[must_use]
    pub fn collisions(&self) -> u64 {
        match &self.inner.engine {
            Engine::Sqlite(_) => 0,
            Engine::Postgres(postgres) => postgres.collisions(),
        }
    }

    /// The clock that transactions take their time from.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Lets nothing in any more, finishes what is waiting, and gives the data folder or the connections back.
    pub async fn close(&self) {
        self.release_lease().await.ok();
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => {
                let sqlite = Arc::clone(sqlite);
                if tokio::task::spawn_blocking(move || sqlite.close()).await.is_err() {
                    tracing::error!("closing the store panicked");
                }
            }
            Engine::Postgres(postgres) => postgres.close(),
        }
    }

    fn check_fence(&self) -> Result<(), StoreError> {
        if self.is_fenced() {
            return Err(StoreError::unavailable("this server does not hold the lease on its database"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine_name()).finish_non_exhaustive()
    }
}
