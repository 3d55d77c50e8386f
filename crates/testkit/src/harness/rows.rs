//! What the rows themselves say, on both engines: nothing half done, and a database that its engine calls sound.

use std::path::Path;
use std::sync::Arc;

use countersign_store::engine::DATABASE_FILE;
use countersign_store::{Database, Options, Sql, Store, StoreError};

use crate::ManualClock;

/// Each counts rows that must not be there, because what belongs to them is missing. Only rows that the load made.
const HALF_DONE: [(&str, Sql); 6] = [
    ("tokens without a secret", Sql {
        name: "half done: secrets",
        text: "SELECT COUNT(*) AS n FROM tokens t WHERE NOT EXISTS (SELECT 1 FROM token_secrets s WHERE s.token_id = t.id)",
    }),
    ("tokens whose creation is not in the audit log", Sql {
        name: "half done: creations",
        text: "SELECT COUNT(*) AS n FROM tokens t WHERE t.description LIKE 'load %' AND NOT EXISTS (
                 SELECT 1 FROM audit_events e WHERE e.subject_id = t.id AND e.action = 'agent_token.created')",
    }),
    ("revoked tokens whose revocation is not in the audit log", Sql {
        name: "half done: revocations",
        text: "SELECT COUNT(*) AS n FROM tokens t WHERE t.revoked_at IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM audit_events e WHERE e.subject_id = t.id AND e.action = 'agent_token.revoked')",
    }),
    ("agents without a session", Sql {
        name: "half done: sessions",
        text: "SELECT COUNT(*) AS n FROM agents a WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.agent_id = a.id)",
    }),
    ("agents whose registration is not in the audit log", Sql {
        name: "half done: registrations",
        text: "SELECT COUNT(*) AS n FROM agents a WHERE NOT EXISTS (
                 SELECT 1 FROM audit_events e WHERE e.subject_id = a.id AND e.action = 'agent.registered')",
    }),
    ("audit rows about tokens or agents that are not there", Sql {
        name: "half done: audit",
        text: "SELECT COUNT(*) AS n FROM audit_events e WHERE
                 (e.action IN ('agent_token.created', 'agent_token.revoked') AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.id = e.subject_id))
              OR (e.action = 'agent.registered' AND NOT EXISTS (SELECT 1 FROM agents a WHERE a.id = e.subject_id))",
    }),
];

/// # Panics
/// When a change was made without what belongs to it, or the database is damaged.
pub async fn must_be_whole(database: &Database) {
    let store = Store::open_beside(Options::new(database.clone(), Arc::new(ManualClock::default())));
    let store = store.await.expect("the database opens for reading");
    for (what, sql) in HALF_DONE {
        let counted: Result<i64, StoreError> =
            store.read(sql, |tx, sql| Box::pin(async { tx.one(*sql, &[]).await?.get("n") })).await;
        assert_eq!(counted, Ok(0), "{what}");
    }
    store.close().await;
    if let Database::Sqlite { folder } = database {
        must_be_sound(folder);
    }
}

/// # Panics
/// When SQLite finds the database file damaged.
pub fn must_be_sound(folder: &Path) {
    let connection = rusqlite::Connection::open(folder.join(DATABASE_FILE)).expect("the database opens");
    let found: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it can be checked");
    assert_eq!(found, "ok", "integrity_check");
}
