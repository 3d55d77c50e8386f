//! Every statement of the store is prepared on both engines, against the store's own schema.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use countersign_store::{Database, Options, Sql, Store, StoreError, statements};

use crate::engines::{RealClock, new_database, on_each, sql, wants_postgres};

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares() {
    let all: Vec<Sql> = statements::all().into_iter().flat_map(|(_, statements)| statements).copied().collect();
    assert!(all.len() > 30, "only {} statements are listed", all.len());
    let names: BTreeSet<_> = all.iter().map(|sql| sql.name).collect();
    assert_eq!(names.len(), all.len(), "each statement is listed once");

    let folder = tempfile::tempdir().expect("a folder");
    let mut databases = vec![Database::Sqlite { folder: folder.path().to_owned() }];
    let empty = if wants_postgres() { Some(new_database().await) } else { None };
    databases.extend(empty.iter().map(|empty| Database::Postgres { url: empty.url.clone() }));
    for database in databases {
        let store = Store::create(Options::new(database, Arc::new(RealClock))).await.expect("a store");
        store.prepare_every(&all).await.expect("every statement prepares");
        println!("{}: {} statements prepared", store.engine_name(), all.len());
        store.close().await;
    }
}

#[test]
fn every_module_that_has_statements_is_listed() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut with_statements = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read_to_string(&path).expect("a text").lines().any(|line| line == "statements! {") {
                with_statements += 1;
            }
        }
    }
    assert_eq!(statements::all().len(), with_statements);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_statement_is_found() {
    on_each(async |bench| {
        for text in ["SELECT colour FROM things", "SELECT id FROM thigns", "SELEC 1", "SELECT 1 /*lock:all*/"] {
            let found = bench.store.prepare_every(&[sql("SELECT 1"), sql(text)]).await;
            assert!(matches!(found, Err(StoreError::Internal(_))), "{text}: {found:?}");
        }
    })
    .await;
}
