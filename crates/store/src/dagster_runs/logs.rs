//! What steps of runs have written to their streams; the bytes are blobs.

use countersign_domain::Timestamp;
use countersign_domain::id::{DagsterRunId, DagsterRunLogId, DeploymentId, OrganizationId, TokenId};

use crate::blobs::{BlobName, removals};
use crate::{Row, StoreError, Tx, params, statements};

macro_rules! columns {
    () => {
        "l.id, l.run_id, r.organization_id, r.deployment_id, r.taken_by, l.name, l.stream, l.announced, l.is_taken, l.size, l.created_at, l.stored_at, r.ended_at"
    };
}

statements! {
    /// A log that is to come.
    INSERT = "INSERT INTO dagster_run_logs (id, run_id, name, stream, announced, is_taken, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
              ON CONFLICT (run_id, name, stream) DO NOTHING";
    /// It is to come, perhaps again.
    ANNOUNCE = "UPDATE dagster_run_logs SET announced = $4, is_taken = $5 WHERE run_id = $1 AND name = $2 AND stream = $3";
    /// One, by its run, name and stream.
    FIND = concat!("SELECT ", columns!(), " FROM dagster_run_logs l JOIN dagster_runs r ON r.id = l.run_id WHERE l.run_id = $1 AND l.name = $2
              AND l.stream = $3");
    /// One, of whatever organization.
    BY_ID = concat!("SELECT ", columns!(), " FROM dagster_run_logs l JOIN dagster_runs r ON r.id = l.run_id WHERE l.id = $1");
    /// Those of a run.
    LIST = concat!("SELECT ", columns!(), " FROM dagster_run_logs l JOIN dagster_runs r ON r.id = l.run_id WHERE l.run_id = $1
              ORDER BY l.created_at, l.id");
    /// How many a run has.
    COUNT = "SELECT COUNT(*) AS n FROM dagster_run_logs WHERE run_id = $1";
    /// How many bytes those beside one have together: what is kept of each, or what may yet come where that is more.
    BYTES = "SELECT CAST(COALESCE(SUM(CASE WHEN is_taken AND (size IS NULL OR announced > size) THEN announced ELSE COALESCE(size, 0) END), 0)
             AS BIGINT) AS n FROM dagster_run_logs WHERE run_id = $1 AND NOT (name = $2 AND stream = $3)";
    /// Its bytes are there.
    STORED = "UPDATE dagster_run_logs SET stored_at = $2, size = $3 WHERE id = $1";
    /// Removes those of a run.
    REMOVE_OF_RUN = "DELETE FROM dagster_run_logs WHERE run_id = $1 RETURNING id";
}

/// What a step has written to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLog {
    /// Its id.
    pub id: DagsterRunLogId,
    /// Its run.
    pub run: DagsterRunId,
    /// That run's organization.
    pub organization: OrganizationId,
    /// That run's deployment.
    pub deployment: DeploymentId,
    /// The token with which that run was taken.
    pub taken_by: Option<TokenId>,
    /// What the agent calls it: of which steps it is.
    pub name: String,
    /// `stdout` or `stderr`.
    pub stream: String,
    /// How many bytes the agent said it has.
    pub announced: i64,
    /// Whether they may be sent: there was room for them when they were announced.
    pub is_taken: bool,
    /// How many are there.
    pub size: Option<i64>,
    /// When it was first announced.
    pub created_at: Timestamp,
    /// When its bytes were last there.
    pub stored_at: Option<Timestamp>,
    /// When its run ended.
    pub ended_at: Option<Timestamp>,
}

impl RunLog {
    /// The name of its bytes.
    #[must_use]
    pub fn blob(&self) -> BlobName {
        BlobName::of_artifact(self.organization, self.deployment.cast(), self.id.cast())
    }
}

fn log(row: &Row) -> Result<RunLog, StoreError> {
    Ok(RunLog {
        id: row.get("id")?,
        run: row.get("run_id")?,
        organization: row.get("organization_id")?,
        deployment: row.get("deployment_id")?,
        taken_by: row.get("taken_by")?,
        name: row.get("name")?,
        stream: row.get("stream")?,
        announced: row.get("announced")?,
        is_taken: row.get("is_taken")?,
        size: row.get("size")?,
        created_at: row.get("created_at")?,
        stored_at: row.get("stored_at")?,
        ended_at: row.get("ended_at")?,
    })
}

/// Announces a log of a run, under this id unless there is one of that name and stream, with its bytes and whether they may be sent.
pub async fn announce(
    tx: &mut Tx,
    id: DagsterRunLogId,
    run: DagsterRunId,
    (name, stream): (&str, &str),
    (size, is_taken): (i64, bool),
) -> Result<Option<RunLog>, StoreError> {
    let now = tx.now();
    tx.execute(INSERT, &params![id, run, name, stream, size, is_taken, now]).await?;
    tx.execute(ANNOUNCE, &params![run, name, stream, size, is_taken]).await?;
    tx.maybe(FIND, &params![run, name, stream]).await?.as_ref().map(log).transpose()
}

/// Whether a run has a log of this name and stream.
pub async fn is_known(tx: &mut Tx, run: DagsterRunId, (name, stream): (&str, &str)) -> Result<bool, StoreError> {
    Ok(tx.maybe(FIND, &params![run, name, stream]).await?.is_some())
}

/// The log with this id, of whatever organization.
pub async fn by_id(tx: &mut Tx, id: DagsterRunLogId) -> Result<Option<RunLog>, StoreError> {
    tx.maybe(BY_ID, &params![id]).await?.as_ref().map(log).transpose()
}

/// Those of a run, in the order in which they were announced.
pub async fn list(tx: &mut Tx, run: DagsterRunId) -> Result<Vec<RunLog>, StoreError> {
    tx.all(LIST, &params![run]).await?.iter().map(log).collect()
}

/// How many a run has.
pub async fn count(tx: &mut Tx, run: DagsterRunId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![run]).await?.get("n")
}

/// How many bytes those of a run have together, without the one of this name and stream: what is kept, and what may yet come.
pub async fn bytes_beside(tx: &mut Tx, run: DagsterRunId, (name, stream): (&str, &str)) -> Result<i64, StoreError> {
    tx.one(BYTES, &params![run, name, stream]).await?.get("n")
}

/// Its bytes are there. False when it is gone.
pub async fn stored(tx: &mut Tx, id: DagsterRunLogId, size: i64) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(STORED, &params![id, now, size]).await? == 1)
}

/// The bytes of one that is gone are to go.
pub async fn give_up(tx: &mut Tx, it: &RunLog) -> Result<(), StoreError> {
    removals::insert(tx, it.organization, it.deployment.cast(), it.id.cast()).await
}

/// Removes those of a run, and their bytes after the commit.
pub async fn remove_of_run(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    run: DagsterRunId,
) -> Result<(), StoreError> {
    for row in tx.all(REMOVE_OF_RUN, &params![run]).await? {
        let id: DagsterRunLogId = row.get("id")?;
        removals::insert(tx, of, deployment.cast(), id.cast()).await?;
    }
    Ok(())
}
