//! Migrations: set up once, brought up to date, and refused when they are not ours.

use std::path::Path;

use countersign_store::{Database, Lane, Options, Store, StoreError, params};

use crate::engines::{MIGRATIONS, add, new_database, on_each, options, sql, wants_postgres};

const SECOND: (&str, &str) = ("V2__colours", "ALTER TABLE things ADD COLUMN colour TEXT;");
const BROKEN: (&str, &str) = ("V2__broken", "CREATE TABLE half (id BIGINT); CREATE TABLE things (id BIGINT);");
const OTHER_FIRST: (&str, &str) = ("V1__tables", "CREATE TABLE other (id BIGINT);");

async fn reopen(options: Options, migrations: &[(&str, &str)]) -> Result<Store, StoreError> {
    Store::open(options.with_migrations(migrations)?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_brought_up_to_date_and_never_back() {
    on_each(async |bench| {
        let add_one = bench.store.transact(Lane::Normal, (), |tx, ()| Box::pin(add(tx, 1)));
        assert_eq!(add_one.await, Ok::<_, StoreError>(()));
        bench.store.close().await;

        let newer = reopen(bench.options.clone(), &[MIGRATIONS[0], SECOND]).await.expect("is brought up to date");
        assert_eq!(newer.schema_version().await, Ok(2));
        let write = newer.transact(Lane::Normal, (), |tx, ()| {
            Box::pin(async { tx.execute(sql("UPDATE things SET colour = $1"), &params!["red"]).await })
        });
        assert_eq!(write.await, Ok::<_, StoreError>(1), "the row is still there");
        newer.close().await;

        let older = reopen(bench.options.clone(), MIGRATIONS).await.expect_err("is refused");
        assert_eq!(older, StoreError::NewerSchema { found: 2, known: 1 });
        assert!(older.to_string().contains("version 2") && older.to_string().contains("up to 1"), "{older}");
        let beside = Store::open_beside(bench.options.clone()).await.expect_err("is refused");
        assert_eq!(beside, StoreError::NewerSchema { found: 2, known: 1 });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_past_is_refused() {
    on_each(async |bench| {
        bench.store.close().await;
        let other = reopen(bench.options.clone(), &[OTHER_FIRST]).await.expect_err("is refused");
        assert_eq!(other, StoreError::DivergentSchema { version: 1 });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_nothing_behind() {
    on_each(async |bench| {
        bench.store.close().await;
        let broken = reopen(bench.options.clone(), &[MIGRATIONS[0], BROKEN]).await.expect_err("fails");
        assert!(matches!(broken, StoreError::Internal(_)), "{broken:?}");
        let store = reopen(bench.options.clone(), MIGRATIONS).await.expect("opens as before");
        assert_eq!(store.schema_version().await, Ok(1));
        let half = store.prepare_every(&[sql("SELECT id FROM half")]).await;
        assert!(matches!(half, Err(StoreError::Internal(_))), "the first table of the migration is not there");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_place_is_not_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("nowhere");
    let mut databases = vec![Database::Sqlite { folder: nowhere.clone() }];
    let empty = if wants_postgres() { Some(new_database().await) } else { None };
    databases.extend(empty.iter().map(|empty| Database::Postgres { url: empty.url.clone() }));
    for database in databases {
        for opened in
            [Store::open(options(database.clone())).await, Store::open_beside(options(database.clone())).await]
        {
            let refused = opened.expect_err("is refused");
            assert!(matches!(refused, StoreError::NotSetUp { .. }), "{refused:?}");
            assert!(refused.to_string().contains("countersign init"), "{refused}");
        }
    }
    assert!(!Path::new(&nowhere).exists(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_set_up_at_once_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = options(Database::Sqlite { folder: folder.path().join("data") });
    let (one, two) = tokio::join!(Store::create(here.clone()), Store::create(here));
    let (store, refused) = match (one, two) {
        (Ok(store), Err(refused)) | (Err(refused), Ok(store)) => (store, refused),
        other => panic!("one must win: {other:?}"),
    };
    assert!(matches!(refused, StoreError::FolderInUse { .. }), "{refused:?}");
    assert_eq!(store.schema_version().await, Ok(1));
    store.close().await;

    if wants_postgres() {
        let database = new_database().await;
        let here = options(Database::Postgres { url: database.url.clone() });
        let (one, two, three) =
            tokio::join!(Store::create(here.clone()), Store::create(here.clone()), Store::create(here));
        for store in [one, two, three] {
            assert_eq!(store.expect("each waits its turn").schema_version().await, Ok(1));
        }
    }
}
