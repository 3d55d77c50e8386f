//! PostgreSQL: pooled connections, READ COMMITTED for writes, one snapshot per read.
//!
//! An operation runs in a task of its own, so that a caller who leaves does not undo it. What may be run again safely is run
//! again: a deadlock's victim, and an operation whose connection was lost before its commit was sent.

mod connect;
mod connection;
mod errors;
mod value;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign_domain::{Clock, Timestamp};

pub(super) use connect::{Server, Session};
pub(super) use connection::{Connection, Mode};
pub(super) use errors::meaning;

use super::{
    error::StoreError,
    migrate,
    operation::{Job, Lane, Verdict},
    options::Options,
    sql::{Dialect, Sql, Translations},
    tx::{self, Hook, Tx},
};

/// How often an operation is run before its collisions are told to the caller.
const ATTEMPTS_MAX: usize = 5;
/// How long one attempt may take, connecting included. The server's own limits are shorter; this one is for a server that is gone.
const ATTEMPT_TIME: Duration = Duration::from_secs(30);

/// A database that is open. Clones share the pool.
#[derive(Clone)]
pub(super) struct Postgres {
    pool: deadpool_postgres::Pool,
    urgent: deadpool_postgres::Pool,
    first: deadpool_postgres::Pool,
    server: Arc<Server>,
    translations: Arc<Translations>,
    clock: Arc<dyn Clock>,
    attempt_time: Duration,
    collisions: Arc<AtomicU64>,
    #[cfg(feature = "faults")]
    faults: super::faults::Faults,
}

/// How an attempt ended.
enum Attempt {
    /// The operation has its result.
    Done(Vec<Hook>),
    /// Nothing was changed, and another try may succeed.
    Again(StoreError),
}

impl Postgres {
    /// Connects, checks the server's settings and brings the schema up to date.
    pub(super) async fn open(url: &str, options: &Options, create: bool) -> Result<Self, StoreError> {
        let server = Server::parse(url, options.patience)?;
        let mut session = server.connect().await?;
        connect::check_settings(&session.client).await?;
        migrate::postgres(&mut session.client, options, create, server.place()).await?;
        Self::with(server, options)
    }

    /// Connects for reading only, and changes nothing.
    pub(super) async fn open_beside(url: &str, options: &Options) -> Result<Self, StoreError> {
        let server = Server::parse(url, options.patience)?;
        let session = server.connect().await?;
        migrate::check_postgres(&session.client, options, server.place()).await?;
        Self::with(server, options)
    }

    fn with(server: Server, options: &Options) -> Result<Self, StoreError> {
        Ok(Self {
            pool: server.pool(connect::CONNECTIONS_MAX)?,
            urgent: server.pool(connect::URGENT_CONNECTIONS)?,
            first: server.pool(connect::FIRST_CONNECTIONS)?,
            server: Arc::new(server),
            translations: Arc::new(Translations::new(Dialect::Postgres)),
            clock: Arc::clone(&options.clock),
            attempt_time: ATTEMPT_TIME * options.patience,
            collisions: Arc::default(),
            #[cfg(feature = "faults")]
            faults: options.faults,
        })
    }

    /// Runs an operation to its end and answers it, whether or not the caller waits for that.
    pub(super) fn run(&self, mode: Mode, mut job: Box<dyn Job>) {
        let postgres = self.clone();
        tokio::spawn(async move {
            match postgres.attempts(mode, &mut *job).await {
                Ok(hooks) => tx::run_hooks(hooks),
                Err(error) => job.fail(error),
            }
            job.answer();
        });
    }

