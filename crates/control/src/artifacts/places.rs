//! Who may move bytes at one time. Whoever lets them drip holds up their own job or build, never everybody.
//!
//! A transfer takes three places, in this order: of its job (or build), of its organization, of the server. Where one is missing it waits for
//! a while; nothing of it is held in memory meanwhile.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_domain::id::{
    ArtifactId, BuildId, DagsterRunId, DagsterRunLogId, DagsterSnapshotId, JobId, OrganizationId,
};
use countersign_store::artifacts::Artifact;
use countersign_store::blobs::WRITES_AT_ONCE;
use countersign_store::dagster_runs::logs::RunLog;
use countersign_store::dagster_snapshots::Snapshot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Control, Error, Result};

/// Uploads of one job at one time.
pub const UPLOADS_OF_JOB: usize = 4;
/// Uploads of one organization at one time: half of [`WRITES_AT_ONCE`], the server's.
pub const UPLOADS_OF_ORGANIZATION: usize = WRITES_AT_ONCE / 2;
/// Downloads of one build's artifacts at one time: jobs fetch from their own build, and people from whichever they look at.
pub const DOWNLOADS_OF_BUILD: usize = 64;
/// Downloads from one organization at one time.
pub const DOWNLOADS_OF_ORGANIZATION: usize = 128;
/// Downloads from the server at one time: each holds up to one piece in memory, 1 MiB of an S3-compatible store.
pub const DOWNLOADS_AT_ONCE: usize = 256;
/// Snapshots of code locations that one organization sends at one time; of one snapshot never two.
pub const SNAPSHOTS_OF_ORGANIZATION: usize = 4;
/// Snapshots that are taken in at one time: each is held in memory, packed, until it is compared.
pub const SNAPSHOTS_AT_ONCE: usize = 8;
/// Calls of one organization that snapshots come with, whole, at one time.
pub const ENTRIES_OF_ORGANIZATION: usize = 2;
/// Such calls at one time: each is held in memory, unpacked.
pub const ENTRIES_AT_ONCE: usize = 4;
/// Logs of runs that one organization sends at one time; of one log never two.
pub const RUN_LOGS_OF_ORGANIZATION: usize = 4;
/// Logs of runs that are taken in at one time: each is held in memory.
pub const RUN_LOGS_AT_ONCE: usize = 8;
/// How long a transfer waits for its places before it is told to come again.
pub const PLACE_TIME: Duration = Duration::from_secs(15);

/// The transfers that are under way.
#[derive(Debug)]
pub(crate) struct Transfers {
    uploads: Lines<JobId>,
    downloads: Lines<BuildId>,
    snapshots: Lines<DagsterSnapshotId>,
    /// Whoever has a place in it takes one for each of its snapshots as well; nobody waits for one the other way round.
    entries: Lines<DagsterSnapshotId>,
    run_logs: Lines<DagsterRunLogId>,
    run_logs_read: Lines<DagsterRunId>,
    /// Those whose bytes are let appear, or taken away.
    alone: Turns<ArtifactId>,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            uploads: Lines::new(UPLOADS_OF_JOB, UPLOADS_OF_ORGANIZATION, WRITES_AT_ONCE),
            downloads: Lines::new(DOWNLOADS_OF_BUILD, DOWNLOADS_OF_ORGANIZATION, DOWNLOADS_AT_ONCE),
            snapshots: Lines::new(1, SNAPSHOTS_OF_ORGANIZATION, SNAPSHOTS_AT_ONCE),
            entries: Lines::new(1, ENTRIES_OF_ORGANIZATION, ENTRIES_AT_ONCE),
            run_logs: Lines::new(1, RUN_LOGS_OF_ORGANIZATION, RUN_LOGS_AT_ONCE),
            run_logs_read: Lines::new(DOWNLOADS_OF_BUILD, DOWNLOADS_OF_ORGANIZATION, DOWNLOADS_AT_ONCE),
            alone: Turns::new(1),
        }
    }
}

impl Transfers {
    /// Waits until nobody else changes whether an artifact's bytes are there.
    pub(super) async fn alone(&self, artifact: ArtifactId) -> Turn<ArtifactId> {
        self.alone.enter(artifact).await
    }
}

impl Control {
    /// A place for an upload.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none was free for [`PLACE_TIME`].
    pub(super) async fn upload_place(&self, artifact: &Artifact) -> Result<Place<JobId>> {
        self.in_time(self.transfers().uploads.enter(artifact.job, artifact.organization)).await
    }

    /// The same for a snapshot of a code location, in a line of their own: they hold up no artifact.
    pub(crate) async fn snapshot_place(&self, snapshot: &Snapshot) -> Result<Place<DagsterSnapshotId>> {
        self.in_time(self.transfers().snapshots.enter(snapshot.id, snapshot.organization)).await
    }

