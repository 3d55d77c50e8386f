//! The transaction that an operation works in.
//!
//! A `Tx` owns its connection, so that `&mut Tx` may cross threads and an operation can be an ordinary `async` function.
//! Both engines keep one rule: after a statement has failed, every later one fails alike and nothing is committed,
//! whatever the operation returns. PostgreSQL works like that; SQLite is made to, so that no operation can depend on it.

use countersign_domain::{Id, Timestamp};

use super::{
    error::StoreError,
    postgres,
    row::Row,
    sql::Sql,
    sqlite,
    turn::{self, Turn},
    value::Value,
};

/// What runs once the transaction is durable.
pub(super) type Hook = Box<dyn FnOnce() + Send>;

/// A transaction. Ended by the store: committed when the operation answers `Ok`, rolled back otherwise.
pub struct Tx {
    connection: Connection,
    now: Timestamp,
    hooks: Vec<Hook>,
    fault: Option<StoreError>,
}

/// The connection beneath a transaction.
pub(super) enum Connection {
    Sqlite(sqlite::Connection),
    Postgres(postgres::Connection),
}

impl Tx {
    pub(super) const fn new(connection: Connection, now: Timestamp) -> Self {
        Self { connection, now, hooks: Vec::new(), fault: None }
    }

    /// The time of this transaction: fixed when it began, the only time inside an operation.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Runs a statement that returns no rows; answers how many it changed.
    ///
    /// # Errors
    /// Any [`StoreError`]; the transaction is lost.
    pub async fn execute(&mut self, sql: Sql, values: &[Value]) -> Result<u64, StoreError> {
        self.still_stands()?;
        let outcome = match &mut self.connection {
            Connection::Sqlite(connection) => connection.execute(sql, values),
            Connection::Postgres(connection) => connection.execute(sql, values).await,
        };
        self.remember(outcome)
    }

    /// Every row of the answer.
    ///
    /// # Errors
    /// Any [`StoreError`]; the transaction is lost.
    pub async fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.still_stands()?;
        let outcome = match &mut self.connection {
            Connection::Sqlite(connection) => connection.rows(sql, values),
            Connection::Postgres(connection) => connection.rows(sql, values).await,
        };
        self.remember(outcome)
    }

    /// The only row of the answer, if there is one.
    ///
    /// # Errors
    /// Any [`StoreError`]; [`StoreError::Internal`] when there are several.
    pub async fn maybe(&mut self, sql: Sql, values: &[Value]) -> Result<Option<Row>, StoreError> {
        let mut rows = self.all(sql, values).await?;
        let row = rows.pop();
        if rows.is_empty() {
            Ok(row)
        } else {
            let name = sql.name;
            self.remember(Err(StoreError::Internal(format!("{name} answered {} rows, not one", rows.len() + 1))))
        }
    }

    /// The only row of the answer.
    ///
    /// # Errors
    /// As [`Tx::maybe`], and [`StoreError::NoRow`] when there is none; that one leaves the transaction standing.
    pub async fn one(&mut self, sql: Sql, values: &[Value]) -> Result<Row, StoreError> {
        self.maybe(sql, values).await?.ok_or(StoreError::NoRow { statement: sql.name })
    }

    /// Waits for a turn at the thing with this id, and holds it until the transaction ends. What is read afterwards is as the last
    /// who held it alone has left it.
    ///
    /// # Errors
    /// Any [`StoreError`]; the transaction is lost.
    pub async fn take_turn<T>(&mut self, at: Id<T>, turn: Turn) -> Result<(), StoreError> {
        match &self.connection {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(_) => self.execute(turn.sql(), &[Value::Int(turn::number(at))]).await.map(drop),
        }
    }

    /// Runs `hook` after the commit, and only then: drops of caches, wake-ups. It must neither wait nor fail.
    pub fn on_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.hooks.push(Box::new(hook));
    }

    fn still_stands(&self) -> Result<(), StoreError> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    fn remember<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            self.fault = Some(error.clone());
        }
        outcome
    }

    /// Makes this the transaction of the next operation on the same connection.
    pub(super) fn renew(&mut self, now: Timestamp) {
        self.now = now;
        self.hooks.clear();
        self.fault = None;
    }

    /// The first statement's failure, if one failed.
    pub(super) const fn fault(&self) -> Option<&StoreError> {
        self.fault.as_ref()
    }

    /// Takes what is to run after the commit.
    pub(super) fn take_hooks(&mut self) -> Vec<Hook> {
        std::mem::take(&mut self.hooks)
    }

    /// The connection of one of SQLite's threads.
    pub(super) fn sqlite(&mut self) -> &mut sqlite::Connection {
        match &mut self.connection {
            Connection::Sqlite(connection) => connection,
            Connection::Postgres(_) => unreachable!("SQLite's threads own SQLite's connections only"),
        }
    }

    /// The connection of one of PostgreSQL's tasks.
    pub(super) fn postgres(&mut self) -> &mut postgres::Connection {
        match &mut self.connection {
            Connection::Postgres(connection) => connection,
            Connection::Sqlite(_) => unreachable!("PostgreSQL's tasks own PostgreSQL's connections only"),
        }
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("now", &self.now).field("fault", &self.fault).finish_non_exhaustive()
    }
}

/// Runs the hooks of a committed transaction. One that panics spoils neither the others nor the answer.
pub(super) fn run_hooks(hooks: Vec<Hook>) {
    for hook in hooks {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(hook)).is_err() {
            tracing::error!("what was to run after a commit panicked");
        }
    }
}
