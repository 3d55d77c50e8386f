//! Jobs: one command of a build, on one agent.

pub mod dispatch;
pub mod groups;
pub mod log;
pub mod naming;
pub mod of_agents;
pub mod progress;
pub mod tokens;

use std::collections::BTreeMap;

use countersign_domain::build::{JobState, RetryType};
use countersign_domain::id::{AgentId, BuildId, DeploymentId, JobId, OrganizationId, SessionId, StepId};
use countersign_domain::plan::SoftFail;
use countersign_domain::{Timestamp, agent::Rules};

use crate::{Row, StoreError, Tx, Value, params, statements};

macro_rules! columns {
    () => {
        "j.id, j.organization_id, j.build_id, j.step_id, j.deployment_id, j.queue, j.rules, j.priority, j.position, j.part, j.step_key,
         j.label, j.command, j.env, j.plugins, j.matrix, j.parallel_job, j.parallel_count, j.soft_fail, j.soft_failed, j.is_fragile,
         j.timeout_minutes, j.times_out_at, j.concurrency_group, j.concurrency_limit, j.concurrency_eager, j.state, j.retries_count,
         j.retry_type, j.retried_in, j.agent_id, j.session_id, j.runnable_at, j.assigned_at, j.accepted_at, j.started_at,
         j.finished_at, j.canceled_at, j.exit_status, j.signal, j.signal_reason, j.log_size, j.token_ended_at, j.created_at"
    };
}

pub mod window;

statements! {
    /// A job of a step.
    INSERT = "INSERT INTO jobs (id, organization_id, build_id, step_id, deployment_id, queue, rules, priority, position, part, step_key,
                label, command, env, plugins, matrix, parallel_job, parallel_count, soft_fail, soft_failed, is_fragile, timeout_minutes,
                concurrency_group, concurrency_limit, concurrency_eager, state, retries_count, finished_at, log_size, log_stored,
                created_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, FALSE, $20, $21, $22, $23,
                $24, $25, 0, $26, 0, 0, $27)";
    /// The successor of a job that is run again: the same but for what has happened to it.
    INSERT_SUCCESSOR = "INSERT INTO jobs (id, organization_id, build_id, step_id, deployment_id, queue, rules, priority, position, part,
                step_key, label, command, env, plugins, matrix, parallel_job, parallel_count, soft_fail, soft_failed, is_fragile,
                timeout_minutes, concurrency_group, concurrency_limit, concurrency_eager, state, retries_count, retry_type, runnable_at,
                log_size, log_stored, created_at)
              SELECT $2, organization_id, build_id, step_id, deployment_id, queue, rules, priority, $3, part, step_key, label, command,
                env, plugins, matrix, parallel_job, parallel_count, soft_fail, FALSE, is_fragile, timeout_minutes, concurrency_group,
                concurrency_limit, concurrency_eager, $4, retries_count + 1, $5, $6, 0, 0, $6
              FROM jobs WHERE id = $1 AND retried_in IS NULL";
    /// One more of a step's parallel jobs: the same as another of them but for its number.
    INSERT_PARALLEL = "INSERT INTO jobs (id, organization_id, build_id, step_id, deployment_id, queue, rules, priority, position, part,
                step_key, label, command, env, plugins, matrix, parallel_job, parallel_count, soft_fail, soft_failed, is_fragile,
                timeout_minutes, concurrency_group, concurrency_limit, concurrency_eager, state, retries_count, log_size, log_stored,
                created_at)
              SELECT $2, organization_id, build_id, step_id, deployment_id, queue, rules, priority, $3, $4, step_key, $6, command, env,
                plugins, matrix, $4, $5, soft_fail, FALSE, is_fragile, timeout_minutes, concurrency_group, concurrency_limit,
                concurrency_eager, 'waiting', 0, 0, 0, $7
              FROM jobs WHERE id = $1";
    /// How many parallel jobs there are, for those of a step that have not begun.
    SET_PARALLEL_COUNT = "UPDATE jobs SET parallel_job = part, parallel_count = $2
              WHERE step_id = $1 AND state IN ('waiting', 'limited', 'scheduled')";
    /// A job has a successor.
    SET_SUCCESSOR = "UPDATE jobs SET retried_in = $2 WHERE id = $1 AND retried_in IS NULL";
    /// One of the organization's jobs.
    FIND = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.id = $2");
    /// The same, kept still until the transaction ends.
    FIND_FOR_UPDATE = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.id = $2 /*lock:update*/");
    /// A build's jobs, in the order of its steps; a job's successor behind it.
    OF_BUILD = concat!("SELECT ", columns!(), " FROM jobs j JOIN steps s ON s.id = j.step_id
              WHERE j.organization_id = $1 AND j.build_id = $2 ORDER BY s.sort, j.part, j.position");
    /// A step's jobs, without those that have a successor.
    OF_STEP = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.step_id = $2 AND j.retried_in IS NULL
              ORDER BY j.part LIMIT $3");
    /// The job that an agent has: assigned, accepted, running or to be ended.
    OF_AGENT = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.agent_id = $2
              AND j.state IN ('assigned', 'accepted', 'running', 'canceling', 'timing_out') ORDER BY j.assigned_at LIMIT 1");
    /// How many jobs are in each state that is not an end.
    COUNT_BY_STATE = "SELECT state, COUNT(*) AS n FROM jobs
              WHERE state IN ('limited', 'scheduled', 'assigned', 'accepted', 'running', 'timing_out', 'canceling') GROUP BY state";
    /// How many of a build's jobs stand where, and ended well; those that have a successor are not counted.
    COUNTS_OF_BUILD = "SELECT state, COALESCE(exit_status, '') = '0' AS well, COUNT(*) AS n FROM jobs
              WHERE organization_id = $1 AND build_id = $2 AND retried_in IS NULL GROUP BY state, COALESCE(exit_status, '') = '0'";
    /// Another label.
    SET_LABEL = "UPDATE jobs SET label = $2 WHERE step_id = $1 AND state IN ('waiting', 'limited', 'scheduled')";
    /// Another priority.
    SET_PRIORITY = "UPDATE jobs SET priority = $2 WHERE step_id = $1 AND state IN ('waiting', 'limited', 'scheduled')";
}

