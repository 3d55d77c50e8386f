//! The order in which changes were committed, from a witness that the server does not write for us.
//!
//! On SQLite that is the order of the audit log's rows: one thread writes them all, one after the other. On PostgreSQL it is
//! the time at which the server itself committed the transaction that inserted the row (`track_commit_timestamp`). A row's
//! transaction changes when it is sealed: what is sealed already is left out, and the sealer must not run meanwhile.

use std::collections::HashMap;

use countersign_store::Database;
use countersign_store::engine::DATABASE_FILE;
use rusqlite::OpenFlags;
use tokio_postgres::NoTls;

/// An audit row, with its place in the order of commits.
#[derive(Debug)]
pub struct Witnessed {
    /// Its place: later is greater.
    pub place: i64,
    /// What was done.
    pub action: String,
    /// The public id of the credential that did it.
    pub credential: String,
    /// The name of what it was done to: a token's public id.
    pub subject: String,
}

/// Every audit row, in the order of commits.
///
/// # Panics
/// When the witness cannot be heard.
pub async fn audit_rows(database: &Database) -> Vec<Witnessed> {
    match database {
        Database::Sqlite { folder } => {
            let path = folder.join(DATABASE_FILE);
            let connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
                .expect("the database opens");
            let text = "SELECT rowid, action, COALESCE(credential, ''), subject_name FROM audit_events ORDER BY rowid";
            let mut statement = connection.prepare(text).expect("the query");
            let rows = statement.query_map([], |row| {
                Ok(Witnessed { place: row.get(0)?, action: row.get(1)?, credential: row.get(2)?, subject: row.get(3)? })
            });
            rows.expect("the rows").collect::<Result<_, _>>().expect("each row")
        }
        Database::Postgres { url } => {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
            let driver = tokio::spawn(connection);
            let kept: String = client.query_one("SHOW track_commit_timestamp", &[]).await.expect("the setting").get(0);
            assert_eq!(
                kept, "on",
                "the PostgreSQL server for tests must keep the times of commits: track_commit_timestamp=on"
            );
            let text = "SELECT (EXTRACT(EPOCH FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint, action,
                               COALESCE(credential, ''), subject_name
                        FROM audit_events WHERE sequence IS NULL ORDER BY 1";
            let rows = client.query(text, &[]).await.expect("the rows");
            drop(client);
            let _ = driver.await;
            rows.iter()
                .map(|row| Witnessed {
                    place: row.get(0),
                    action: row.get(1),
                    credential: row.get(2),
                    subject: row.get(3),
                })
                .collect()
        }
    }
}

/// How many writes with a credential came before and after its revocation, in the order of commits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Credentials that were revoked.
    pub revoked: usize,
    /// Writes with them before that.
    pub before: usize,
    /// Writes with them after that: there must be none.
    pub after: usize,
}

/// Compares the writes named `write` with the revocations named `revocation`.
#[must_use]
pub fn order(rows: &[Witnessed], write: &str, revocation: &str) -> Order {
    let revoked: HashMap<&str, i64> =
        rows.iter().filter(|row| row.action == revocation).map(|row| (row.subject.as_str(), row.place)).collect();
    let mut order = Order { revoked: revoked.len(), ..Order::default() };
    for row in rows.iter().filter(|row| row.action == write) {
        match revoked.get(row.credential.as_str()) {
            Some(place) if row.place > *place => order.after += 1,
            Some(_) => order.before += 1,
            None => {}
        }
    }
    order
}
