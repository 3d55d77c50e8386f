//! What PostgreSQL's errors mean to the store. A server's message is passed on only where it cannot hold a bound value.

use std::error::Error as _;

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::{Error, error::SqlState};

use crate::engine::{error::StoreError, sql::Sql};

/// An error met while running a statement.
pub(in crate::engine) fn meaning(error: &Error, sql: Sql) -> StoreError {
    let Some(told) = error.as_db_error() else {
        return StoreError::unavailable("the connection to the database server was lost");
    };
    let code = told.code();
    match *code {
        SqlState::UNIQUE_VIOLATION => StoreError::UniqueViolation,
        SqlState::FOREIGN_KEY_VIOLATION | SqlState::RESTRICT_VIOLATION => StoreError::ForeignKey,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => StoreError::Contended,
        SqlState::DISK_FULL => StoreError::StorageFull,
        SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly {
            why: "the database server is a standby, or was set to read-only; use its primary".into(),
        },
        SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => {
            StoreError::unavailable("a statement took too long in the database")
        }
        _ => match code.code().get(..2) {
            // 08 connection, 28 who may connect, 3D no such database, 53 resources, 57 the operator, 58 the system beneath.
            Some("08" | "28" | "3D" | "53" | "57" | "58") => StoreError::unavailable(told.message()),
            // 42 is about the statement's text.
            Some("42") => StoreError::Internal(format!("{}: {}", sql.name, told.message())),
            _ => StoreError::Internal(format!("{}: the database answered SQLSTATE {}", sql.name, code.code())),
        },
    }
}

/// An error met while connecting.
pub(super) fn connecting(error: &Error, place: &str) -> StoreError {
    if let Some(told) = error.as_db_error() {
        return StoreError::unavailable(format_args!("{place}: {}", told.message()));
    }
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    StoreError::unavailable(format_args!("{place} cannot be reached: {error}{cause}"))
}

/// No connection from the pool.
pub(super) fn from_pool(error: &PoolError, place: &str) -> StoreError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => connecting(error, place),
        PoolError::Timeout(_) => StoreError::unavailable(format_args!("{place}: no connection became free in time")),
        PoolError::Closed => StoreError::closed(),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => StoreError::unavailable(place),
    }
}