/// How many jobs with one key run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The key.
    pub group: String,
    /// How many.
    pub limit: u32,
    /// Whether they run in any order.
    pub eager: bool,
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
    /// Its step.
    pub step: StepId,
    /// The deployment it runs in.
    pub deployment: DeploymentId,
    /// The queue it waits in.
    pub queue: String,
    /// What it asks of an agent's tags beside.
    pub rules: Rules,
    /// Higher first.
    pub priority: i64,
    /// Its number among the build's jobs, in the order of their making, from 0.
    pub position: i64,
    /// Its number among its step's jobs, from 0; a successor has its predecessor's.
    pub part: i64,
    /// Its step's key.
    pub step_key: Option<String>,
    /// What people see.
    pub label: Option<String>,
    /// What the shell is given.
    pub command: String,
    /// The variables that its step sets.
    pub env: BTreeMap<String, String>,
    /// Its plugins, as JSON, where a matrix makes them differ from its step's.
    pub plugins: Option<String>,
    /// The values of the matrix.
    pub matrix: BTreeMap<String, String>,
    /// Its number among the step's parallel jobs, from 0, and how many there are.
    pub parallel: Option<(i64, i64)>,
    /// Which failures do not count, where that is another than the step's.
    pub soft_fail: Option<SoftFail>,
    /// Whether it failed in a way that does not fail the build.
    pub soft_failed: bool,
    /// Whether it is canceled once the build is failing.
    pub is_fragile: bool,
    /// How many minutes it may run.
    pub timeout_minutes: Option<i64>,
    /// When it has run too long.
    pub times_out_at: Option<Timestamp>,
    /// The concurrency group that it is in.
    pub limit: Option<Limit>,
    /// Where it stands.
    pub state: JobState,
    /// How many there were before it.
    pub retries_count: i64,
    /// Why it is another one's successor.
    pub retry_type: Option<RetryType>,
    /// Its successor.
    pub retried_in: Option<JobId>,
    /// The agent that has it.
    pub agent: Option<AgentId>,
    /// The session under which that agent took it.
    pub session: Option<SessionId>,
    /// Since when an agent could take it.
    pub runnable_at: Option<Timestamp>,
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

