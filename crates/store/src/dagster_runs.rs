//! Runs of Dagster+ jobs: what was launched, who took it, where it stands.

pub mod ends;
pub mod events;
pub mod logs;

use std::collections::BTreeMap;

use countersign_domain::Timestamp;
use countersign_domain::dagster::RunStatus;
use countersign_domain::id::{DagsterRunId, DeploymentId, OrganizationId, TokenId, UserId};

use crate::{Row, StoreError, Tx, Value, params, statements};

macro_rules! columns {
    () => {
        "r.id, r.organization_id, r.deployment_id, r.location, r.repository, r.job, r.queue, r.origin, r.config, r.tags, r.status, r.reason,
         r.created_at, r.created_by, r.updated_at, r.started_at, r.ended_at, r.taken_at, r.taken_by, r.cancel_requested_at, r.events,
         r.event_bytes, r.events_dropped"
    };
}

statements! {
    /// A run that nobody has taken.
    INSERT = "INSERT INTO dagster_runs (id, organization_id, deployment_id, location, repository, job, queue, origin, config, tags, status,
              idempotency_key, created_at, created_by, updated_at, events, event_bytes, events_dropped, idempotency_input)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $13, 0, 0, 0, $15)";
    /// One of the organization's.
    FIND = concat!("SELECT ", columns!(), " FROM dagster_runs r WHERE r.organization_id = $1 AND r.id = $2");
    /// The same; nobody else changes it meanwhile.
    FIND_FOR_UPDATE = concat!("SELECT ", columns!(), " FROM dagster_runs r WHERE r.organization_id = $1 AND r.id = $2 /*lock:update*/");
    /// Nobody else changes it meanwhile.
    HOLD = "SELECT id FROM dagster_runs WHERE organization_id = $1 AND id = $2 /*lock:update*/";
    /// What was launched with a key, and the digest of what was asked for.
    FIND_BY_KEY = concat!("SELECT ", columns!(), ", r.idempotency_input FROM dagster_runs r WHERE r.organization_id = $1 AND r.deployment_id = $2 AND r.idempotency_key = $3");
    /// Those of a deployment, newest first. $4: of which status, or an empty text for every one; $5: at the most.
    PAGE = concat!("SELECT ", columns!(), " FROM dagster_runs r WHERE r.organization_id = $1 AND r.deployment_id = $2 AND r.id < $3
              AND ($4 = '' OR r.status = $4) ORDER BY r.id DESC LIMIT $5");
    /// Those of a deployment that a token took and that have not ended, newest first.
    OF_TOKEN_IN = concat!("SELECT ", columns!(), " FROM dagster_runs r WHERE r.organization_id = $1 AND r.deployment_id = $2 AND r.taken_by = $3
              AND r.ended_at IS NULL ORDER BY r.id DESC LIMIT $4");
    /// How many a deployment has, and how many of them have not ended.
    COUNT = "SELECT COUNT(*) AS n, CAST(COALESCE(SUM(CASE WHEN ended_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS open FROM dagster_runs
              WHERE organization_id = $1 AND deployment_id = $2";
    /// How many stand somewhere, or with an empty text how many there are.
    COUNT_OF = "SELECT COUNT(*) AS n FROM dagster_runs WHERE organization_id = $1 AND deployment_id = $2 AND ($3 = '' OR status = $3)";
    /// Where it stands.
    SAVE = "UPDATE dagster_runs SET tags = $3, status = $4, reason = $5, updated_at = $6, started_at = $7, ended_at = $8, taken_at = $9,
              taken_by = $10, cancel_requested_at = $11, events = $12, event_bytes = $13, events_dropped = $14
              WHERE organization_id = $1 AND id = $2";
    /// Those that ended before a time. $2: at the most.
    OLD = "SELECT organization_id, deployment_id, id FROM dagster_runs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2";
    /// Removes one, with nothing left beneath it.
    REMOVE = "DELETE FROM dagster_runs WHERE organization_id = $1 AND id = $2 AND ended_at < $3";
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DagsterRun {
    /// Its id, by which agents know it too.
    pub id: DagsterRunId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its deployment.
    pub deployment: DeploymentId,
    /// The name of the code location that the job is of.
    pub location: String,
    /// The name of the repository there.
    pub repository: String,
    /// The name of the job.
    pub job: String,
    /// The queue whose agents may take it; none for the queue without a name.
    pub queue: Option<String>,
    /// Where its worker finds the code, as an agent told it: JSON.
    pub origin: String,
    /// What it is configured with: JSON.
    pub config: String,
    /// What is said of it.
    pub tags: BTreeMap<String, String>,
    /// Where it stands.
    pub status: RunStatus,
    /// Why it ended without an event that says so.
    pub reason: Option<String>,
    /// When it was launched.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Option<UserId>,
    /// When something was last changed of it.
    pub updated_at: Timestamp,
    /// When its worker ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When an agent was given it.
    pub taken_at: Option<Timestamp>,
    /// The token that the agent showed, and that its worker shows.
    pub taken_by: Option<TokenId>,
    /// When somebody asked for its end.
    pub cancel_requested_at: Option<Timestamp>,
    /// How many events are kept.
    pub events: i64,
    /// How many bytes those are.
    pub event_bytes: i64,
    /// How many came that are not kept.
    pub events_dropped: i64,
}

fn run(row: &Row) -> Result<DagsterRun, StoreError> {
    Ok(DagsterRun {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        deployment: row.get("deployment_id")?,
        location: row.get("location")?,
        repository: row.get("repository")?,
        job: row.get("job")?,
        queue: row.get("queue")?,
        origin: row.get("origin")?,
        config: row.get("config")?,
        tags: row.json("tags")?,
        status: row.parse("status")?,
        reason: row.get("reason")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        updated_at: row.get("updated_at")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        taken_at: row.get("taken_at")?,
        taken_by: row.get("taken_by")?,
        cancel_requested_at: row.get("cancel_requested_at")?,
        events: row.get("events")?,
        event_bytes: row.get("event_bytes")?,
        events_dropped: row.get("events_dropped")?,
    })
}

/// Adds a run, perhaps with a key and the digest of what was asked for. [`StoreError::UniqueViolation`] when its deployment has one that was launched
/// with this key.
pub async fn insert(tx: &mut Tx, new: &DagsterRun, key: Option<(&str, Vec<u8>)>) -> Result<(), StoreError> {
    let (key, asked) = key.unzip();
    let values = params![
        new.id,
        new.organization,
        new.deployment,
        new.location.as_str(),
        new.repository.as_str(),
        new.job.as_str(),
        new.queue.as_deref(),
        new.origin.as_str(),
        new.config.as_str(),
        Value::json(&new.tags)?,
        new.status.as_str(),
        key,
        new.created_at,
        new.created_by,
        asked
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The organization's run with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: DagsterRunId) -> Result<Option<DagsterRun>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(run).transpose()
}

/// The same; nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, of: OrganizationId, id: DagsterRunId) -> Result<Option<DagsterRun>, StoreError> {
    tx.maybe(FIND_FOR_UPDATE, &params![of, id]).await?.as_ref().map(run).transpose()
}

/// Nobody else changes the run with this id until the transaction ends.
pub async fn hold(tx: &mut Tx, of: OrganizationId, id: DagsterRunId) -> Result<(), StoreError> {
    tx.maybe(HOLD, &params![of, id]).await.map(drop)
}

/// What was launched in a deployment with a key, and the digest of what was asked for.
pub async fn find_by_key(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    key: &str,
) -> Result<Option<(DagsterRun, Option<Vec<u8>>)>, StoreError> {
    let Some(row) = tx.maybe(FIND_BY_KEY, &params![of, deployment, key]).await? else { return Ok(None) };
    Ok(Some((run(&row)?, row.get("idempotency_input")?)))
}

/// At most `limit` of a deployment's below `after`, newest first; perhaps only those that stand somewhere.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    status: Option<RunStatus>,
    after: DagsterRunId,
    limit: i64,
) -> Result<Vec<DagsterRun>, StoreError> {
    let status = status.map_or("", RunStatus::as_str);
    tx.all(PAGE, &params![of, deployment, after, status, limit]).await?.iter().map(run).collect()
}

/// At most `limit` of a deployment's that a token took and that have not ended, newest first.
pub async fn of_token_in(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    token: TokenId,
    limit: i64,
) -> Result<Vec<DagsterRun>, StoreError> {
    tx.all(OF_TOKEN_IN, &params![of, deployment, token, limit]).await?.iter().map(run).collect()
}

/// How many runs a deployment has, and how many of them have not ended.
pub async fn count(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<(i64, i64), StoreError> {
    let row = tx.one(COUNT, &params![of, deployment]).await?;
    Ok((row.get("n")?, row.get("open")?))
}

/// How many runs of a deployment stand somewhere, or how many there are.
pub async fn count_of(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    status: Option<RunStatus>,
) -> Result<i64, StoreError> {
    tx.one(COUNT_OF, &params![of, deployment, status.map_or("", RunStatus::as_str)]).await?.get("n")
}

/// Keeps where a run stands that was locked.
pub async fn save(tx: &mut Tx, it: &DagsterRun) -> Result<(), StoreError> {
    let now = tx.now();
    let values = params![
        it.organization,
        it.id,
        Value::json(&it.tags)?,
        it.status.as_str(),
        it.reason.as_deref(),
        now,
        it.started_at,
        it.ended_at,
        it.taken_at,
        it.taken_by,
        it.cancel_requested_at,
        it.events,
        it.event_bytes,
        it.events_dropped
    ];
    tx.execute(SAVE, &values).await.map(drop)
}

/// At most `limit`, of any organization, that ended before a time.
pub async fn old(
    tx: &mut Tx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(OrganizationId, DeploymentId, DagsterRunId)>, StoreError> {
    let rows = tx.all(OLD, &params![before, limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("deployment_id")?, row.get("id")?))).collect()
}

/// Removes a run that ended before a time, with at most `limit` of its events; whether all of it is gone. The bytes of its logs go after the
/// commit.
pub async fn remove(
    tx: &mut Tx,
    (of, deployment, id): (OrganizationId, DeploymentId, DagsterRunId),
    before: Timestamp,
    limit: i64,
) -> Result<bool, StoreError> {
    if events::remove(tx, id, limit).await? >= limit.unsigned_abs() {
        return Ok(false);
    }
    logs::remove_of_run(tx, of, deployment, id).await?;
    tx.execute(REMOVE, &params![of, id, before]).await?;
    Ok(true)
}