    /// The same for a call that snapshots come with, under an id of its own.
    pub(crate) async fn entry_place(
        &self,
        call: DagsterSnapshotId,
        organization: OrganizationId,
    ) -> Result<Place<DagsterSnapshotId>> {
        self.in_time(self.transfers().entries.enter(call, organization)).await
    }

    /// The same for a log of a run, in a line of their own: they hold up no snapshot.
    pub(crate) async fn run_log_place(&self, log: &RunLog) -> Result<Place<DagsterRunLogId>> {
        self.in_time(self.transfers().run_logs.enter(log.id, log.organization)).await
    }

    /// The same for one that is read.
    pub(crate) async fn run_log_reading(&self, log: &RunLog) -> Result<Place<DagsterRunId>> {
        self.in_time(self.transfers().run_logs_read.enter(log.run, log.organization)).await
    }

    /// The same for a download.
    pub(super) async fn download_place(&self, artifact: &Artifact) -> Result<Place<BuildId>> {
        self.in_time(self.transfers().downloads.enter(artifact.build, artifact.organization)).await
    }

    async fn in_time<T>(&self, entering: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            place = entering => Ok(place),
            () = self.clock().sleep(PLACE_TIME) => Err(Error::Unavailable {
                code: "busy",
                message: "As many artifacts are being moved for this job, build or organization as may be; try again.",
            }),
        }
    }
}

/// The lines of one direction.
#[derive(Debug)]
struct Lines<K> {
    parts: Turns<K>,
    organizations: Turns<OrganizationId>,
    all: Arc<Semaphore>,
}

/// The places of one transfer, until they are dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Copy + Eq + Hash> {
    _part: Turn<K>,
    _organization: Turn<OrganizationId>,
    _all: Option<OwnedSemaphorePermit>,
}

impl<K: Copy + Eq + Hash> Lines<K> {
    fn new(of_part: usize, of_organization: usize, all: usize) -> Self {
        Self {
            parts: Turns::new(of_part),
            organizations: Turns::new(of_organization),
            all: Arc::new(Semaphore::new(all)),
        }
    }

    async fn enter(&self, part: K, organization: OrganizationId) -> Place<K> {
        Place {
            _part: self.parts.enter(part).await,
            _organization: self.organizations.enter(organization).await,
            // It is never closed.
            _all: Arc::clone(&self.all).acquire_owned().await.ok(),
        }
    }
}

/// A few at a time of each key.
#[derive(Debug)]
struct Turns<K> {
    at_once: usize,
    keys: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<K: Copy + Eq + Hash> {
    keys: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
    key: K,
    permit: Option<OwnedSemaphorePermit>,
}

impl<K: Copy + Eq + Hash> Turns<K> {
    fn new(at_once: usize) -> Self {
        Self { at_once, keys: Arc::default() }
    }

    async fn enter(&self, key: K) -> Turn<K> {
        // First of all, so that whoever stops waiting is tidied up after, too.
        let mut turn = Turn { keys: Arc::clone(&self.keys), key, permit: None };
        let places = {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(keys.entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.at_once))))
        };
        // It is never closed.
        turn.permit = places.acquire_owned().await.ok();
        turn
    }
}

impl<K: Copy + Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        self.permit.take();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits holds the semaphore too; with nobody left its entry goes, so that the map is as large as what is under way.
        if keys.get(&self.key).is_some_and(|places| Arc::strong_count(places) == 1) {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long nothing is waited for that is not to come.
    const SILENCE: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn each_has_its_own_places_and_nothing_is_left_behind() {
        let lines = Lines::new(2, 3, 4);
        let [one, two, three] = [1, 2, 3].map(|n| JobId::from_bytes([n; 16]));
        let [acme, globex] = [8, 9].map(|n| OrganizationId::from_bytes([n; 16]));
        let mut held = vec![lines.enter(one, acme).await, lines.enter(one, acme).await];
        let waits = async |job, of| tokio::time::timeout(SILENCE, lines.enter(job, of)).await.is_err();
        assert!(waits(one, acme).await, "a job has two");
        held.push(lines.enter(two, acme).await);
        assert!(waits(two, acme).await, "an organization has three");
        held.push(lines.enter(three, globex).await);
        assert!(waits(three, globex).await, "the server has four");
        held.remove(0);
        held.push(lines.enter(one, acme).await);
        held.clear();
        assert!(lines.parts.keys.lock().expect("nobody panicked").is_empty());
        assert!(lines.organizations.keys.lock().expect("nobody panicked").is_empty());
    }
}
