//! Snapshots of code locations: their rows. The bytes are blobs beside those of artifacts.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::dagster::{JobRef, SnapshotKind};
use countersign_domain::id::{CodeLocationId, DagsterSnapshotId, DeploymentId, OrganizationId, TokenId};

use crate::blobs::{BlobName, removals};
use crate::{Row, StoreError, Tx, Value, params, statements};

macro_rules! columns {
    () => {
        "s.id, s.organization_id, s.deployment_id, s.kind, s.sha1, s.size, s.packed, s.announced_by, s.used_at, s.stored_at"
    };
}

/// No code location was loaded with it, and nobody asked for it lately; what was announced and has not come is given up sooner.
macro_rules! unused {
    () => {
        "(s.used_at < $1 OR (s.stored_at IS NULL AND s.used_at < $2)) AND NOT EXISTS (SELECT 1 FROM code_location_snapshots r WHERE r.snapshot_id = s.id)"
    };
}

statements! {
    /// One that is to come; of two at once the first.
    INSERT = "INSERT INTO dagster_snapshots (id, organization_id, deployment_id, kind, sha1, size, packed, announced_by, created_at, used_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (deployment_id, kind, sha1, size) DO NOTHING";
    /// One of a deployment, by what it is.
    FIND = concat!("SELECT ", columns!(), " FROM dagster_snapshots s WHERE s.organization_id = $1 AND s.deployment_id = $2 AND s.kind = $3 AND s.sha1 = $4
              AND s.size = $5");
    /// One by its id, of whatever organization: for whoever shows an address that was signed for it.
    BY_ID = concat!("SELECT ", columns!(), " FROM dagster_snapshots s WHERE s.id = $1");
    /// It was asked for.
    USE = "UPDATE dagster_snapshots SET used_at = $2 WHERE id = $1";
    /// Another token announces what has not come.
    ANNOUNCE = "UPDATE dagster_snapshots SET announced_by = $2, used_at = $3 WHERE id = $1 AND stored_at IS NULL";
    /// It is not to come any more.
    DROP = "DELETE FROM dagster_snapshots WHERE id = $1 AND stored_at IS NULL";
    /// Its bytes are there.
    STORED = "UPDATE dagster_snapshots SET stored_at = $2, packed = $3, jobs = $4 WHERE id = $1 AND stored_at IS NULL";
    /// Which jobs the one of a repository names.
    JOBS = "SELECT jobs FROM dagster_snapshots WHERE organization_id = $1 AND id = $2";
    /// One of a deployment that is there, by its hash alone: an agent's id of a job says no size.
    STORED_OF_HASH = "SELECT id FROM dagster_snapshots WHERE organization_id = $1 AND deployment_id = $2 AND kind = $3 AND sha1 = $4
              AND stored_at IS NOT NULL LIMIT 1";
    /// How many a deployment has, and how many bytes they are.
    HELD = "SELECT COUNT(*) AS n, CAST(COALESCE(SUM(packed), 0) AS BIGINT) AS bytes FROM dagster_snapshots
              WHERE organization_id = $1 AND deployment_id = $2";
    /// How many a token announced in a deployment that have not come, and how many bytes they may be.
    AWAITED = "SELECT COUNT(*) AS n, CAST(COALESCE(SUM(packed), 0) AS BIGINT) AS bytes FROM dagster_snapshots
              WHERE organization_id = $1 AND deployment_id = $2 AND announced_by = $3 AND stored_at IS NULL";
    /// A code location was loaded with it.
    REFER = "INSERT INTO code_location_snapshots (code_location_id, snapshot_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    /// What a code location was loaded with.
    REFERRED = "SELECT snapshot_id FROM code_location_snapshots WHERE code_location_id = $1";
    /// The code location is loaded anew, or gone.
    FORGET = "DELETE FROM code_location_snapshots WHERE code_location_id = $1";
    /// Those that nothing is loaded with. $1, $2: when they must have been asked for last, and those that have not come; $3: at the most.
    UNUSED = concat!("SELECT ", columns!(), " FROM dagster_snapshots s WHERE ", unused!(), " ORDER BY s.used_at LIMIT $3");
    /// Removes one of them, if it still is one.
    REMOVE = concat!("DELETE FROM dagster_snapshots AS s WHERE ", unused!(), " AND s.id = $3");
}

/// How exactly it is known when a snapshot was last asked for: agents ask for what is there much oftener than that.
pub const USE_NOTED: Duration = Duration::from_secs(3600);

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: DagsterSnapshotId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its deployment.
    pub deployment: DeploymentId,
    /// What it is of.
    pub kind: SnapshotKind,
    /// SHA-1 of what it is once it is unpacked, lower-case hexadecimal.
    pub sha1: String,
    /// Bytes once it is unpacked.
    pub size: i64,
    /// Bytes as they are stored, packed; before they are there, the most that they may be, so that they have their place.
    pub packed: i64,
    /// The token whose holder announced it last, before it was there.
    pub announced_by: TokenId,
    /// When it was last asked for, to [`USE_NOTED`].
    pub used_at: Timestamp,
    /// When its bytes were there.
    pub stored_at: Option<Timestamp>,
}

