//! A pooled connection for the length of one transaction.

use std::sync::Arc;

use deadpool_postgres::Object;
use futures_util::future::BoxFuture;
use tokio_postgres::{
    Statement,
    error::{DbError, Severity},
    types::{ToSql, Type},
};

use crate::engine::{
    error::StoreError,
    row::Row,
    sql::{Sql, Translations},
    value::Value,
};

use super::{errors::meaning, value};

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Mode {
    /// Reads one snapshot.
    Read,
    /// Writes at READ COMMITTED.
    Write,
}

/// A connection, closed instead of pooled again when it is dropped amid a transaction.
pub(in crate::engine) struct Connection {
    client: Option<Object>,
    translations: Arc<Translations>,
    in_transaction: bool,
    reads_only: bool,
    lost: bool,
}

impl Connection {
    pub(super) const fn new(client: Object, translations: Arc<Translations>) -> Self {
        Self { client: Some(client), translations, in_transaction: false, reads_only: false, lost: false }
    }

    /// Whether the server can no longer be reached over this connection.
    pub(super) const fn is_lost(&self) -> bool {
        self.lost
    }

    pub(super) async fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.in_transaction = true;
        self.reads_only = mode == Mode::Read;
        self.run(match mode {
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Mode::Write => "BEGIN",
        })
        .await
    }

    /// Commits. After an error of the connection nobody knows whether the change was made, and the error says so.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        let outcome = self.run("COMMIT").await;
        if outcome.is_ok() {
            self.in_transaction = false;
        } else if self.lost {
            return Err(StoreError::unavailable(
                "the connection was lost during a commit; the change may have been made",
            ));
        }
        outcome
    }

    /// Rolls back; where that fails the connection is closed, which does the same.
    pub(super) async fn roll_back(&mut self) {
        if !self.lost && self.run("ROLLBACK").await.is_ok() {
            self.in_transaction = false;
        }
    }

    /// Runs a statement; answers how many rows it changed. Boxed, as [`Connection::rows`] is, so that the driver is compiled here and
    /// not again in every crate that awaits an operation.
    pub(in crate::engine) fn execute<'a>(
        &'a mut self,
        sql: Sql,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let statement = self.prepared(sql, values).await?;
            let outcome = self.client()?.execute(&statement, &slots(values)).await;
            outcome.map_err(|error| self.met(&error, sql))
        })
    }

    /// Every row of the answer.
    pub(in crate::engine) fn rows<'a>(
        &'a mut self,
        sql: Sql,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(self.read(sql, values))
    }

    async fn read(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql, values).await?;
        let outcome = self.client()?.query(&statement, &slots(values)).await;
        let found = outcome.map_err(|error| self.met(&error, sql))?;
        let names = || statement.columns().iter().map(|column| column.name().to_owned()).collect();
        let columns = self.translations.get(sql, values.len())?.columns(statement.columns().len(), names);
        let row = |row: &tokio_postgres::Row| {
            let cells = (0..columns.len()).map(|index| value::read(row, index)).collect::<Result<_, _>>()?;
            Ok(Row::new(Arc::clone(&columns), cells))
        };
        found.iter().map(row).collect()
    }

    /// Prepares a statement and throws it away.
    pub(super) async fn check(&mut self, sql: Sql) -> Result<(), StoreError> {
        let translated = self.translations.any(sql)?;
        let outcome = self.client()?.prepare(&translated.text).await;
        outcome.map(drop).map_err(|error| self.met(&error, sql))
    }

    /// Runs text of the engine's own and reads the first column of its only row.
    pub(in crate::engine) async fn ask<T>(&mut self, text: &'static str) -> Result<T, StoreError>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let sql = Sql { name: "asking the server", text };
        let outcome = self.client()?.query_one(text, &[]).await;
        let row = outcome.map_err(|error| self.met(&error, sql))?;
        row.try_get(0).map_err(|error| self.met(&error, sql))
    }

    async fn prepared(&mut self, sql: Sql, values: &[Value]) -> Result<Statement, StoreError> {
        let translated = self.translations.get(sql, values.len())?;
        let outcome = self.client()?.prepare_cached(&translated.text).await;
        let statement = outcome.map_err(|error| self.met(&error, sql))?;
        check_types(sql, statement.params(), values)?;
        Ok(statement)
    }

    async fn run(&mut self, text: &'static str) -> Result<(), StoreError> {
        let outcome = self.client()?.batch_execute(text).await;
        outcome.map_err(|error| self.met(&error, Sql { name: text, text }))
    }

    /// Notes what an error says of the connection, and what it means.
    fn met(&mut self, error: &tokio_postgres::Error, sql: Sql) -> StoreError {
        let session_ended = |told: &DbError| matches!(told.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
        self.lost |= error.as_db_error().is_none_or(session_ended);
        match meaning(error, sql) {
            StoreError::ReadOnly { .. } if self.reads_only => {
                StoreError::Internal(format!("{} writes, but was run in a read", sql.name))
            }
            error => error,
        }
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client.as_ref().ok_or_else(StoreError::closed)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if (self.in_transaction || self.lost)
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}

/// Every value must be of its parameter's kind; the driver's own error could not be told from a lost connection.
fn check_types(sql: Sql, types: &[Type], values: &[Value]) -> Result<(), StoreError> {
    if types.len() != values.len() {
        let takes = types.len();
        return Err(StoreError::Internal(format!("{} takes {takes} values, but was given {}", sql.name, values.len())));
    }
    for (index, (kind, value)) in types.iter().zip(values).enumerate() {
        if !value::fits(value, kind) {
            return Err(StoreError::Internal(format!(
                "{}: parameter ${} is {kind}, but was given {}",
                sql.name,
                index + 1,
                value.kind()
            )));
        }
    }
    Ok(())
}

fn slots(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
