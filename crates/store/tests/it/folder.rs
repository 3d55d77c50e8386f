//! The data folder: private, and one process's at a time.

use std::os::unix::fs::PermissionsExt;

use countersign_store::{Database, Lane, Store, StoreError};

use crate::engines::{Bench, add, ids, options};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_is_refused_by_name() {
    let bench = Bench::sqlite().await;
    for second in [Store::open(bench.options.clone()).await, Store::create(bench.options.clone()).await] {
        let refused = second.expect_err("is refused");
        let process = format!("process {}", std::process::id());
        assert_eq!(refused, StoreError::FolderInUse { folder: bench.folder(), process: process.clone() });
        let said = refused.to_string();
        assert!(said.contains(&process) && said.contains(&bench.folder().display().to_string()), "{said}");
    }
    bench.store.close().await;
    Store::open(bench.options.clone()).await.expect("is free again").close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_may_look_beside_a_server() {
    let bench = Bench::sqlite().await;
    let beside = Store::open_beside(bench.options.clone()).await.expect("opens beside");
    let write = bench.store.transact(Lane::Normal, (), |tx, ()| Box::pin(add(tx, 1)));
    assert_eq!(write.await, Ok::<_, StoreError>(()));
    assert_eq!(ids(&beside).await, [1], "sees what the server writes");
    let refused = beside.transact(Lane::Urgent, (), |tx, ()| Box::pin(add(tx, 2))).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(beside.health().await.map(|health| health.space_is_short), Ok(false));
    beside.close().await;
    bench.store.close().await;
    let alone = Store::open_beside(bench.options.clone()).await.expect("opens without a server too");
    assert_eq!(ids(&alone).await, [1]);
    alone.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_look_in() {
    let bench = Bench::sqlite().await;
    let mode = |file: &str| {
        bench.folder().join(file).metadata().unwrap_or_else(|_| panic!("{file} is there")).permissions().mode() & 0o777
    };
    assert_eq!(mode("."), 0o700);
    for file in ["countersign.db", "countersign.db-wal", "countersign.db-shm", "lock", "reserve"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    bench.store.close().await;
    std::fs::set_permissions(bench.folder(), PermissionsExt::from_mode(0o755)).expect("a looser folder");
    std::fs::set_permissions(bench.folder().join("countersign.db"), PermissionsExt::from_mode(0o644))
        .expect("a looser file");
    let store = Store::open(bench.options.clone()).await.expect("opens");
    assert_eq!((mode("."), mode("countersign.db")), (0o700, 0o600), "what others could do is taken away");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("countersign.db"),
        "not a database, though long enough to be looked at".repeat(40),
    )
    .expect("a file");
    let refused =
        Store::open(options(Database::Sqlite { folder: folder.path().to_owned() })).await.expect_err("is refused");
    assert!(refused.to_string().contains("is not a SQLite database"), "{refused}");
}
