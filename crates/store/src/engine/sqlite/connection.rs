//! A SQLite connection: opened with the settings that durability and secrecy rest on, each read back.

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::{OpenFlags, config::DbConfig, types::ValueRef};

use crate::engine::{
    error::StoreError,
    row::Row,
    sql::{Sql, Translated, Translations},
    value::Value,
};

use super::errors::{self, reading, writing};

/// How long a connection waits for another process that holds the file, such as a backup by other means.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps; more than the program has.
const STATEMENTS_KEPT: usize = 512;
/// To what size the write-ahead log is cut back after a checkpoint, in bytes.
const WAL_KEPT: i64 = 64 << 20;
/// Page cache per connection, in KiB.
const CACHE_KIB: i64 = 16 << 10;

/// A connection of one thread.
pub(in crate::engine) struct Connection {
    inner: rusqlite::Connection,
    translations: Arc<Translations>,
    /// Turns an error into the store's; a refused write means different things to a writer and to a reader.
    convert: fn(&rusqlite::Error, Sql) -> StoreError,
}

impl Connection {
    /// The writing connection; makes the file, which must lie in a folder that only we may read.
    pub(super) fn writer(
        path: &Path,
        translations: Arc<Translations>,
        synchronous: Synchronous,
    ) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = open(path, flags)?;
        let set = |name, value: &str| set_and_read_back(&inner, name, value);
        set("journal_mode", "wal")?;
        set("synchronous", synchronous.code())?;
        set("secure_delete", "1")?;
        set("foreign_keys", "1")?;
        set("journal_size_limit", &WAL_KEPT.to_string())?;
        set("cache_size", &(-CACHE_KIB).to_string())?;
        // A statement's own journal and sorting stay off the disk, where they would outlive what they hold.
        set("temp_store", "2")?;
        Ok(Self { inner, translations, convert: writing })
    }

    /// A connection that can only read.
    pub(super) fn reader(path: &Path, translations: Arc<Translations>) -> Result<Self, StoreError> {
        let inner = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        set_and_read_back(&inner, "query_only", "1")?;
        set_and_read_back(&inner, "cache_size", &(-CACHE_KIB).to_string())?;
        set_and_read_back(&inner, "temp_store", "2")?;
        Ok(Self { inner, translations, convert: reading })
    }

    /// The driver's connection, for migrations and settings.
    pub(super) const fn driver(&mut self) -> &mut rusqlite::Connection {
        &mut self.inner
    }

    /// Runs text of the engine's own, such as `COMMIT`.
    pub(super) fn run(&self, text: &'static str) -> Result<(), StoreError> {
        let outcome = self.inner.prepare_cached(text).and_then(|mut statement| statement.raw_execute());
        outcome.map(drop).map_err(|error| (self.convert)(&error, Sql { name: text, text }))
    }

    /// Moves what the write-ahead log holds into the file, and empties the log unless a reader still needs it.
    pub(super) fn checkpoint(&self) -> Result<(), StoreError> {
        let outcome = self.inner.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        outcome.map_err(|error| (self.convert)(&error, Sql { name: "checkpoint", text: "" }))
    }

    /// Whether a transaction is open. A full disk or an I/O error can end one.
    pub(super) fn is_in_transaction(&self) -> bool {
        !self.inner.is_autocommit()
    }

    /// Ends what is left of a transaction. That there is nothing left is no error.
    pub(super) fn abandon(&self) -> Result<(), StoreError> {
        if self.is_in_transaction() { self.run("ROLLBACK") } else { Ok(()) }
    }

    pub(in crate::engine) fn execute(&mut self, sql: Sql, values: &[Value]) -> Result<u64, StoreError> {
        let translated = self.translations.get(sql, values.len())?;
        let outcome = (|| {
            let mut statement = self.inner.prepare_cached(&translated.text)?;
            bind(&mut statement, values)?;
            statement.raw_execute()
        })();
        outcome.map(|changed| changed as u64).map_err(|error| (self.convert)(&error, sql))
    }

    pub(in crate::engine) fn rows(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let translated = self.translations.get(sql, values.len())?;
        self.collect(&translated, values).map_err(|error| (self.convert)(&error, sql))?
    }

    /// Prepares a statement and throws it away.
    pub(super) fn check(&self, sql: Sql) -> Result<(), StoreError> {
        let translated = self.translations.any(sql)?;
        let outcome = self.inner.prepare(&translated.text);
        outcome.map(drop).map_err(|error| (self.convert)(&error, sql))
    }

    fn collect(&self, translated: &Translated, values: &[Value]) -> rusqlite::Result<Result<Vec<Row>, StoreError>> {
        let mut statement = self.inner.prepare_cached(&translated.text)?;
        let names = || statement.column_names().map(str::to_owned).collect();
        let columns = translated.columns(statement.column_count(), names);
        bind(&mut statement, values)?;
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let mut cells = Vec::with_capacity(columns.len());
            for (index, column) in columns.iter().enumerate() {
                match owned(row.get_ref(index)?) {
                    Ok(value) => cells.push(value),
                    Err(found) => {
                        return Ok(Err(StoreError::Decode { column: column.clone(), wanted: "a known type", found }));
                    }
                }
            }
            found.push(Row::new(Arc::clone(&columns), cells));
        }
        Ok(Ok(found))
    }
}

