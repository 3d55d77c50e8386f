//! What an operation may rely on, on both engines.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use countersign_store::{Lane, StoreError, Value, params};
use futures_util::{FutureExt, future::join_all};

use crate::engines::{ADD, COUNT, PATIENCE, add, on_each, sql};

/// An operation's own error.
#[derive(Debug, PartialEq)]
enum Refused {
    Odd,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_back_as_they_went_in() {
    on_each(async |bench| {
        let write = bench.store.transact(Lane::Normal, (), |tx, ()| {
            Box::pin(async {
                let insert = sql("INSERT INTO things (id, name, flag, blob) VALUES ($1, $2, $3, $4)");
                tx.execute(insert, &params![i64::MAX, "žluť 🦀", true, vec![0_u8, 255]]).await?;
                tx.execute(insert, &params![i64::MIN, None::<String>, Value::Null, None::<Vec<u8>>]).await
            })
        });
        assert_eq!(write.await, Ok::<_, StoreError>(1));
        let read = bench.store.read((), |tx, ()| {
            Box::pin(async {
                let rows = tx.all(sql("SELECT id, name, flag, blob FROM things ORDER BY id DESC"), &[]).await?;
                let full = &rows[0];
                assert_eq!(full.get::<i64>("id"), Ok(i64::MAX));
                assert_eq!(full.get::<String>("name"), Ok("žluť 🦀".to_owned()));
                assert_eq!(full.get::<bool>("flag"), Ok(true));
                assert_eq!(full.get::<[u8; 2]>("blob"), Ok([0, 255]));
                assert!(matches!(full.get::<i32>("id"), Err(StoreError::Decode { .. })));
                assert!(matches!(full.get::<i64>("name"), Err(StoreError::Decode { found: "text", .. })));
                assert!(matches!(full.get::<i64>("nothing"), Err(StoreError::Internal(_))));
                let empty = &rows[1];
                assert_eq!(empty.get::<i64>("id"), Ok(i64::MIN));
                assert_eq!(empty.get::<Option<String>>("name"), Ok(None));
                assert_eq!(empty.get::<Option<bool>>("flag"), Ok(None));
                assert_eq!(empty.get::<Option<Vec<u8>>>("blob"), Ok(None));
                assert!(matches!(empty.get::<String>("name"), Err(StoreError::Decode { found: "NULL", .. })));
                Ok::<_, StoreError>(rows.len())
            })
        });
        assert_eq!(read.await, Ok(2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_may_come_in_any_order_and_again() {
    on_each(async |bench| {
        let read = bench.store.read((), |tx, ()| {
            Box::pin(async {
                let text = "SELECT CAST($2 AS TEXT) AS a, CAST($1 AS BIGINT) AS b, CAST($2 AS TEXT) || '$1' AS c,
                            CAST($1 AS BIGINT) + CAST($3 AS BIGINT) AS d /* $9 */";
                let row = tx.one(sql(text), &params![7, "x", 3]).await?;
                Ok::<_, StoreError>((
                    row.get::<String>("a")?,
                    row.get::<i64>("b")?,
                    row.get::<String>("c")?,
                    row.get::<i64>("d")?,
                ))
            })
        });
        assert_eq!(read.await, Ok(("x".into(), 7, "x$1".into(), 10)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_of_values_is_caught() {
    on_each(async |bench| {
        for values in [vec![], vec![Value::Int(1)], vec![Value::Int(1), Value::Null, Value::Null]] {
            let write = bench
                .store
                .transact(Lane::Normal, values, |tx, values| Box::pin(async { tx.execute(ADD, values).await }));
            let Err(StoreError::Internal(why)) = write.await else { panic!("must be refused") };
            assert!(why.contains("takes 2 values"), "{why}");
        }
        assert_eq!(bench.count().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_undoes_only_itself() {
    on_each(async |bench| {
        let results = join_all((0..60).map(|id| {
            bench.store.transact(Lane::Normal, id, |tx, id| {
                Box::pin(async move {
                    add(tx, *id).await?;
                    if id % 2 == 1 { Err(Refused::Odd) } else { Ok(*id) }
                })
            })
        }))
        .await;
        for (id, result) in (0..).zip(results) {
            assert_eq!(result, if id % 2 == 1 { Err(Refused::Odd) } else { Ok(id) });
        }
        assert_eq!(bench.ids().await, (0..60).step_by(2).collect::<Vec<i64>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_told_apart() {
    on_each(async |bench| {
        let add_one = || bench.store.transact(Lane::Normal, (), |tx, ()| Box::pin(add(tx, 1)));
        assert_eq!(add_one().await, Ok::<_, StoreError>(()));
        assert_eq!(add_one().await, Err(StoreError::UniqueViolation));
        let orphan = bench.store.transact(Lane::Normal, (), |tx, ()| {
            Box::pin(async { tx.execute(sql("INSERT INTO parts (thing_id) VALUES (9)"), &[]).await })
        });
        assert_eq!(orphan.await, Err(StoreError::ForeignKey));
        let nothing = bench.store.transact(Lane::Normal, (), |tx, ()| {
            Box::pin(async { tx.execute(sql("INSERT INTO parts (thing_id) VALUES (NULL)"), &[]).await })
        });
        assert!(matches!(nothing.await, Err(StoreError::Internal(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_statement_nothing_is_committed() {
    on_each(async |bench| {
        let stubborn = bench.store.transact(Lane::Normal, (), |tx, ()| {
            Box::pin(async {
                add(tx, 1).await?;
                assert_eq!(add(tx, 1).await, Err(StoreError::UniqueViolation));
                assert_eq!(add(tx, 2).await, Err(StoreError::UniqueViolation), "later statements fail alike");
                Ok::<_, StoreError>("fine")
            })
        });
        assert_eq!(stubborn.await, Err(StoreError::UniqueViolation));
        assert_eq!(bench.count().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_means_one() {
    on_each(async |bench| {
        let write = bench.store.transact(Lane::Normal, (), |tx, ()| {
            Box::pin(async {
                let find = sql("SELECT id FROM things WHERE id >= $1");
                assert!(matches!(tx.one(find, &params![1]).await, Err(StoreError::NoRow { .. })));
                assert!(matches!(tx.maybe(find, &params![1]).await, Ok(None)));
                add(tx, 1).await?;
                assert_eq!(tx.one(find, &params![1]).await?.get("id"), Ok(1_i64));
                add(tx, 2).await
            })
        });
        assert_eq!(write.await, Ok::<_, StoreError>(()), "a missing row alone fails nothing");
        let two = bench
            .store
            .read((), |tx, ()| Box::pin(async { tx.one(sql("SELECT id FROM things"), &[]).await.map(drop) }));
        assert!(matches!(two.await, Err(StoreError::Internal(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_only_its_operation() {
    on_each(async |bench| {
        let results = join_all((0..20).map(|id| {
            bench.store.transact(Lane::Normal, id, |tx, id| {
                Box::pin(async move {
                    add(tx, *id).await?;
                    assert!(*id != 7, "planted");
                    Ok::<_, StoreError>(())
                })
            })
        }))
        .await;
        assert_eq!(results.iter().filter(|result| **result == Err(StoreError::Panicked)).count(), 1);
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 19);
        assert_eq!(bench.count().await, 19);
        let read: Result<(), StoreError> = bench.store.read((), |_, ()| Box::pin(async { panic!("planted") })).await;
        assert_eq!(read, Err(StoreError::Panicked));
        assert_eq!(bench.count().await, 19);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_after_the_commit_and_before_the_answer() {
    on_each(async |bench| {
        let heard = Arc::new(Mutex::new(Vec::new()));
        for id in 0..10 {
            let write = bench.store.transact(Lane::Normal, (id, Arc::clone(&heard)), |tx, (id, heard)| {
                let (id, heard) = (*id, Arc::clone(heard));
                Box::pin(async move {
                    tx.on_commit(move || heard.lock().expect("the list").push(id));
                    add(tx, id).await?;
                    if id % 2 == 1 { Err(Refused::Odd) } else { Ok(()) }
                })
            });
            let committed = write.await.is_ok();
            assert_eq!(heard.lock().expect("the list").last() == Some(&id), committed);
        }
        let ids = bench.ids().await;
        assert_eq!(*heard.lock().expect("the list"), ids);
        let noisy = bench.store.transact(Lane::Normal, (), |tx, ()| {
            tx.on_commit(|| panic!("planted"));
            Box::pin(add(tx, 100))
        });
        assert_eq!(noisy.await, Ok::<_, StoreError>(()), "a hook that panics does not undo the answer");
        assert_eq!(bench.count().await, 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_undoes_nothing() {
    on_each(async |bench| {
        let mut left = 0;
        for id in 0..20 {
            let call = bench.store.transact(Lane::Normal, id, |tx, id| Box::pin(add(tx, *id)));
            // Looked at once, the call is under way; then its caller is gone, unless the answer was quicker.
            match call.now_or_never() {
                None => left += 1,
                Some(answer) => assert_eq!(answer, Ok::<_, StoreError>(())),
            }
        }
        assert!(left > 0, "nobody left before the answer");
        let written = async {
            while bench.count().await < 20 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, written).await.expect("the writes arrive");
        assert_eq!(bench.ids().await, (0..20).collect::<Vec<i64>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_stands_still_inside_an_operation() {
    on_each(async |bench| {
        let clock = Arc::clone(bench.store.clock());
        let times = bench.store.transact(Lane::Normal, clock, |tx, clock| {
            let first = tx.now();
            while clock.now() <= first.plus(std::time::Duration::from_millis(2)) {}
            Box::pin(async move { Ok::<_, StoreError>((first, tx.now(), clock.now())) })
        });
        let (first, second, outside) = times.await.expect("the times");
        assert_eq!(first, second);
        assert!(outside > second);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_cannot_write() {
    on_each(async |bench| {
        let Err(StoreError::Internal(why)) = bench.store.read((), |tx, ()| Box::pin(add(tx, 1))).await else {
            panic!("must be refused")
        };
        assert!(why.contains("in a read"), "{why}");
        assert_eq!(bench.count().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_one_moment() {
    on_each(async |bench| {
        let (go, gone) = mpsc::channel::<()>();
        let (looked, look) = mpsc::channel::<()>();
        let store = bench.store.clone();
        let read = tokio::spawn(async move {
            let ends = (Mutex::new(gone), looked);
            let both = store.read(ends, |tx, (gone, looked)| {
                Box::pin(async move {
                    let before: i64 = tx.one(COUNT, &[]).await?.get("n")?;
                    looked.send(()).expect("the test waits");
                    gone.lock().expect("the channel").recv().expect("the test says when");
                    Ok::<_, StoreError>((before, tx.one(COUNT, &[]).await?.get::<i64>("n")?))
                })
            });
            both.await
        });
        tokio::task::spawn_blocking(move || look.recv()).await.expect("a thread").expect("the first look");
        let write = bench.store.transact(Lane::Normal, (), |tx, ()| Box::pin(add(tx, 1))).await;
        assert_eq!(write, Ok::<_, StoreError>(()), "a read holds no writer up");
        go.send(()).expect("the read waits");
        assert_eq!(read.await.expect("a task"), Ok((0, 0)));
        assert_eq!(bench.count().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_locked_is_counted_right() {
    on_each(async |bench| {
        let first = bench.store.transact(Lane::Normal, (), |tx, ()| Box::pin(add(tx, 0)));
        assert_eq!(first.await, Ok::<_, StoreError>(()));
        // Read, then write what was read: without the lock, increments are lost on PostgreSQL.
        let increments = join_all((0..100).map(|_| {
            bench.store.transact(Lane::Normal, (), |tx, ()| {
                Box::pin(async {
                    let locked = sql("SELECT name FROM things WHERE id = 0 /*lock:update*/");
                    let name: String = tx.one(locked, &[]).await?.get("name")?;
                    let next = name.trim_start_matches("thing ").parse::<u32>().expect("a number") + 1;
                    tx.execute(sql("UPDATE things SET name = $1 WHERE id = 0"), &params![format!("thing {next}")]).await
                })
            })
        }))
        .await;
        assert!(increments.iter().all(|changed: &Result<u64, StoreError>| *changed == Ok(1)));
        let name = bench.store.read((), |tx, ()| {
            Box::pin(async { tx.one(sql("SELECT name FROM things WHERE id = 0"), &[]).await?.get::<String>("name") })
        });
        assert_eq!(name.await, Ok::<_, StoreError>("thing 100".into()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_is_understood() {
    on_each(async |bench| {
        let runs = Arc::new(AtomicU32::new(0));
        let write = bench.store.transact(Lane::Urgent, Arc::clone(&runs), |tx, runs| {
            let runs = Arc::clone(runs);
            Box::pin(async move {
                add(tx, 1).await?;
                for text in [
                    "SELECT id FROM things /*lock:share*/",
                    "SELECT id FROM things /*lock:update*/",
                    "SELECT id FROM things WHERE id > $1 ORDER BY id LIMIT $2 /*lock:skip*/",
                ] {
                    let values: &[Value] = if text.contains('$') { &params![0, 1] } else { &[] };
                    assert_eq!(tx.all(sql(text), values).await?.len(), 1, "{text}");
                    runs.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, StoreError>(())
            })
        });
        assert_eq!(write.await, Ok(()));
        assert_eq!(runs.load(Ordering::Relaxed), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_says_so() {
    on_each(async |bench| {
        bench.store.close().await;
        let write = bench.store.transact(Lane::Urgent, (), |tx, ()| Box::pin(add(tx, 1))).await;
        assert!(matches!(write, Err(StoreError::Unavailable { .. })), "{write:?}");
        let read: Result<(), StoreError> = bench.store.read((), |_, ()| Box::pin(async { Ok(()) })).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
        assert!(bench.store.health().await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_tells_about_itself() {
    on_each(async |bench| {
        let report = bench.store.report().await.expect("a report");
        assert_eq!((report.engine, report.schema_version, report.known_version), (bench.store.engine_name(), 1, 1));
        assert!(["BINARY", "C"].contains(&report.collation.as_str()), "{}", report.collation);
        assert!(!report.version.is_empty());
        let health = bench.store.health().await.expect("is well");
        assert!(!health.space_is_short);
        assert!(health.clock_skew < std::time::Duration::from_secs(1), "{:?}", health.clock_skew);
    })
    .await;
}
