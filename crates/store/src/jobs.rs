//! Jobs: one command of a build, on one agent.

pub mod log;
pub mod tokens;

use std::collections::BTreeMap;

use countersign_domain::build::JobState;
use countersign_domain::id::{AgentId, BuildId, DeploymentId, JobId, OrganizationId, SessionId};
use countersign_domain::{Timestamp, TokenDigest};

use crate::{Row, StoreError, Tx, Value, params, statements};

macro_rules! columns {
    () => {
        "j.id, j.organization_id, j.build_id, j.deployment_id, j.queue, j.position, j.step_key, j.label, j.command, j.env, j.state,
         j.agent_id, j.session_id, j.assigned_at, j.accepted_at, j.started_at, j.finished_at, j.canceled_at, j.exit_status, j.signal,
         j.signal_reason, j.log_size, j.token_ended_at, j.created_at"
    };
}

statements! {
    /// A job that waits for an agent.
    INSERT = "INSERT INTO jobs (id, organization_id, build_id, deployment_id, queue, position, step_key, label, command, env, state, log_size, log_stored, created_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'scheduled', 0, 0, $11)";
    /// One of the organization's jobs.
    FIND = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.id = $2");
    /// The same, kept still until the transaction ends.
    FIND_FOR_UPDATE = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.id = $2 /*lock:update*/");
    /// A build's jobs, in the order of its steps.
    OF_BUILD = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.build_id = $2 ORDER BY j.position");
    /// The same, kept still until the transaction ends.
    OF_BUILD_FOR_UPDATE = "SELECT id FROM jobs WHERE organization_id = $1 AND build_id = $2 ORDER BY position /*lock:update*/";
    /// The job that an agent has: assigned, accepted, running or to be canceled.
    OF_AGENT = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.agent_id = $2
              AND j.state IN ('assigned', 'accepted', 'running', 'canceling') ORDER BY j.assigned_at LIMIT 1");
    /// Whether a job waits in a queue: what an idle ping looks at.
    WAITING = "SELECT id FROM jobs WHERE organization_id = $1 AND deployment_id = $2 AND queue = $3 AND state = 'scheduled' LIMIT 1";
    /// Gives the oldest waiting job of a queue to an agent: one statement finds and takes it.
    ASSIGN = "UPDATE jobs SET state = 'assigned', agent_id = $4, session_id = $5, assigned_at = $6
              WHERE state = 'scheduled' AND id = (SELECT w.id FROM jobs w
                WHERE w.organization_id = $1 AND w.deployment_id = $2 AND w.queue = $3 AND w.state = 'scheduled'
                ORDER BY w.created_at, w.build_id, w.position LIMIT 1 /*lock:skip*/)
              RETURNING id";
    /// The agent takes the job that it was given. A job's token is made here; taking it again before it has started, because the answer
    /// got lost, makes another one in its place.
    ACCEPT = "UPDATE jobs SET state = 'accepted', accepted_at = COALESCE(accepted_at, $3), token_public_id = $4, token_digest = $5,
                token_key_id = $6
              WHERE id = $1 AND session_id = $2 AND state IN ('assigned', 'accepted') AND token_ended_at IS NULL";
    /// The command has started.
    START = "UPDATE jobs SET state = 'running', started_at = $2 WHERE id = $1 AND state = 'accepted'";
    /// The job has ended, and its token with it.
    FINISH = "UPDATE jobs SET state = $2, finished_at = $3, exit_status = $4, signal = $5, signal_reason = $6, chunks_failed = $7,
                token_ended_at = COALESCE(token_ended_at, $3)
              WHERE id = $1 AND state IN ('assigned', 'accepted', 'running', 'canceling', 'timing_out')";
    /// A job that no agent has taken yet will not be run.
    CANCEL_WAITING = "UPDATE jobs SET state = 'canceled', canceled_at = $2, finished_at = $2 WHERE id = $1 AND state IN ('scheduled', 'assigned')";
    /// A job that an agent has is to be ended by it.
    CANCEL_RUNNING = "UPDATE jobs SET state = 'canceling', canceled_at = $2 WHERE id = $1 AND state IN ('accepted', 'running')";
    /// Puts jobs back that were given and not taken in time.
    UNASSIGN_BEFORE = "UPDATE jobs SET state = 'scheduled', agent_id = NULL, session_id = NULL, assigned_at = NULL
              WHERE state = 'assigned' AND assigned_at < $1 RETURNING id, organization_id";
    /// Whether a job was given before a time and not taken.
    ASSIGNED_BEFORE = "SELECT id FROM jobs WHERE state = 'assigned' AND assigned_at < $1 LIMIT 1";
    /// Puts the job back that was given to an agent and not taken.
    UNASSIGN_OF_AGENT = "UPDATE jobs SET state = 'scheduled', agent_id = NULL, session_id = NULL, assigned_at = NULL
              WHERE state = 'assigned' AND agent_id = $1";
    /// How many jobs are in each state that is not an end.
    COUNT_BY_STATE = "SELECT state, COUNT(*) AS n FROM jobs WHERE state IN ('scheduled', 'assigned', 'accepted', 'running', 'canceling') GROUP BY state";
}