impl Snapshot {
    /// The name of its bytes.
    #[must_use]
    pub fn blob(&self) -> BlobName {
        BlobName::of_snapshot(self.organization, self.deployment, self.id)
    }
}

fn snapshot(row: &Row) -> Result<Snapshot, StoreError> {
    Ok(Snapshot {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        deployment: row.get("deployment_id")?,
        kind: row.parse("kind")?,
        sha1: row.get("sha1")?,
        size: row.get("size")?,
        packed: row.get("packed")?,
        announced_by: row.get("announced_by")?,
        used_at: row.get("used_at")?,
        stored_at: row.get("stored_at")?,
    })
}

/// Adds one whose bytes are to come, unless the deployment has it.
pub async fn insert(tx: &mut Tx, new: &Snapshot) -> Result<(), StoreError> {
    let now = tx.now();
    let values = params![
        new.id,
        new.organization,
        new.deployment,
        new.kind.as_str(),
        new.sha1.as_str(),
        new.size,
        new.packed,
        new.announced_by,
        now
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The deployment's snapshot of this kind with this hash and size: whoever announces another size holds nobody up.
pub async fn find(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    kind: SnapshotKind,
    (sha1, size): (&str, i64),
) -> Result<Option<Snapshot>, StoreError> {
    tx.maybe(FIND, &params![of, deployment, kind.as_str(), sha1, size]).await?.as_ref().map(snapshot).transpose()
}

/// The snapshot with this id, of whatever organization.
pub async fn by_id(tx: &mut Tx, id: DagsterSnapshotId) -> Result<Option<Snapshot>, StoreError> {
    tx.maybe(BY_ID, &params![id]).await?.as_ref().map(snapshot).transpose()
}

/// Notes that it was asked for now.
pub async fn mark_used(tx: &mut Tx, id: DagsterSnapshotId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(USE, &params![id, now]).await.map(drop)
}

/// Notes that the holder of this token will send it, unless it is there.
pub async fn announce(tx: &mut Tx, id: DagsterSnapshotId, by: TokenId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(ANNOUNCE, &params![id, by, now]).await.map(drop)
}

/// Removes one whose bytes were refused, and what came of them after the commit; of one that was removed meanwhile, only what came.
pub async fn give_up(tx: &mut Tx, it: &Snapshot) -> Result<(), StoreError> {
    if tx.execute(DROP, &params![it.id]).await? == 1 || by_id(tx, it.id).await?.is_none() {
        removals::insert(tx, it.organization, it.deployment.cast(), it.id.cast()).await?;
    }
    Ok(())
}

/// Its bytes are there, and it names these jobs. False when they were.
pub async fn stored(tx: &mut Tx, id: DagsterSnapshotId, packed: i64, jobs: &[JobRef]) -> Result<bool, StoreError> {
    let now = tx.now();
    let jobs = if jobs.is_empty() { Value::Null } else { Value::json(jobs)? };
    Ok(tx.execute(STORED, &params![id, now, packed, jobs]).await? == 1)
}

/// The jobs that the snapshot of a repository names; none of any other.
pub async fn jobs(tx: &mut Tx, of: OrganizationId, id: DagsterSnapshotId) -> Result<Vec<JobRef>, StoreError> {
    let Some(row) = tx.maybe(JOBS, &params![of, id]).await? else { return Ok(Vec::new()) };
    if row.get::<Option<String>>("jobs")?.is_none() {
        return Ok(Vec::new());
    }
    row.json("jobs")
}

/// The deployment's snapshot of this kind with this hash, if its bytes are there.
pub async fn stored_of_hash(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    kind: SnapshotKind,
    sha1: &str,
) -> Result<Option<DagsterSnapshotId>, StoreError> {
    let row = tx.maybe(STORED_OF_HASH, &params![of, deployment, kind.as_str(), sha1]).await?;
    row.map(|row| row.get("id")).transpose()
}

/// How many snapshots a deployment has, and how many bytes they are together.
pub async fn held(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<(i64, i64), StoreError> {
    let row = tx.one(HELD, &params![of, deployment]).await?;
    Ok((row.get("n")?, row.get("bytes")?))
}

/// How many snapshots that have not come a token announced in a deployment, and how many bytes they may be together.
pub async fn awaited(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    by: TokenId,
) -> Result<(i64, i64), StoreError> {
    let row = tx.one(AWAITED, &params![of, deployment, by]).await?;
    Ok((row.get("n")?, row.get("bytes")?))
}

/// A code location was loaded with these, and with no others.
pub async fn refer(tx: &mut Tx, location: CodeLocationId, all: &[DagsterSnapshotId]) -> Result<(), StoreError> {
    let before = tx.all(REFERRED, &params![location]).await?;
    let before = before.iter().map(|row| row.get("snapshot_id")).collect::<Result<BTreeSet<DagsterSnapshotId>, _>>()?;
    // An agent tells the same again whenever it starts.
    if before == all.iter().copied().collect() {
        return Ok(());
    }
    forget(tx, location).await?;
    for id in all {
        tx.execute(REFER, &params![location, id]).await?;
        mark_used(tx, *id).await?;
    }
    Ok(())
}

/// A code location is loaded with none any more.
pub async fn forget(tx: &mut Tx, location: CodeLocationId) -> Result<(), StoreError> {
    tx.execute(FORGET, &params![location]).await.map(drop)
}

/// Since when nobody must have asked for a snapshot that goes.
#[derive(Debug, Clone, Copy)]
pub struct Unused {
    /// One whose bytes are there.
    pub stored: Timestamp,
    /// One whose bytes have not come.
    pub announced: Timestamp,
}

/// At most `limit`, of any organization, that nothing is loaded with and that nobody asked for lately.
pub async fn unused(tx: &mut Tx, before: Unused, limit: i64) -> Result<Vec<Snapshot>, StoreError> {
    tx.all(UNUSED, &params![before.stored, before.announced, limit]).await?.iter().map(snapshot).collect()
}

/// Removes one of them, and its bytes after the commit. False when it is used again.
pub async fn remove(tx: &mut Tx, it: &Snapshot, before: Unused) -> Result<bool, StoreError> {
    if tx.execute(REMOVE, &params![before.stored, before.announced, it.id]).await? == 0 {
        return Ok(false);
    }
    removals::insert(tx, it.organization, it.deployment.cast(), it.id.cast()).await?;
    Ok(true)
}
