//! The planted faults do what they say: otherwise a durability test that stays green beside them proves nothing.

use countersign_store::{Lane, Store, StoreError, engine::faults::Synchronous};

use crate::engines::{add, ids, on_each};

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_lie_is_told_before_it_is_true() {
    on_each(async |bench| {
        bench.store.close().await;
        let mut options = bench.options.clone();
        options.faults.acknowledge_early = true;
        options.faults.synchronous = Synchronous::Off;
        let store = Store::open(options).await.expect("opens");
        let mut lies = 0;
        for id in 1..=20 {
            let write = store.transact(Lane::Normal, id, |tx, id| Box::pin(add(tx, *id)));
            assert_eq!(write.await, Ok::<_, StoreError>(()));
            // On a busy machine the look itself may come too late.
            lies += i32::from(!ids(&store).await.contains(&id));
        }
        assert!(lies > 0, "every answer was true");
        store.close().await;
    })
    .await;
}
