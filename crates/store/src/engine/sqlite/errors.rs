//! What SQLite's errors mean to the store.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::engine::{error::StoreError, sql::Sql};

/// An error met while writing.
pub(super) fn writing(error: &rusqlite::Error, sql: Sql) -> StoreError {
    match code(error) {
        Some(ErrorCode::ReadOnly) => read_only("its file or folder may not be written"),
        _ => common(error, sql),
    }
}

/// An error met while reading; there a refused write is a mistake in the program.
pub(super) fn reading(error: &rusqlite::Error, sql: Sql) -> StoreError {
    match code(error) {
        Some(ErrorCode::ReadOnly) => StoreError::Internal(format!("{} writes, but was run in a read", sql.name)),
        _ => common(error, sql),
    }
}

/// An error met while opening the file.
pub(super) fn opening(error: &rusqlite::Error, path: &Path) -> StoreError {
    let file = path.display();
    match code(error) {
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => read_only(&format!("{file} may not be written")),
        Some(ErrorCode::CannotOpen) => {
            StoreError::unavailable(format_args!("{file} cannot be opened; check its path and permissions"))
        }
        Some(ErrorCode::NotADatabase) => StoreError::Internal(format!("{file} is not a SQLite database")),
        _ => common(error, Sql { name: "opening the database", text: "" }),
    }
}

fn common(error: &rusqlite::Error, sql: Sql) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::Internal(format!("{}: {error}", sql.name));
    };
    match (failure.code, failure.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID) => {
            StoreError::UniqueViolation
        }
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::ForeignKey,
        // The index of the log lies in shared memory; when that cannot grow, the disk is full too.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => StoreError::StorageFull,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
            StoreError::unavailable("another process holds the database")
        }
        (ErrorCode::SystemIoFailure, extended) => {
            StoreError::unavailable(format_args!("the disk reported an error (SQLite code {extended})"))
        }
        (ErrorCode::OutOfMemory, _) => StoreError::unavailable("memory has run out"),
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => {
            StoreError::Internal("the database file is damaged; restore a backup".into())
        }
        _ => StoreError::Internal(format!("{}: {error}", sql.name)),
    }
}

fn read_only(why: &str) -> StoreError {
    StoreError::ReadOnly {
        why: format!("{why}; check its owner, its mode and whether its file system is mounted read-only"),
    }
}

fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}