/// How far a commit goes before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// To the disk. With anything less a power cut brings revoked tokens back.
    Full,
    /// To the operating system, and to the disk at checkpoints. For control experiments.
    #[cfg(feature = "faults")]
    Normal,
    /// To the operating system. For control experiments.
    #[cfg(feature = "faults")]
    Off,
}

impl Synchronous {
    const fn code(self) -> &'static str {
        match self {
            Self::Full => "2",
            #[cfg(feature = "faults")]
            Self::Normal => "1",
            #[cfg(feature = "faults")]
            Self::Off => "0",
        }
    }
}

fn open(path: &Path, flags: OpenFlags) -> Result<rusqlite::Connection, StoreError> {
    let inner = rusqlite::Connection::open_with_flags(path, flags).map_err(|error| errors::opening(&error, path))?;
    inner.busy_timeout(BUSY_TIMEOUT).map_err(|error| errors::opening(&error, path))?;
    inner.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Otherwise a statement whose plan could depend on a value is planned anew for each value, though there are no statistics to plan with.
    let stable = inner.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    stable.map_err(|error| errors::opening(&error, path))?;
    Ok(inner)
}

/// Sets a pragma and asks for it again; SQLite ignores in silence what it cannot or will not do.
fn set_and_read_back(inner: &rusqlite::Connection, name: &str, value: &str) -> Result<(), StoreError> {
    let path = inner.path().unwrap_or_default().to_owned();
    let failed = |error: rusqlite::Error| errors::opening(&error, Path::new(&path));
    inner.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(no_answer).map_err(failed)?;
    let back: rusqlite::types::Value = inner.pragma_query_value(None, name, |row| row.get(0)).map_err(failed)?;
    let back = match back {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        _ => String::from("nothing"),
    };
    if back == value {
        return Ok(());
    }
    Err(StoreError::Internal(format!(
        "SQLite answers {back} for {name} after it was set to {value}; the database is not opened"
    )))
}

/// Some pragmas answer nothing when they are set.
fn no_answer(error: rusqlite::Error) -> rusqlite::Result<()> {
    if matches!(error, rusqlite::Error::QueryReturnedNoRows) { Ok(()) } else { Err(error) }
}

fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for (index, value) in values.iter().enumerate() {
        let index = index + 1;
        match value {
            Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null)?,
            Value::Bytes(bytes) => statement.raw_bind_parameter(index, bytes)?,
            Value::Int(integer) => statement.raw_bind_parameter(index, integer)?,
            Value::Bool(boolean) => statement.raw_bind_parameter(index, boolean)?,
            Value::Text(text) => statement.raw_bind_parameter(index, text)?,
        }
    }
    Ok(())
}

fn owned(value: ValueRef<'_>) -> Result<Value, &'static str> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(integer) => Ok(Value::Int(integer)),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Text(text) => {
            std::str::from_utf8(text).map(|text| Value::Text(text.to_owned())).map_err(|_| "broken text")
        }
        ValueRef::Real(_) => Err("a fraction"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_sqlite_does_not_take_is_refused() {
        // A database in memory has no write-ahead log, and says so only when it is asked.
        let inner = rusqlite::Connection::open_in_memory().expect("a database");
        let refused = set_and_read_back(&inner, "journal_mode", "wal").expect_err("is refused");
        assert!(refused.to_string().contains("answers memory for journal_mode"), "{refused}");
        set_and_read_back(&inner, "synchronous", "2").expect("is taken");
        assert!(set_and_read_back(&inner, "no_such_setting", "1").is_err());
    }
}