fn job(row: &Row) -> Result<Job, StoreError> {
    let rules: String = row.get("rules")?;
    let group: Option<String> = row.get("concurrency_group")?;
    let limit: Option<u32> = row.get("concurrency_limit")?;
    let eager = row.get("concurrency_eager")?;
    let parallel: Option<i64> = row.get("parallel_job")?;
    let soft_fail: Option<String> = row.get("soft_fail")?;
    Ok(Job {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        build: row.get("build_id")?,
        step: row.get("step_id")?,
        deployment: row.get("deployment_id")?,
        queue: row.get("queue")?,
        rules: Rules::parse(&rules).ok_or_else(|| StoreError::Internal("a job's rules cannot be read".into()))?,
        priority: row.get("priority")?,
        position: row.get("position")?,
        part: row.get("part")?,
        step_key: row.get("step_key")?,
        label: row.get("label")?,
        command: row.get("command")?,
        env: row.json("env")?,
        plugins: row.get("plugins")?,
        matrix: row.json("matrix")?,
        parallel: parallel.zip(row.get("parallel_count")?),
        soft_fail: match soft_fail {
            Some(_) => Some(row.json("soft_fail")?),
            None => None,
        },
        soft_failed: row.get("soft_failed")?,
        is_fragile: row.get("is_fragile")?,
        timeout_minutes: row.get("timeout_minutes")?,
        times_out_at: row.get("times_out_at")?,
        limit: group.zip(limit).map(|(group, limit)| Limit { group, limit, eager }),
        state: row.parse("state")?,
        retries_count: row.get("retries_count")?,
        retry_type: row.parse_optional("retry_type")?,
        retried_in: row.get("retried_in")?,
        agent: row.get("agent_id")?,
        session: row.get("session_id")?,
        runnable_at: row.get("runnable_at")?,
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

/// A job that is added.
#[derive(Debug)]
pub struct NewJob<'a> {
    /// Its id.
    pub id: JobId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its build.
    pub build: BuildId,
    /// Its step.
    pub step: StepId,
    /// The deployment it runs in.
    pub deployment: DeploymentId,
    /// The queue it waits in.
    pub queue: &'a str,
    /// Its number among the build's jobs.
    pub position: i64,
    /// Its number among its step's jobs.
    pub part: i64,
    /// What its step was written as.
    pub planned: &'a countersign_domain::plan::PlannedStep,
    /// What its step does.
    pub work: &'a countersign_domain::plan::CommandWork,
    /// What it was written as.
    pub job: &'a countersign_domain::plan::PlannedJob,
    /// `waiting`, or an end for one that takes no part.
    pub state: JobState,
}

/// Adds a job.
pub async fn insert(tx: &mut Tx, new: &NewJob<'_>) -> Result<(), StoreError> {
    let now = tx.now();
    let NewJob { job, work, .. } = new;
    let limit = work.concurrency.as_ref();
    let values = params![
        new.id,
        new.organization,
        new.build,
        new.step,
        new.deployment,
        new.queue,
        Rules::new(job.rules.clone()).canonical(),
        work.priority,
        new.position,
        new.part,
        new.planned.key.clone(),
        job.label.clone().or_else(|| new.planned.label.clone()),
        job.command.as_str(),
        Value::json(&job.env)?,
        job.plugins.as_ref().map(ToString::to_string),
        Value::json(&job.matrix)?,
        job.parallel.map(|(number, _)| i64::from(number)),
        job.parallel.map(|(_, count)| i64::from(count)),
        match &job.soft_fail {
            Some(rule) => Value::json(rule)?,
            None => Value::Null,
        },
        work.cancel_on_build_failing,
        work.timeout_in_minutes,
        limit.map(|it| it.group.clone()),
        limit.map(|it| it.limit),
        limit.is_some_and(|it| it.eager),
        new.state.as_str(),
        new.state.is_finished().then_some(now),
        now,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// Adds the successor of a job. False when it has one.
pub async fn insert_successor(
    tx: &mut Tx,
    of: JobId,
    fresh: JobId,
    position: i64,
    state: JobState,
    why: RetryType,
) -> Result<bool, StoreError> {
    let now = tx.now();
    let values = params![of, fresh, position, state.as_str(), why.as_str(), now];
    if tx.execute(INSERT_SUCCESSOR, &values).await? != 1 {
        return Ok(false);
    }
    Ok(tx.execute(SET_SUCCESSOR, &params![of, fresh]).await? == 1)
}

/// Adds one more of a step's parallel jobs, like another of them. `parallel` is its number, from 0, and how many there are.
pub async fn insert_parallel(
    tx: &mut Tx,
    like: JobId,
    fresh: JobId,
    position: i64,
    parallel: (u32, u32),
    label: Option<&str>,
) -> Result<(), StoreError> {
    let now = tx.now();
    let (number, count) = parallel;
    tx.execute(INSERT_PARALLEL, &params![like, fresh, position, number, count, label, now]).await.map(drop)
}

/// Writes how many parallel jobs a step has, for those that have not begun.
pub async fn set_parallel_count(tx: &mut Tx, step: StepId, count: u32) -> Result<(), StoreError> {
    tx.execute(SET_PARALLEL_COUNT, &params![step, count]).await.map(drop)
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

/// At most `limit` of a step's jobs, without those that have a successor.
pub async fn of_step(tx: &mut Tx, of: OrganizationId, step: StepId, limit: i64) -> Result<Vec<Job>, StoreError> {
    tx.all(OF_STEP, &params![of, step, limit]).await?.iter().map(job).collect()
}

/// The job that an agent has and has not ended.
pub async fn of_agent(tx: &mut Tx, of: OrganizationId, agent: AgentId) -> Result<Option<Job>, StoreError> {
    tx.maybe(OF_AGENT, &params![of, agent]).await?.as_ref().map(job).transpose()
}

/// How many jobs are in each state that is not an end, across organizations; for metrics.
pub async fn count_by_state(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    tx.all(COUNT_BY_STATE, &params![]).await?.iter().map(|row| Ok((row.get("state")?, row.get("n")?))).collect()
}

/// How many of a build's jobs stand where, and whether with exit status 0; those that have a successor are not counted.
pub async fn counts_of_build(
    tx: &mut Tx,
    of: OrganizationId,
    build: BuildId,
) -> Result<Vec<(JobState, bool, i64)>, StoreError> {
    let rows = tx.all(COUNTS_OF_BUILD, &params![of, build]).await?;
    rows.iter().map(|row| Ok((row.parse("state")?, row.get("well")?, row.get("n")?))).collect()
}

/// Gives a step's jobs that wait another label.
pub async fn set_label(tx: &mut Tx, step: StepId, label: &str) -> Result<(), StoreError> {
    tx.execute(SET_LABEL, &params![step, label]).await.map(drop)
}

/// Gives a step's jobs that wait another priority.
pub async fn set_priority(tx: &mut Tx, step: StepId, priority: i64) -> Result<(), StoreError> {
    tx.execute(SET_PRIORITY, &params![step, priority]).await.map(drop)
}
