//! The schema: one folder of migrations that both engines run, each in one transaction.
//!
//! A database that a newer release made is refused, and so is one whose past is not ours. Of two processes that migrate at
//! once, one waits: on SQLite the folder's lock sees to it, on PostgreSQL an advisory lock.

use std::path::Path;

use refinery::{Migration, Runner, error::Kind};

use super::{error::StoreError, options::Options, postgres, sql::Sql, sqlite};

/// Where the migrations that ran are listed.
const HISTORY: &str = "refinery_schema_history";
/// The newest version that ran.
const NEWEST: &str = "SELECT MAX(version) FROM refinery_schema_history";
/// The advisory lock under which PostgreSQL is migrated; any number that nobody else uses.
const MIGRATION_LOCK: i64 = 0x636F_756E_7465_7201;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How a migrating session differs: a migration may take long, and so may waiting for another process's. Milliseconds.
const SESSION: &str = "SET statement_timeout = 0; SET lock_timeout = 60000";

/// This release's migrations.
pub(super) fn embedded() -> Vec<Migration> {
    embedded::migrations::runner().get_migrations().clone()
}

/// The newest version among the migrations.
pub(super) fn known(migrations: &[Migration]) -> i32 {
    migrations.iter().map(Migration::version).max().unwrap_or(0)
}

/// Brings a SQLite database up to date. One without tables is set up only when `create` says so.
pub(super) fn sqlite(
    driver: &mut rusqlite::Connection,
    options: &Options,
    create: bool,
    folder: &Path,
) -> Result<(), StoreError> {
    let found = sqlite_version(driver)?;
    check(found, options, create, || format!("the data folder {}", folder.display()))?;
    runner(options).run(driver).map(drop).map_err(|error| failed(&error))
}

/// Only looks whether this program can read the database.
pub(super) fn check_sqlite(driver: &rusqlite::Connection, options: &Options) -> Result<(), StoreError> {
    let found = sqlite_version(driver)?;
    check(found, options, false, || driver.path().unwrap_or("the data folder").to_owned())
}

/// The version of a SQLite database; `None` when it has no tables.
pub(super) fn sqlite_version(driver: &rusqlite::Connection) -> Result<Option<i32>, StoreError> {
    let failed = |error: rusqlite::Error| sqlite::migrating(&error);
    let there = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    if driver.query_row(there, [HISTORY], |row| row.get::<_, i64>(0)).map_err(failed)? == 0 {
        return Ok(None);
    }
    driver.query_row(NEWEST, [], |row| row.get(0)).map_err(failed)
}

/// Brings a PostgreSQL database up to date, on a connection of its own.
pub(super) async fn postgres(
    client: &mut tokio_postgres::Client,
    options: &Options,
    create: bool,
    place: &str,
) -> Result<(), StoreError> {
    let failed_here = |error: tokio_postgres::Error| postgres::meaning(&error, Sql { name: "migrating", text: "" });
    client.batch_execute(SESSION).await.map_err(failed_here)?;
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await.map_err(failed_here)?;
    let found = postgres_version(client).await?;
    check(found, options, create, || place.to_owned())?;
    runner(options).run_async(client).await.map_err(|error| failed(&error))?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]).await.map(drop).map_err(failed_here)
}

/// Only looks whether this program can read the database.
pub(super) async fn check_postgres(
    client: &tokio_postgres::Client,
    options: &Options,
    place: &str,
) -> Result<(), StoreError> {
    check(postgres_version(client).await?, options, false, || place.to_owned())
}

/// The version of a PostgreSQL database; `None` when it has no tables.
pub(super) async fn postgres_version(client: &tokio_postgres::Client) -> Result<Option<i32>, StoreError> {
    let failed = |error: tokio_postgres::Error| postgres::meaning(&error, Sql { name: "migrating", text: "" });
    let there = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&HISTORY]).await.map_err(failed)?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    Ok(client.query_one(NEWEST, &[]).await.map_err(failed)?.get(0))
}

fn runner(options: &Options) -> Runner {
    Runner::new(&options.migrations).set_grouped(true).set_abort_divergent(true).set_abort_missing(true)
}

fn check(
    found: Option<i32>,
    options: &Options,
    create: bool,
    place: impl FnOnce() -> String,
) -> Result<(), StoreError> {
    let known = known(&options.migrations);
    match found {
        Some(found) if found > known => Err(StoreError::NewerSchema { found, known }),
        None if !create => Err(StoreError::NotSetUp { place: place() }),
        _ => Ok(()),
    }
}

/// What a failed migration means. The transaction was rolled back: nothing is half done.
fn failed(error: &refinery::Error) -> StoreError {
    match error.kind() {
        Kind::DivergentVersion(applied, _) | Kind::MissingVersion(applied) => {
            StoreError::DivergentSchema { version: applied.version() }
        }
        Kind::Connection(what, source) => {
            if let Some(error) = source.downcast_ref::<rusqlite::Error>() {
                sqlite::migrating(error)
            } else if let Some(error) = source.downcast_ref::<tokio_postgres::Error>() {
                postgres::meaning(error, Sql { name: "migrating", text: "" })
            } else {
                StoreError::Internal(what.clone())
            }
        }
        other => StoreError::Internal(format!("a migration failed: {other}")),
    }
}
