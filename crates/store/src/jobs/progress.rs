//! What happens to jobs: they become runnable, are taken, start, are told to stop, end.

use countersign_domain::build::JobState;
use countersign_domain::id::{BuildId, JobId, OrganizationId, SessionId, StepId};
use countersign_domain::{Timestamp, TokenDigest};

use crate::{Row, StoreError, Tx, params, statements};

use super::dispatch::Spot;

statements! {
    /// A step's jobs may run, but for those that a concurrency group holds back.
    SCHEDULE = "UPDATE jobs SET state = CASE WHEN concurrency_group IS NULL THEN 'scheduled' ELSE 'limited' END,
                runnable_at = CASE WHEN concurrency_group IS NULL THEN CAST($2 AS BIGINT) ELSE NULL END
              WHERE step_id = $1 AND state = 'waiting' RETURNING id, deployment_id, queue, rules, concurrency_group";
    /// A step's jobs that no agent has come to an end.
    END_WAITING = "UPDATE jobs SET state = $2, finished_at = $3, canceled_at = CASE WHEN $2 = 'canceled' THEN $3 ELSE canceled_at END
              WHERE step_id = $1 AND state IN ('waiting', 'limited', 'scheduled') RETURNING id, deployment_id, queue, rules, concurrency_group";
    /// A step's jobs that never ran for others' sake wait again.
    REVIVE = "UPDATE jobs SET state = 'waiting', finished_at = NULL WHERE step_id = $1 AND state = 'waiting_failed'";
    /// The agent takes the job that it was given. A job's token is made here; taking it again before it has started, because the answer
    /// got lost, makes another one in its place.
    ACCEPT = "UPDATE jobs SET state = 'accepted', accepted_at = COALESCE(accepted_at, $3), token_public_id = $4, token_digest = $5,
                token_key_id = $6
              WHERE id = $1 AND session_id = $2 AND state IN ('assigned', 'accepted') AND token_ended_at IS NULL";
    /// The command has started, and its time begins.
    START = "UPDATE jobs SET state = 'running', started_at = $2, times_out_at = $2 + timeout_minutes * 60000000 WHERE id = $1 AND state = 'accepted'";
    /// Another limit of time, counted from the start.
    SET_TIMEOUT = "UPDATE jobs SET timeout_minutes = $2, times_out_at = started_at + CAST($2 AS BIGINT) * 60000000 WHERE id = $1";
    /// Another priority of a job that no agent has.
    PRIORITIZE = "UPDATE jobs SET priority = $2 WHERE id = $1 AND state IN ('waiting', 'limited', 'scheduled')";
    /// The job has ended, and its token with it.
    FINISH = "UPDATE jobs SET state = $2, finished_at = $3, exit_status = $4, signal = $5, signal_reason = $6, chunks_failed = $7,
                token_ended_at = COALESCE(token_ended_at, $3), stop_by = NULL
              WHERE id = $1 AND state IN ('assigned', 'accepted', 'running', 'canceling', 'timing_out')";
    /// Its failure does not fail the build.
    SOFT_FAIL = "UPDATE jobs SET soft_failed = TRUE WHERE id = $1";
    /// A job that no agent has taken yet will not be run.
    CANCEL_WAITING = "UPDATE jobs SET state = 'canceled', canceled_at = $2, finished_at = $2 WHERE id = $1 AND state IN ('limited', 'scheduled', 'assigned')";
    /// A job that an agent has is to be ended by it.
    CANCEL_RUNNING = "UPDATE jobs SET state = 'canceling', canceled_at = $2, stop_by = $3 WHERE id = $1 AND state IN ('accepted', 'running')";
    /// A job that was told to stop is given up earlier.
    HASTEN = "UPDATE jobs SET stop_by = $2 WHERE id = $1 AND state IN ('canceling', 'timing_out') AND stop_by > $2";
    /// A job that has run too long is to be ended by its agent.
    TIME_OUT = "UPDATE jobs SET state = 'timing_out', stop_by = $2 WHERE id = $1 AND state = 'running' AND times_out_at <= $3";
    /// Jobs that have run too long.
    OVERDUE = "SELECT id, organization_id FROM jobs WHERE state = 'running' AND times_out_at <= $1 ORDER BY times_out_at LIMIT $2";
    /// Jobs that could run before a time and that no agent has taken since.
    UNCLAIMED = "SELECT id, organization_id FROM jobs WHERE state = 'scheduled' AND runnable_at < $1 ORDER BY runnable_at LIMIT $2";
    /// One of them is given up.
    EXPIRE = "UPDATE jobs SET state = 'expired', finished_at = $3 WHERE id = $1 AND state = 'scheduled' AND runnable_at < $2";
    /// Jobs that were told to stop and have not said that they did.
    UNSTOPPED = "SELECT id, organization_id FROM jobs WHERE state IN ('canceling', 'timing_out') AND stop_by <= $1 ORDER BY stop_by LIMIT $2";
    /// Jobs of a build that agents have and that were not told to stop, kept still until the transaction ends.
    HELD_OF_BUILD = "SELECT id FROM jobs WHERE build_id = $1 AND state IN ('assigned', 'accepted', 'running') AND (is_fragile OR NOT $2)
              ORDER BY id LIMIT $3 /*lock:update*/";
    /// Jobs of a build that could run and that no agent has.
    RUNNABLE_OF_BUILD = "SELECT id FROM jobs WHERE build_id = $1 AND state IN ('limited', 'scheduled') AND (is_fragile OR NOT $2) ORDER BY id LIMIT $3";
    /// Jobs of a step that have not ended.
    OPEN_OF_STEP = "SELECT id FROM jobs WHERE step_id = $1
              AND state IN ('limited', 'scheduled', 'assigned', 'accepted', 'running', 'canceling', 'timing_out') ORDER BY id";
}

