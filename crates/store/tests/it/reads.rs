//! Which reads wait for which.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use countersign_store::{Lane, StoreError};

use crate::engines::{Bench, COUNT, PATIENCE};

/// How many threads of SQLite read what is not urgent.
const READERS: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn urgent_reads_wait_behind_no_others() {
    let bench = Bench::sqlite().await;
    let (hold, held) = mpsc::channel::<()>();
    let (begun, held) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(held)));
    let slow: Vec<_> = (0..16)
        .map(|_| {
            let (store, input) = (bench.store.clone(), (begun.clone(), held.clone()));
            tokio::spawn(async move {
                let read = store.read(input, |_, (begun, held)| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    // As long as the test keeps its end of the channel, each reading thread is busy here.
                    let waited = held.lock().expect("nobody panics").recv();
                    Box::pin(async move { Ok::<_, StoreError>(waited.is_err()) })
                });
                read.await
            })
        })
        .collect();
    while begun.load(Ordering::SeqCst) < READERS {
        tokio::task::yield_now().await;
    }
    let count =
        bench.store.read_in(Lane::Urgent, (), |tx, ()| Box::pin(async { tx.one(COUNT, &[]).await?.get::<i64>("n") }));
    let count = tokio::time::timeout(PATIENCE, count).await;
    assert_eq!(count.expect("it waits for none of them"), Ok::<_, StoreError>(0));
    assert!(slow.iter().all(|read| !read.is_finished()));
    drop(hold);
    for read in slow {
        assert_eq!(read.await.expect("it ends"), Ok(true));
    }
}
