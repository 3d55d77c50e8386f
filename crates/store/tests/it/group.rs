//! SQLite's writing thread: what waits is committed together, revokes first.

use std::collections::BTreeSet;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use countersign_store::{Lane, Store, StoreError};
use futures_util::FutureExt;
use tokio::task::JoinHandle;

use crate::engines::{Bench, Still, add, options};

/// Holds the writing thread inside an operation until it is told to go on.
struct Hold {
    go: mpsc::Sender<()>,
    held: JoinHandle<Result<(), StoreError>>,
}

impl Hold {
    async fn on(store: &Store) -> Self {
        let (go, gone) = mpsc::channel::<()>();
        let (started, start) = mpsc::channel::<()>();
        let store = store.clone();
        let held = tokio::spawn(async move {
            let ends = (Mutex::new(gone), started);
            let hold = store.transact(Lane::Normal, ends, |_, (gone, started)| {
                Box::pin(async move {
                    started.send(()).ok();
                    gone.lock().expect("the channel").recv().ok();
                    Ok(())
                })
            });
            hold.await
        });
        tokio::task::spawn_blocking(move || start.recv()).await.expect("a thread").expect("the writer is held");
        Self { go, held }
    }

    async fn release(self) {
        // Dropped, not sent: the operation may be run again, and must not be held then.
        drop(self.go);
        self.held.await.expect("a task").expect("the holder ends well");
    }
}

/// Starts an operation and lets it reach the queue.
async fn send(store: &Store, lane: Lane, id: i64, order: &Arc<Mutex<Vec<i64>>>) -> JoinHandle<Result<(), StoreError>> {
    let (store, order) = (store.clone(), Arc::clone(order));
    let mut call = Box::pin(async move {
        let write = store.transact(lane, (id, order), |tx, (id, order)| {
            order.lock().expect("the list").push(*id);
            Box::pin(add(tx, *id))
        });
        write.await
    });
    assert!((&mut call).now_or_never().is_none());
    tokio::spawn(call)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_committed_together() {
    const WAITING: usize = 100;
    let bench = Bench::sqlite_by(Arc::new(Still)).await;
    let hold = Hold::on(&bench.store).await;
    let hooks = Arc::new(AtomicUsize::new(0));
    let mut calls = Vec::new();
    for id in 0..WAITING as i64 {
        let (store, hooks) = (bench.store.clone(), Arc::clone(&hooks));
        let mut call = Box::pin(async move {
            let seen = Arc::clone(&hooks);
            let write = store.transact(Lane::Normal, (id, hooks), |tx, (id, hooks)| {
                let hooks = Arc::clone(hooks);
                tx.on_commit(move || {
                    hooks.fetch_add(1, Ordering::SeqCst);
                });
                Box::pin(add(tx, *id))
            });
            write.await.map(|()| seen.load(Ordering::SeqCst))
        });
        assert!((&mut call).now_or_never().is_none());
        calls.push(tokio::spawn(call));
    }
    hold.release().await;
    let mut hooks_at_answer = BTreeSet::new();
    for call in calls {
        let hooks: Result<usize, StoreError> = call.await.expect("a task");
        hooks_at_answer.insert(hooks.expect("every operation is answered"));
    }
    // Hooks run after a commit and before its answers: there is a number of hooks at an answer for each commit, at most. A group is bounded in
    // time too, so the clock stands still.
    assert_eq!(hooks_at_answer, BTreeSet::from([WAITING]));
    assert_eq!(bench.count().await, WAITING as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_operations_go_first() {
    let bench = Bench::sqlite().await;
    let hold = Hold::on(&bench.store).await;
    let order = Arc::default();
    let mut calls = Vec::new();
    for id in 0..10 {
        calls.push(send(&bench.store, Lane::Normal, id, &order).await);
    }
    for id in 100..103 {
        calls.push(send(&bench.store, Lane::Urgent, id, &order).await);
    }
    hold.release().await;
    for call in calls {
        assert_eq!(call.await.expect("a task"), Ok(()));
    }
    assert_eq!(order.lock().expect("the list")[..3], [100, 101, 102]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_waits_for_something_else_is_rolled_back() {
    let bench = Bench::sqlite().await;
    let waits = bench.store.transact(Lane::Normal, (), |tx, ()| {
        Box::pin(async {
            add(tx, 1).await?;
            tokio::task::yield_now().await;
            Ok::<_, StoreError>(())
        })
    });
    assert_eq!(waits.await, Err(StoreError::Waited));
    let read: Result<(), StoreError> = bench.store.read((), |_, ()| Box::pin(std::future::pending())).await;
    assert_eq!(read, Err(StoreError::Waited));
    assert_eq!(bench.count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_ends_the_transaction_takes_nobody_along() {
    let bench = Bench::sqlite_by(Arc::new(Still)).await;
    let hold = Hold::on(&bench.store).await;
    let order = Arc::default();
    let before = send(&bench.store, Lane::Normal, 1, &order).await;
    let store = bench.store.clone();
    let mut vandal = Box::pin(async move {
        let write = store.transact(Lane::Normal, (), |tx, ()| {
            Box::pin(async { tx.execute(crate::engines::sql("ROLLBACK"), &[]).await })
        });
        write.await
    });
    assert!((&mut vandal).now_or_never().is_none());
    let after = send(&bench.store, Lane::Normal, 2, &order).await;
    hold.release().await;
    assert!(matches!(vandal.await, Err(StoreError::Internal(_))));
    assert_eq!(before.await.expect("a task"), Ok(()));
    assert_eq!(after.await.expect("a task"), Ok(()));
    assert_eq!(bench.ids().await, [1, 2]);
    assert!(order.lock().expect("the list").len() > 2, "the group was run again");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_serves_what_waits() {
    let bench = Bench::sqlite().await;
    let hold = Hold::on(&bench.store).await;
    let order = Arc::default();
    let mut calls = Vec::new();
    for id in 0..50 {
        calls.push(send(&bench.store, Lane::Normal, id, &order).await);
    }
    let store = bench.store.clone();
    let closing = tokio::spawn(async move { store.close().await });
    hold.release().await;
    closing.await.expect("closes");
    for call in calls {
        assert_eq!(call.await.expect("a task"), Ok(()));
    }
    let again = Store::open(bench.options.clone()).await.expect("the folder is free");
    assert_eq!(crate::engines::ids(&again).await.len(), 50);
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_in_the_files() {
    let bench = Bench::sqlite().await;
    for id in 0..20 {
        let write = bench.store.transact(Lane::Normal, id, |tx, id| Box::pin(add(tx, *id)));
        assert_eq!(write.await, Ok::<_, StoreError>(()));
    }
    // As after a kill: the files as they are, without the shared memory, opened by another process.
    let copy = tempfile::tempdir().expect("a folder");
    for file in ["countersign.db", "countersign.db-wal"] {
        std::fs::copy(bench.folder().join(file), copy.path().join(file)).expect("a copy");
    }
    let database = countersign_store::Database::Sqlite { folder: copy.path().to_owned() };
    let beside = Store::open_beside(options(database.clone())).await.expect("a look at the copy");
    assert_eq!(crate::engines::ids(&beside).await, (0..20).collect::<Vec<i64>>());
    beside.close().await;
    let store = Store::open(options(database)).await.expect("the copy opens");
    assert_eq!(crate::engines::ids(&store).await, (0..20).collect::<Vec<i64>>());
    store.close().await;
}