/// One command of a build.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its build.
    pub build: BuildId,
    /// The deployment it runs in.
    pub deployment: DeploymentId,
    /// The queue it waits in.
    pub queue: String,
    /// Its place among the build's steps, from 0.
    pub position: i64,
    /// Its step's key.
    pub step_key: Option<String>,
    /// Its step's label.
    pub label: Option<String>,
    /// What the shell is given.
    pub command: String,
    /// The variables that the pipeline sets.
    pub env: BTreeMap<String, String>,
    /// Where it stands.
    pub state: JobState,
    /// The agent that has it.
    pub agent: Option<AgentId>,
    /// The session under which that agent took it.
    pub session: Option<SessionId>,
    /// When it was given to the agent.
    pub assigned_at: Option<Timestamp>,
    /// When the agent took it.
    pub accepted_at: Option<Timestamp>,
    /// When its command started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When it was canceled.
    pub canceled_at: Option<Timestamp>,
    /// As the agent reported it: a decimal number, `-1` when the command did not run to its end.
    pub exit_status: Option<String>,
    /// The signal that ended it.
    pub signal: Option<String>,
    /// Why it was ended.
    pub signal_reason: Option<String>,
    /// How many bytes of log there are.
    pub log_size: i64,
    /// When its token died.
    pub token_ended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// `finished` or `canceled`.
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

fn job(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        build: row.get("build_id")?,
        deployment: row.get("deployment_id")?,
        queue: row.get("queue")?,
        position: row.get("position")?,
        step_key: row.get("step_key")?,
        label: row.get("label")?,
        command: row.get("command")?,
        env: row.json("env")?,
        state: row.parse("state")?,
        agent: row.get("agent_id")?,
        session: row.get("session_id")?,
        assigned_at: row.get("assigned_at")?,
        accepted_at: row.get("accepted_at")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        canceled_at: row.get("canceled_at")?,
        exit_status: row.get("exit_status")?,
        signal: row.get("signal")?,
        signal_reason: row.get("signal_reason")?,
        log_size: row.get("log_size")?,
        token_ended_at: row.get("token_ended_at")?,
        created_at: row.get("created_at")?,
    })
}

/// Adds a job that waits for an agent.
pub async fn insert(tx: &mut Tx, new: &Job) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.build,
        new.deployment,
        new.queue.as_str(),
        new.position,
        new.step_key.clone(),
        new.label.clone(),
        new.command.as_str(),
        Value::json(&new.env)?,
        new.created_at,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The organization's job with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: JobId) -> Result<Option<Job>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(job).transpose()
}

/// The organization's job with this id, kept still until the transaction ends.
pub async fn find_for_update(tx: &mut Tx, of: OrganizationId, id: JobId) -> Result<Option<Job>, StoreError> {
    tx.maybe(FIND_FOR_UPDATE, &params![of, id]).await?.as_ref().map(job).transpose()
}

/// A build's jobs, in the order of its steps.
pub async fn of_build(tx: &mut Tx, of: OrganizationId, build: BuildId) -> Result<Vec<Job>, StoreError> {
    tx.all(OF_BUILD, &params![of, build]).await?.iter().map(job).collect()
}

/// A build's jobs, in the order of its steps, kept still until the transaction ends.
pub async fn of_build_for_update(tx: &mut Tx, of: OrganizationId, build: BuildId) -> Result<Vec<JobId>, StoreError> {
    tx.all(OF_BUILD_FOR_UPDATE, &params![of, build]).await?.iter().map(|row| row.get("id")).collect()
}

/// The job that an agent has and has not ended.
pub async fn of_agent(tx: &mut Tx, of: OrganizationId, agent: AgentId) -> Result<Option<Job>, StoreError> {
    tx.maybe(OF_AGENT, &params![of, agent]).await?.as_ref().map(job).transpose()
}

/// Whether a job waits in a queue.
pub async fn is_waiting(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    queue: &str,
) -> Result<bool, StoreError> {
    Ok(tx.maybe(WAITING, &params![of, deployment, queue]).await?.is_some())
}

/// Gives the oldest waiting job of a queue to an agent.
pub async fn assign(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    queue: &str,
    agent: AgentId,
    session: SessionId,
) -> Result<Option<JobId>, StoreError> {
    let now = tx.now();
    let row = tx.maybe(ASSIGN, &params![of, deployment, queue, agent, session, now]).await?;
    row.map(|row| row.get("id")).transpose()
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

/// What canceling a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canceled {
    /// No agent had it: it has ended.
    AtOnce,
    /// An agent has it, and is to end it.
    ByItsAgent,
    /// It had ended, or was being canceled.
    NotAgain,
}

/// Cancels a job.
pub async fn cancel(tx: &mut Tx, id: JobId) -> Result<Canceled, StoreError> {
    let now = tx.now();
    if tx.execute(CANCEL_WAITING, &params![id, now]).await? == 1 {
        return Ok(Canceled::AtOnce);
    }
    let told = tx.execute(CANCEL_RUNNING, &params![id, now]).await? == 1;
    Ok(if told { Canceled::ByItsAgent } else { Canceled::NotAgain })
}

/// Whether a job was given before `before` and not taken.
pub async fn has_assigned_before(tx: &mut Tx, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.maybe(ASSIGNED_BEFORE, &params![before]).await?.is_some())
}

/// Puts jobs back that were given before `before` and not taken; says which.
pub async fn unassign_before(tx: &mut Tx, before: Timestamp) -> Result<Vec<(OrganizationId, JobId)>, StoreError> {
    let rows = tx.all(UNASSIGN_BEFORE, &params![before]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// Puts the job back that was given to an agent and not taken.
pub async fn unassign_of_agent(tx: &mut Tx, agent: AgentId) -> Result<u64, StoreError> {
    tx.execute(UNASSIGN_OF_AGENT, &params![agent]).await
}

/// How many jobs are in each state that is not an end, across organizations; for metrics.
pub async fn count_by_state(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    tx.all(COUNT_BY_STATE, &params![]).await?.iter().map(|row| Ok((row.get("state")?, row.get("n")?))).collect()
}