    /// As many tries as are allowed. An error means that the operation's own result does not count.
    async fn attempts(&self, mode: Mode, job: &mut dyn Job) -> Result<Vec<Hook>, StoreError> {
        let mut last = StoreError::Contended;
        for _ in 0..ATTEMPTS_MAX {
            // A connection that is dropped amid a transaction is closed, which rolls it back.
            let attempt = tokio::time::timeout(self.attempt_time, self.attempt(mode, job));
            match attempt.await {
                Ok(Ok(Attempt::Done(hooks))) => return Ok(hooks),
                Ok(Ok(Attempt::Again(error))) => {
                    if error == StoreError::Contended {
                        self.collisions.fetch_add(1, Ordering::Relaxed);
                    }
                    last = error;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(StoreError::unavailable("the database server does not answer")),
            }
        }
        Err(last)
    }

    async fn attempt(&self, mode: Mode, job: &mut dyn Job) -> Result<Attempt, StoreError> {
        let connection = self.connection(job.lane(), mode).await?;
        let mut tx = Tx::new(tx::Connection::Postgres(connection), self.clock.now());
        if let Err(error) = tx.postgres().begin(mode).await {
            return if tx.postgres().is_lost() { Ok(Attempt::Again(error)) } else { Err(error) };
        }
        let verdict = job.run(&mut tx).await;
        if let Some(fault) = tx.fault().cloned()
            && (fault == StoreError::Contended || tx.postgres().is_lost())
        {
            tx.postgres().roll_back().await;
            return Ok(Attempt::Again(fault));
        }
        if verdict == Verdict::RollBack || mode == Mode::Read {
            tx.postgres().roll_back().await;
            return Ok(Attempt::Done(Vec::new()));
        }
        #[cfg(feature = "faults")]
        if self.faults.acknowledge_early {
            let hooks = tx.take_hooks();
            tokio::spawn(async move {
                super::faults::linger_in_task().await;
                tx.postgres().commit().await
            });
            return Ok(Attempt::Done(hooks));
        }
        match tx.postgres().commit().await {
            Ok(()) => Ok(Attempt::Done(tx.take_hooks())),
            Err(StoreError::Contended) => Ok(Attempt::Again(StoreError::Contended)),
            Err(error) => Err(error),
        }
    }

    /// A pooled connection.
    pub(super) async fn connection(&self, lane: Lane, mode: Mode) -> Result<Connection, StoreError> {
        let pool = match (lane, mode) {
            (Lane::Urgent, Mode::Write) => &self.urgent,
            (Lane::Urgent, Mode::Read) => &self.first,
            (Lane::Soon | Lane::Normal, _) => &self.pool,
        };
        let client = pool.get().await.map_err(|error| errors::from_pool(&error, self.server.place()))?;
        Ok(Connection::new(client, Arc::clone(&self.translations)))
    }

    /// Prepares every statement, on one connection.
    pub(super) async fn prepare(&self, statements: &[Sql]) -> Result<(), StoreError> {
        let mut connection = self.connection(Lane::Normal, Mode::Read).await?;
        for sql in statements {
            connection.check(*sql).await?;
        }
        Ok(())
    }

    /// The server that this is a database of.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// How far this machine's clock is from the server's, either way.
    pub(super) async fn clock_skew(&self) -> Result<Duration, StoreError> {
        const CLOCK: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";
        let mut connection = self.connection(Lane::Normal, Mode::Read).await?;
        let before = self.clock.now();
        let there = Timestamp::from_micros(connection.ask(CLOCK).await?);
        let after = self.clock.now();
        // The server looked at its clock somewhere between the two.
        Ok(there.since(after).max(before.since(there)))
    }

    /// The server's version and the database's collation.
    pub(super) async fn about(&self) -> Result<(String, String), StoreError> {
        let mut connection = self.connection(Lane::Normal, Mode::Read).await?;
        let version = connection.ask("SELECT current_setting('server_version')").await?;
        let collation = "SELECT datcollate::TEXT FROM pg_database WHERE datname = current_database()";
        Ok((version, connection.ask(collation).await?))
    }

    /// How many attempts ended because two waited for each other, since this was opened.
    pub(super) fn collisions(&self) -> u64 {
        self.collisions.load(Ordering::Relaxed)
    }

    /// The program's clock.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Lets nothing in any more; what runs goes on to its end.
    pub(super) fn close(&self) {
        self.pool.close();
        self.urgent.close();
        self.first.close();
    }
}
