//! Worlds that are all alike: the first one is made step by step, each further one is its rows in a database that is at hand.
//!
//! Making a database, its tables and two organizations takes far longer than most cases.

use std::sync::{Arc, Mutex};

use countersign_control::organizations::Created;
use countersign_control::{Control, Settings};
use countersign_domain::KeyRing;
use countersign_store::{Lane, Sql, Store, StoreError, Value};
use countersign_testkit::{Engine, ManualClock, SeededEntropy, Tenant, TestDatabase, World};

use crate::acting::next;
use crate::dump::TABLES;
use crate::twin;

/// A statement and what it is given.
type Statement = (Sql, Vec<Value>);

/// Worlds of one engine.
pub struct Worlds {
    engine: Engine,
    first: Copied,
    /// What makes a database with the right tables into one with the right rows.
    statements: Vec<Statement>,
    free: Mutex<Vec<TestDatabase>>,
}

/// What a world is besides its rows.
struct Copied {
    keys: KeyRing,
    acme: Tenant,
    globex: Tenant,
}

impl Worlds {
    /// Makes the first one.
    pub async fn new(engine: Engine) -> Self {
        let world = World::new(engine).await;
        twin::furnish(&world).await;
        let World { control, acme, globex, database, .. } = world;
        let statements = statements(control.store()).await;
        control.store().close().await;
        drop(database);
        let first = Copied { keys: ring(&control.keys()), acme, globex };
        Self { engine, first, statements, free: Mutex::new(Vec::new()) }
    }

    /// One more, with a clock and a generator of its own.
    pub async fn another(&self) -> World {
        let free = self.free.lock().expect("nobody panics while holding it").pop();
        let database = match free {
            Some(database) => database,
            None => TestDatabase::new(self.engine).await,
        };
        let clock = Arc::new(ManualClock::default());
        let store = Store::create(database.options(clock.clone())).await.expect("a store");
        let filled: Result<(), StoreError> = store
            .transact(Lane::Normal, self.statements.clone(), |tx, statements| {
                Box::pin(async move {
                    for (sql, values) in statements {
                        tx.execute(*sql, values).await?;
                    }
                    Ok(())
                })
            })
            .await;
        filled.expect("the rows of the first world");
        let entropy = Arc::new(SeededEntropy::new(next()));
        let control = Control::new(store, ring(&self.first.keys), clock.clone(), entropy, Settings::default())
            .keeping_blobs(database.blobs());
        let operator = control.local_operator();
        World { control, clock, acme: tenant(&self.first.acme), globex: tenant(&self.first.globex), operator, database }
    }

    /// Takes back the database of a world that has come to a good end.
    pub async fn take_back(&self, world: World) {
        world.control.store().close().await;
        self.free.lock().expect("nobody panics while holding it").push(world.database);
    }
}

/// The same keys, as another server reads them.
pub fn ring(keys: &KeyRing) -> KeyRing {
    KeyRing::parse(&keys.render()).expect("what was rendered can be read")
}

fn tenant(from: &Tenant) -> Tenant {
    let Created { organization, admin, user_token, user_secret, agent_token, agent_secret } = &from.created;
    let created = Created {
        organization: organization.clone(),
        admin: admin.clone(),
        user_token: user_token.clone(),
        user_secret: user_secret.clone(),
        agent_token: agent_token.clone(),
        agent_secret: agent_secret.clone(),
    };
    Tenant { created, admin: from.admin.clone() }
}

/// Deletes what is there, and writes what is in this database now.
async fn statements(store: &Store) -> Vec<Statement> {
    let sql = |text: String| Sql { name: "worlds", text: text.leak() };
    let tables: Vec<&'static str> = TABLES.iter().map(|table| table.name).chain(["instance", "oidc_keys"]).collect();
    let mut statements: Vec<Statement> = Vec::new();
    // What refers to a row goes before it, and comes after it.
    statements.extend(tables.iter().rev().map(|table| (sql(format!("DELETE FROM {table}")), vec![])));
    for table in tables {
        // A branch comes after the deployment that it belongs to.
        let order = if table == "deployments" { "ORDER BY CASE WHEN parent_id IS NULL THEN 0 ELSE 1 END" } else { "" };
        let all = sql(format!("SELECT * FROM {table} {order}"));
        let rows: Result<_, StoreError> = store.read(all, |tx, all| Box::pin(tx.all(*all, &[]))).await;
        let mut insert = None;
        for row in rows.expect("the rows of a table") {
            let columns = row.columns();
            let insert = *insert.get_or_insert_with(|| {
                let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
                sql(format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", ")))
            });
            let values = columns.iter().map(|column| row.value(column).expect("a column").clone()).collect();
            statements.push((insert, values));
        }
    }
    statements
}
