//! What PostgreSQL alone can do or do wrong: waiting locks, deadlocks, lost connections, a second server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use countersign_domain::Id;
use countersign_store::{Database, Holder, Lane, Options, Store, StoreError, Turn, params};
use tokio::sync::Barrier;

use crate::engines::{Ahead, Bench, MIGRATIONS, PATIENCE, add, connect, new_database, options, sql, wants_postgres};

async fn bench_of_two() -> Bench {
    let bench = Bench::postgres().await;
    let two = bench.store.transact(Lane::Normal, (), |tx, ()| {
        Box::pin(async {
            add(tx, 1).await?;
            add(tx, 2).await
        })
    });
    assert_eq!(two.await, Ok::<_, StoreError>(()));
    bench
}

fn holder(number: u8) -> Holder {
    Holder { id: [number; 16], note: format!("host-{number}, process {number}") }
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_rows_are_skipped() {
    if !wants_postgres() {
        return;
    }
    let bench = bench_of_two().await;
    let both_hold = Arc::new(Barrier::new(2));
    let claims = [(); 2].map(|()| {
        bench.store.transact(Lane::Normal, Arc::clone(&both_hold), |tx, both_hold| {
            Box::pin(async move {
                let claim = sql("SELECT id FROM things ORDER BY id LIMIT 1 /*lock:skip*/");
                let id: i64 = tx.one(claim, &[]).await?.get("id")?;
                both_hold.wait().await;
                Ok::<_, StoreError>(id)
            })
        })
    });
    let mut claimed =
        futures_util::future::join_all(claims).await.into_iter().map(|id| id.expect("a claim")).collect::<Vec<_>>();
    claimed.sort_unstable();
    assert_eq!(claimed, [1, 2]);
}

/// Row locks would fail this: a newcomer may share one that is shared already, so there is never a moment for whoever wants it alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_shared_turns_keeps_nobody_out() {
    if !wants_postgres() {
        return;
    }
    let bench = bench_of_two().await;
    let thing = Id::<()>::from_bytes([7; 16]);
    let stop = Arc::new(AtomicU32::new(0));
    let turns = [(); 6].map(|()| Arc::new(AtomicU32::new(0)));
    let sharers = turns.clone().map(|turns| {
        let (store, stop) = (bench.store.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            while stop.load(Ordering::Relaxed) == 0 {
                let share = store.transact(Lane::Normal, thing, |tx, thing| {
                    Box::pin(async move {
                        tx.take_turn(*thing, Turn::Shared).await?;
                        tx.all(sql("SELECT 1 FROM pg_sleep(0.02)"), &[]).await.map(drop)
                    })
                });
                assert_eq!(share.await, Ok::<_, StoreError>(()));
                turns.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    // Each has its connection before the first wants it alone, and comes to its turns meanwhile.
    let each_has = |count| turns.iter().all(|turns| turns.load(Ordering::Relaxed) >= count);
    let began = async {
        while !each_has(1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.expect("each has had a turn");
    let mut rounds = 0;
    while rounds < 20 || !each_has(3) {
        rounds += 1;
        assert!(rounds < 2_000, "some of those who share have no turn: {turns:?}");
        let alone = bench.store.transact(Lane::Urgent, (thing, turns.clone()), |tx, (thing, turns)| {
            Box::pin(async move {
                let so_far = || turns.iter().map(|turns| turns.load(Ordering::Relaxed)).sum::<u32>();
                let before = so_far();
                tx.take_turn(*thing, Turn::Alone).await?;
                Ok::<_, StoreError>(so_far() - before)
            })
        });
        let alone = tokio::time::timeout(PATIENCE, alone).await.expect("a turn");
        // Each had one, and perhaps another before this was in the line; a thread that stalls on its way there sees some more.
        assert!(alone.as_ref().is_ok_and(|theirs| *theirs < 100), "{alone:?} of theirs came first");
    }
    stop.store(1, Ordering::Relaxed);
    for sharer in futures_util::future::join_all(sharers).await {
        sharer.expect("a sharer ends well");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_resolved_by_running_again() {
    if !wants_postgres() {
        return;
    }
    let bench = bench_of_two().await;
    let both_hold = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicU32::new(0));
    let crossing = [(1_i64, 2_i64), (2, 1)].map(|(first, second)| {
        let input = (first, second, Arc::clone(&both_hold), Arc::clone(&runs));
        bench.store.transact(Lane::Normal, input, |tx, (first, second, both_hold, runs)| {
            Box::pin(async move {
                let touch = sql("UPDATE things SET name = name || '+' WHERE id = $1");
                tx.execute(touch, &params![*first]).await?;
                if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                    both_hold.wait().await;
                }
                tx.execute(touch, &params![*second]).await
            })
        })
    });
    for result in futures_util::future::join_all(crossing).await {
        assert_eq!(result, Ok::<_, StoreError>(1));
    }
    assert!(runs.load(Ordering::SeqCst) > 2, "one of the two was run again");
    assert_eq!(bench.store.collisions(), u64::from(runs.load(Ordering::SeqCst) - 2), "each is counted");
    let names = bench.store.read((), |tx, ()| {
        Box::pin(async {
            let rows = tx.all(sql("SELECT name FROM things"), &[]).await?;
            rows.iter().map(|row| row.get::<String>("name")).collect::<Result<Vec<_>, StoreError>>()
        })
    });
    assert!(names.await.expect("the names").iter().all(|name| name.ends_with("++")), "each ran to its end once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_amid_an_operation_is_replaced() {
    if !wants_postgres() {
        return;
    }
    let bench = Bench::postgres().await;
    let axe = Arc::new(connect(bench.url()).await);
    let runs = Arc::new(AtomicU32::new(0));
    let write = bench.store.transact(Lane::Normal, (axe, Arc::clone(&runs)), |tx, (axe, runs)| {
        Box::pin(async move {
            add(tx, 1).await?;
            if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                let me: i64 = tx.one(sql("SELECT pg_backend_pid() AS me"), &[]).await?.get("me")?;
                axe.execute("SELECT pg_terminate_backend($1::INT4)", &[&i32::try_from(me).expect("a number")])
                    .await
                    .ok();
            }
            add(tx, 2).await
        })
    });
    assert_eq!(write.await, Ok::<_, StoreError>(()));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(bench.ids().await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unavailable() {
    if !wants_postgres() {
        return;
    }
    // Port 1: nothing listens there.
    let nowhere = options(Database::Postgres { url: "postgres://ada:hunter2@127.0.0.1:1/countersign".into() });
    let refused = Store::open(nowhere).await.expect_err("is refused");
    assert!(matches!(refused, StoreError::Unavailable { .. }) && refused.is_cannot_tell(), "{refused:?}");
    assert!(refused.to_string().contains("127.0.0.1:1") && !refused.to_string().contains("hunter2"), "{refused}");

    let database = new_database().await;
    let (server, _) = database.url.rsplit_once('/').expect("a URL");
    let missing = options(Database::Postgres { url: format!("{server}/no_such_database") });
    let refused = Store::open(missing).await.expect_err("is refused");
    assert!(refused.to_string().contains("no_such_database"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_the_wrong_kind_is_a_mistake_and_not_a_lost_connection() {
    if !wants_postgres() {
        return;
    }
    let bench = Bench::postgres().await;
    let write = bench.store.transact(Lane::Normal, (), |tx, ()| {
        Box::pin(async { tx.execute(crate::engines::ADD, &params!["one", "one"]).await })
    });
    let Err(StoreError::Internal(why)) = write.await else { panic!("must be refused") };
    assert!(why.contains("parameter $1 is int8") && why.contains("text"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_noticed() {
    if !wants_postgres() {
        return;
    }
    let database = new_database().await;
    let ahead = Arc::new(Ahead(Duration::from_secs(60)));
    let options = Options::new(Database::Postgres { url: database.url.clone() }, ahead)
        .with_migrations(MIGRATIONS)
        .expect("migrations");
    let store = Store::create(options).await.expect("a store");
    let asked = store.clock().now();
    let skew = store.clock_skew().await.expect("a clock");
    // The answer may have been on its way for as long as the question took.
    let took = store.clock().now().since(asked);
    let minute = Duration::from_secs(60);
    assert!(skew <= minute && skew + took >= minute, "{skew:?} in {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_is_refused_until_the_first_has_gone() {
    if !wants_postgres() {
        return;
    }
    let bench = Bench::postgres().await;
    let (first, second) = (Store::open(bench.options.clone()).await.expect("opens"), &bench.store);
    first.acquire_lease(holder(1)).await.expect("is first");
    let refused = second.acquire_lease(holder(2)).await.expect_err("is refused");
    let StoreError::LeaseHeld { note, until } = &refused else { panic!("{refused:?}") };
    assert_eq!(note, "host-1, process 1");
    assert!(*until > first.clock().now(), "{until}");
    assert!(refused.to_string().contains("host-1"), "{refused}");
    first.renew_lease().await.expect("is renewed");

    // As after a kill: the connection goes without a word, and with it the lease.
    drop(first);
    let mut tries = 0;
    while let Err(error) = second.acquire_lease(holder(2)).await {
        assert!(matches!(error, StoreError::LeaseHeld { .. }), "{error:?}");
        tries += 1;
        assert!(tries < 500, "the lease of a server that is gone is never free");
    }
    second.release_lease().await.expect("is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_its_lease_serves_nothing() {
    if !wants_postgres() {
        return;
    }
    let bench = Bench::postgres().await;
    bench.store.acquire_lease(holder(1)).await.expect("is first");
    assert!(!bench.store.is_fenced());
    let keeper = tokio::spawn({
        let store = bench.store.clone();
        async move { store.keep_lease().await }
    });
    // Another takes the row while this server's session is cut: it must not go on.
    let axe = connect(bench.url()).await;
    let steal = "UPDATE server_lease SET holder = '\\x02', note = 'host-2'";
    axe.execute(steal, &[]).await.expect("is stolen");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database())";
    axe.execute(cut, &[]).await.expect("is cut");
    assert_eq!(keeper.await.expect("a task"), StoreError::LeaseLost);
    assert!(bench.store.is_fenced());
    let write = bench.store.transact(Lane::Urgent, (), |tx, ()| Box::pin(add(tx, 1))).await;
    assert!(matches!(write, Err(StoreError::Unavailable { .. })), "{write:?}");
    assert!(bench.store.health().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_session_broke_is_taken_again() {
    if !wants_postgres() {
        return;
    }
    let bench = Bench::postgres().await;
    bench.store.acquire_lease(holder(1)).await.expect("is first");
    let axe = connect(bench.url()).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database())";
    axe.execute(cut, &[]).await.expect("is cut");
    let mut tries = 0;
    // The first renewal meets the broken session, a later one makes a new one.
    while bench.store.renew_lease().await.is_err() || tries == 0 {
        tries += 1;
        assert!(tries < 100, "the lease is never held again");
    }
    assert!(!bench.store.is_fenced());
    let write = bench.store.transact(Lane::Normal, (), |tx, ()| Box::pin(add(tx, 1))).await;
    assert_eq!(write, Ok::<_, StoreError>(()));
}
