//! PostgreSQL: pooled connections, READ COMMITTED for writes, one snapshot per read.
//!
//! An operation runs in a task of its own, so that a caller who leaves does not undo it. What may be run again safely is run
//! again: a deadlock's victim, and an operation whose connection was lost before its commit was sent.

mod connect;
mod connection;
mod errors;
mod value;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use countersign_domain::{Clock, Timestamp};
use futures_util::{FutureExt, future::BoxFuture};

pub(super) use connect::{Server, Session};
pub(super) use connection::{Connection, Mode};
pub(super) use errors::meaning;

use super::{
    error::StoreError,
    migrate,
    operation::{Lane, honest},
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
    #[cfg(feature = "faults")]
    faults: super::faults::Faults,
}

/// How an attempt ended.
enum Attempt<T, E> {
    Done(Result<T, E>, Vec<Hook>),
    /// Nothing was changed, and another try may succeed.
    Again(StoreError),
}

impl Postgres {
    /// Connects, checks the server's settings and brings the schema up to date.
    pub(super) async fn open(url: &str, options: &Options, create: bool) -> Result<Self, StoreError> {
        let server = Server::parse(url)?;
        let mut session = server.connect().await?;
        connect::check_settings(&session.client).await?;
        migrate::postgres(&mut session.client, options, create, server.place()).await?;
        Self::with(server, options)
    }

    /// Connects for reading only, and changes nothing.
    pub(super) async fn open_beside(url: &str, options: &Options) -> Result<Self, StoreError> {
        let server = Server::parse(url)?;
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
            #[cfg(feature = "faults")]
            faults: options.faults,
        })
    }

    /// Runs an operation to its end, whether or not the caller waits for it.
    pub(super) async fn run<I, T, E, F>(&self, lane: Lane, mode: Mode, input: I, operation: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let postgres = self.clone();
        let task = tokio::spawn(async move { postgres.attempts(lane, mode, &input, &operation).await });
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(StoreError::Panicked.into()),
            Err(_) => Err(StoreError::closed().into()),
        }
    }

    async fn attempts<I, T, E, F>(&self, lane: Lane, mode: Mode, input: &I, operation: &F) -> Result<T, E>
    where
        I: Sync,
        T: Send,
        E: From<StoreError> + Send,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Sync,
    {
        let mut last = StoreError::Contended;
        for _ in 0..ATTEMPTS_MAX {
            // A connection that is dropped amid a transaction is closed, which rolls it back.
            let attempt = tokio::time::timeout(ATTEMPT_TIME, self.attempt(lane, mode, input, operation));
            match attempt.await {
                Ok(Attempt::Done(result, hooks)) => {
                    tx::run_hooks(hooks);
                    return result;
                }
                Ok(Attempt::Again(error)) => last = error,
                Err(_) => return Err(StoreError::unavailable("the database server does not answer").into()),
            }
        }
        Err(last.into())
    }

    async fn attempt<I, T, E, F>(&self, lane: Lane, mode: Mode, input: &I, operation: &F) -> Attempt<T, E>
    where
        I: Sync,
        T: Send,
        E: From<StoreError> + Send,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Sync,
    {
        let connection = match self.connection(lane, mode).await {
            Ok(connection) => connection,
            Err(error) => return Attempt::Done(Err(error.into()), Vec::new()),
        };
        let mut tx = Tx::new(tx::Connection::Postgres(connection), self.clock.now());
        if let Err(error) = tx.postgres().begin(mode).await {
            return if tx.postgres().is_lost() {
                Attempt::Again(error)
            } else {
                Attempt::Done(Err(error.into()), Vec::new())
            };
        }
        let run = AssertUnwindSafe(async { operation(&mut tx, input).await }).catch_unwind();
        let result = run.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        let result = honest(result, &tx);
        if let Some(fault) = tx.fault().cloned()
            && (fault == StoreError::Contended || tx.postgres().is_lost())
        {
            tx.postgres().roll_back().await;
            return Attempt::Again(fault);
        }
        if result.is_err() || mode == Mode::Read {
            tx.postgres().roll_back().await;
            return Attempt::Done(result, Vec::new());
        }
        #[cfg(feature = "faults")]
        if self.faults.acknowledge_early {
            let hooks = tx.take_hooks();
            tokio::spawn(async move {
                super::faults::linger_in_task().await;
                tx.postgres().commit().await
            });
            return Attempt::Done(result, hooks);
        }
        match tx.postgres().commit().await {
            Ok(()) => Attempt::Done(result, tx.take_hooks()),
            Err(StoreError::Contended) => Attempt::Again(StoreError::Contended),
            Err(error) => Attempt::Done(Err(error.into()), Vec::new()),
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