/// A job that something has happened to.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The job.
    pub id: JobId,
    /// Where it waits for agents.
    pub spot: Spot,
    /// Its concurrency group.
    pub group: Option<String>,
}

fn moved(row: &Row) -> Result<Moved, StoreError> {
    Ok(Moved { id: row.get("id")?, spot: Spot::read(row)?, group: row.get("concurrency_group")? })
}

/// Lets a step's jobs run; those of a concurrency group are held back by it.
pub async fn schedule(tx: &mut Tx, step: StepId) -> Result<Vec<Moved>, StoreError> {
    let now = tx.now();
    tx.all(SCHEDULE, &params![step, now]).await?.iter().map(moved).collect()
}

/// A step's jobs that no agent has come to this end.
pub async fn end_waiting(tx: &mut Tx, step: StepId, state: JobState) -> Result<Vec<Moved>, StoreError> {
    let now = tx.now();
    tx.all(END_WAITING, &params![step, state.as_str(), now]).await?.iter().map(moved).collect()
}

/// A step's jobs that never ran for others' sake wait again.
pub async fn revive(tx: &mut Tx, step: StepId) -> Result<(), StoreError> {
    tx.execute(REVIVE, &params![step]).await.map(drop)
}

/// The agent takes a job that it was given, with the token made for it. False when it is not the agent's to take.
pub async fn accept(
    tx: &mut Tx,
    id: JobId,
    session: SessionId,
    public_id: &str,
    digest: &TokenDigest,
) -> Result<bool, StoreError> {
    let now = tx.now();
    let values = params![id, session, now, public_id, digest.as_bytes(), digest.key().to_string()];
    Ok(tx.execute(ACCEPT, &values).await? == 1)
}

/// The command has started. False when the job was not accepted before this.
pub async fn start(tx: &mut Tx, id: JobId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(START, &params![id, now]).await? == 1)
}

/// Sets how many minutes a job may run, from its start.
pub async fn set_timeout(tx: &mut Tx, id: JobId, minutes: i64) -> Result<(), StoreError> {
    tx.execute(SET_TIMEOUT, &params![id, minutes]).await.map(drop)
}

/// Gives a job another priority. False when an agent has it, or it has ended.
pub async fn prioritize(tx: &mut Tx, id: JobId, priority: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(PRIORITIZE, &params![id, priority]).await? == 1)
}

/// How a job ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// `finished`, `canceled` or `timed_out`.
    pub state: JobState,
    /// As the agent reported it.
    pub exit_status: String,
    /// The signal that ended it.
    pub signal: Option<String>,
    /// Why it was ended.
    pub signal_reason: Option<String>,
    /// How many pieces of log were lost.
    pub chunks_failed: i64,
}

