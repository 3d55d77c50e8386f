//! Disks that are full or cannot be written to. A small file system is mounted for each, which needs root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use countersign_store::{Database, Lane, Store, StoreError, params};

use crate::engines::{ids, may_mount, options, sql};

/// A file system of its own in memory, taken away at the end.
pub struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    pub fn new(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        mount(&["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"], folder.path());
        Self { folder }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn store(&self) -> Store {
        let database = Database::Sqlite { folder: self.data() };
        Store::create(options(database)).await.expect("a store")
    }

    /// Takes what is left of the space.
    fn fill(&self) {
        let mut size = 1 << 20;
        let mut number = 0;
        while size >= 1 << 10 {
            number += 1;
            let file = self.folder.path().join(format!("ballast-{number}"));
            if fs::write(&file, vec![1_u8; size]).is_err() {
                fs::remove_file(&file).ok();
                size /= 2;
            }
        }
        // The last bytes of the last page.
        fs::write(self.folder.path().join("ballast"), [1; 1]).ok();
    }

    fn make_room(&self) {
        for entry in fs::read_dir(self.folder.path()).expect("the folder").flatten() {
            if entry.file_name().to_string_lossy().starts_with("ballast") {
                fs::remove_file(entry.path()).expect("room");
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.folder.path()).status().ok();
    }
}

fn mount(what: &[&str], on: &Path) {
    let status = Command::new("mount").args(what).arg(on).status().expect("mount runs");
    assert!(status.success(), "mounting needs root");
}

/// A write of about 3 kB.
async fn write(store: &Store, lane: Lane, id: i64) -> Result<u64, StoreError> {
    store
        .transact(lane, id, |tx, id| {
            Box::pin(async move {
                let insert = sql("INSERT INTO things (id, blob) VALUES ($1, $2)");
                tx.execute(insert, &params![*id, vec![7_u8; 3_000]]).await
            })
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_what_takes_access_away_still_works() {
    if !may_mount() {
        return;
    }
    let disk = Disk::new("12m");
    let store = disk.store().await;
    let mut kept = Vec::new();
    for id in 0..10 {
        assert_eq!(write(&store, Lane::Normal, id).await, Ok(1));
        kept.push(id);
    }
    disk.fill();
    let refused_at = loop {
        let id = kept.len() as i64;
        match write(&store, Lane::Normal, id).await {
            Ok(_) => kept.push(id),
            Err(error) => {
                assert_eq!(error, StoreError::StorageFull);
                break id;
            }
        }
        assert!(id < 10_000, "the disk never fills");
    };
    assert!(disk.data().join("reserve").exists(), "ordinary writes do not touch the reserve");

    for id in 100_000..100_050 {
        assert_eq!(write(&store, Lane::Urgent, id).await, Ok(1), "urgent write {id}");
        kept.push(id);
    }
    assert!(!disk.data().join("reserve").exists(), "the reserve was given");
    assert_eq!(
        write(&store, Lane::Normal, refused_at).await,
        Err(StoreError::StorageFull),
        "only urgent ones may use it"
    );
    assert_eq!(store.health().await.map(|health| health.space_is_short), Ok(true));
    assert_eq!(ids(&store).await, kept, "reading works, and nothing is lost or half done");

    disk.make_room();
    let mut tries = 0;
    while write(&store, Lane::Normal, refused_at).await.is_err() {
        tries += 1;
        assert!(tries < 6_000, "writing never comes back");
        #[expect(
            clippy::disallowed_methods,
            reason = "the writer tries for the space once a second by the machine's own time"
        )]
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.health().await.map(|health| health.space_is_short), Ok(false), "the reserve is there again");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_group_that_meets_a_full_disk_the_urgent_ones_succeed() {
    if !may_mount() {
        return;
    }
    let disk = Disk::new("12m");
    let store = disk.store().await;
    disk.fill();
    let writes = (0..400).map(|id| {
        let store = store.clone();
        tokio::spawn(async move {
            let lane = if id % 10 == 0 { Lane::Urgent } else { Lane::Normal };
            (id, lane, write(&store, lane, id).await)
        })
    });
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for write in futures_util::future::join_all(writes).await {
        match write.expect("a task") {
            (id, _, Ok(1)) => acknowledged.push(id),
            (_, Lane::Normal, Err(StoreError::StorageFull)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(refused > 0, "the disk was not full");
    assert_eq!(ids(&store).await, acknowledged, "who was told yes is there, who was told no is not");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_be_written_to_is_named() {
    if !may_mount() {
        return;
    }
    let disk = Disk::new("16m");
    disk.store().await.close().await;
    mount(&["-o", "remount,ro"], disk.folder.path());
    let database = Database::Sqlite { folder: disk.data() };
    for opened in [Store::open(options(database.clone())).await, Store::create(options(database)).await] {
        let refused = opened.expect_err("is refused");
        assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
        assert!(refused.to_string().contains("read-only"), "{refused}");
    }
}
