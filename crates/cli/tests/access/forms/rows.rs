//! Every row of every table of a world's database, and what two readings differ by. The tables are the database's own list: none can be left out.

use std::collections::BTreeSet;

use countersign_store::{Database, Row, Sql, StoreError, Value};
use countersign_testkit::World;

/// Which migrations have run is nothing that anybody changes from outside, and is written by another hand.
const OF_SQLITE: Sql = Sql {
    name: "tables",
    text: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'",
};
const OF_POSTGRES: Sql = Sql {
    name: "tables",
    text: "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'refinery_schema_history'",
};

/// The tables of a database, and how each is read.
#[derive(Clone)]
pub struct Tables(Vec<(&'static str, Sql)>);

/// What stands in them: a line for each row, with its table and its columns.
#[derive(Clone, PartialEq, Eq)]
pub struct Rows(BTreeSet<String>);

impl Tables {
    /// Those of a world.
    pub async fn of(world: &World) -> Self {
        let tables = match world.database.database {
            Database::Sqlite { .. } => OF_SQLITE,
            Database::Postgres { .. } => OF_POSTGRES,
        };
        let read: Result<Vec<String>, StoreError> = world
            .control
            .store()
            .read(tables, |tx, tables| {
                Box::pin(async move { tx.all(*tables, &[]).await?.iter().map(|row| row.get("name")).collect() })
            })
            .await;
        let names = read.expect("the tables can be read");
        assert!(names.len() > 40, "only {} tables: {names:?}", names.len());
        // Kept for the length of the test, as the texts that are in the program are.
        let sql = |name: String| {
            let text: &'static str = format!("SELECT * FROM \"{name}\"").leak();
            let name: &'static str = name.leak();
            (name, Sql { name, text })
        };
        Self(names.into_iter().map(sql).collect())
    }

    /// What stands in them now.
    pub async fn rows(&self, world: &World) -> Rows {
        let read: Result<BTreeSet<String>, StoreError> = world
            .control
            .store()
            .read(self.0.clone(), |tx, tables| {
                Box::pin(async move {
                    let mut lines = BTreeSet::new();
                    for (name, sql) in tables {
                        lines.extend(tx.all(*sql, &[]).await?.iter().map(|row| format!("{name} {}", columns(row))));
                    }
                    Ok(lines)
                })
            })
            .await;
        Rows(read.expect("every table can be read"))
    }
}

impl Rows {
    /// Those of one table.
    pub fn of(&self, table: &str) -> impl Iterator<Item = &str> {
        let start = format!("{table} ");
        self.0.iter().map(String::as_str).filter(move |row| row.starts_with(&start))
    }

    /// Rows that are gone, with a `-`, and new ones, with a `+`. One that has changed is there twice.
    pub fn changes(&self, later: &Self) -> Vec<String> {
        let gone = self.0.difference(&later.0).map(|row| format!("- {row}"));
        gone.chain(later.0.difference(&self.0).map(|row| format!("+ {row}"))).collect()
    }
}

fn columns(row: &Row) -> String {
    let text = |column: &String| match row.value(column).expect("a column of the row") {
        Value::Null => format!("{column}=NULL"),
        Value::Bytes(bytes) => format!("{column}={}", hex(bytes)),
        Value::Int(number) => format!("{column}={number}"),
        Value::Bool(flag) => format!("{column}={}", i64::from(*flag)),
        Value::Text(text) => format!("{column}={text:?}"),
    };
    row.columns().iter().map(text).collect::<Vec<_>>().join(" ")
}

/// Bytes as two digits each: an id without its dashes.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