/// The job has ended. False when it had ended before: then nothing changes.
pub async fn finish(tx: &mut Tx, id: JobId, how: &Ending) -> Result<bool, StoreError> {
    let now = tx.now();
    let values = params![
        id,
        how.state.as_str(),
        now,
        how.exit_status.as_str(),
        how.signal.clone(),
        how.signal_reason.clone(),
        how.chunks_failed,
    ];
    Ok(tx.execute(FINISH, &values).await? == 1)
}

/// A job's failure does not fail the build.
pub async fn soft_fail(tx: &mut Tx, id: JobId) -> Result<(), StoreError> {
    tx.execute(SOFT_FAIL, &params![id]).await.map(drop)
}

/// What canceling a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canceled {
    /// No agent had taken it: it has ended.
    AtOnce,
    /// An agent has it, and is to end it.
    ByItsAgent,
    /// It waits for other steps, has ended, or was told to stop.
    NotAgain,
}

/// Cancels a job that could run or does. One that its agent does not end is given up at `stop_by`.
pub async fn cancel(tx: &mut Tx, id: JobId, stop_by: Timestamp) -> Result<Canceled, StoreError> {
    let now = tx.now();
    if tx.execute(CANCEL_WAITING, &params![id, now]).await? == 1 {
        return Ok(Canceled::AtOnce);
    }
    let told = tx.execute(CANCEL_RUNNING, &params![id, now, stop_by]).await? == 1;
    Ok(if told { Canceled::ByItsAgent } else { Canceled::NotAgain })
}

/// A job that was told to stop is given up at `stop_by`, if that is earlier than it would be.
pub async fn hasten(tx: &mut Tx, id: JobId, stop_by: Timestamp) -> Result<(), StoreError> {
    tx.execute(HASTEN, &params![id, stop_by]).await.map(drop)
}

/// A job has run too long. False when it has ended, or has time left.
pub async fn time_out(tx: &mut Tx, id: JobId, stop_by: Timestamp) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(TIME_OUT, &params![id, stop_by, now]).await? == 1)
}

fn named(rows: &[Row]) -> Result<Vec<(OrganizationId, JobId)>, StoreError> {
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// At most `limit` jobs, of whatever organization, that have run too long.
pub async fn overdue(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<(OrganizationId, JobId)>, StoreError> {
    named(&tx.all(OVERDUE, &params![now, limit]).await?)
}

/// At most `limit` jobs, of whatever organization, that could run before `before` and that no agent has.
pub async fn unclaimed(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Vec<(OrganizationId, JobId)>, StoreError> {
    named(&tx.all(UNCLAIMED, &params![before, limit]).await?)
}

/// A job that could run before `before` is given up. False when an agent has it, or it has ended.
pub async fn expire(tx: &mut Tx, id: JobId, before: Timestamp) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(EXPIRE, &params![id, before, now]).await? == 1)
}

/// At most `limit` jobs, of whatever organization, that were told to stop and have not said that they did.
pub async fn unstopped(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<(OrganizationId, JobId)>, StoreError> {
    named(&tx.all(UNSTOPPED, &params![now, limit]).await?)
}

fn ids(rows: &[Row]) -> Result<Vec<JobId>, StoreError> {
    rows.iter().map(|row| row.get("id")).collect()
}

/// At most `limit` jobs of a build that agents have and that were not told to stop, kept still until the transaction ends.
pub async fn held_of_build(
    tx: &mut Tx,
    build: BuildId,
    only_fragile: bool,
    limit: i64,
) -> Result<Vec<JobId>, StoreError> {
    ids(&tx.all(HELD_OF_BUILD, &params![build, only_fragile, limit]).await?)
}

/// At most `limit` jobs of a build that could run and that no agent has.
pub async fn runnable_of_build(
    tx: &mut Tx,
    build: BuildId,
    only_fragile: bool,
    limit: i64,
) -> Result<Vec<JobId>, StoreError> {
    ids(&tx.all(RUNNABLE_OF_BUILD, &params![build, only_fragile, limit]).await?)
}

/// A step's jobs that could run or do, or are to stop.
pub async fn open_of_step(tx: &mut Tx, step: StepId) -> Result<Vec<JobId>, StoreError> {
    ids(&tx.all(OPEN_OF_STEP, &params![step]).await?)
}
