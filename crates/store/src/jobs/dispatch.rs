//! Which job an agent is given.
//!
//! Jobs that ask the same of an agent's tags form a class, by the canonical text of their rules. An agent's classes are worked out from
//! the few texts that wait in its queue, so that ten thousand waiting jobs cost no more than one.

use countersign_domain::Timestamp;
use countersign_domain::id::{AgentId, BuildId, DeploymentId, JobId, OrganizationId, SessionId};

use crate::{StoreError, Tx, params, statements};

use super::naming;

statements! {
    /// The classes of the jobs that wait in a queue, from a text ($4) on, one index look-up each. $5: at the most.
    CLASSES = "WITH RECURSIVE class (rules) AS (
                SELECT * FROM (SELECT MIN(w.rules) FROM jobs w WHERE w.organization_id = $1 AND w.deployment_id = $2 AND w.queue = $3
                    AND w.state = 'scheduled' AND w.rules >= $4) AS lowest
                UNION ALL
                SELECT (SELECT MIN(w.rules) FROM jobs w WHERE w.organization_id = $1 AND w.deployment_id = $2 AND w.queue = $3
                    AND w.state = 'scheduled' AND w.rules > class.rules)
                FROM class WHERE class.rules IS NOT NULL
              )
              SELECT rules FROM class WHERE rules IS NOT NULL LIMIT $5";
    /// The first job of a class: highest priority first, oldest first within it.
    HEAD = "SELECT priority, created_at, build_id, position FROM jobs
              WHERE organization_id = $1 AND deployment_id = $2 AND queue = $3 AND rules = $4 AND state = 'scheduled'
              ORDER BY priority DESC, created_at, build_id, position LIMIT 1";
    /// Gives the first job of a class to an agent: one statement finds and takes it.
    ASSIGN = "UPDATE jobs SET state = 'assigned', agent_id = $5, session_id = $6, assigned_at = $7
              WHERE state = 'scheduled' AND id = (SELECT w.id FROM jobs w
                WHERE w.organization_id = $1 AND w.deployment_id = $2 AND w.queue = $3 AND w.rules = $4 AND w.state = 'scheduled'
                ORDER BY w.priority DESC, w.created_at, w.build_id, w.position LIMIT 1 /*lock:skip*/)
              RETURNING id, label, step_key, position";
    /// Gives a certain job to an agent that asks for it by name.
    ACQUIRE = "UPDATE jobs SET state = 'assigned', agent_id = $3, session_id = $4, assigned_at = $5
              WHERE organization_id = $1 AND id = $2 AND state = 'scheduled'";
    /// Puts jobs back that were given and not taken in time.
    UNASSIGN_BEFORE = "UPDATE jobs SET state = 'scheduled', agent_id = NULL, session_id = NULL, assigned_at = NULL
              WHERE state = 'assigned' AND assigned_at < $1
              RETURNING id, organization_id, deployment_id, queue, rules, label, step_key, position";
    /// Whether a job was given before a time and not taken.
    ASSIGNED_BEFORE = "SELECT id FROM jobs WHERE state = 'assigned' AND assigned_at < $1 LIMIT 1";
    /// Puts the job back that was given to an agent and not taken.
    UNASSIGN_OF_AGENT = "UPDATE jobs SET state = 'scheduled', agent_id = NULL, session_id = NULL, assigned_at = NULL
              WHERE state = 'assigned' AND agent_id = $1
              RETURNING id, organization_id, deployment_id, queue, rules, label, step_key, position";
}

/// A queue of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The organization.
    pub organization: OrganizationId,
    /// The deployment.
    pub deployment: DeploymentId,
    /// The queue's name.
    pub queue: &'a str,
}

/// Where jobs of one class wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The queue's name.
    pub queue: String,
    /// What they ask of an agent's tags, as its canonical text.
    pub rules: String,
}

impl Spot {
    /// From the columns of a job.
    pub(super) fn read(row: &crate::Row) -> Result<Self, StoreError> {
        Ok(Self { deployment: row.get("deployment_id")?, queue: row.get("queue")?, rules: row.get("rules")? })
    }
}

/// Where the first job of a class stands: what is smaller goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    priority: std::cmp::Reverse<i64>,
    created_at: Timestamp,
    build: BuildId,
    position: i64,
}

/// At most `limit` classes of the jobs that wait in a queue, in the order of their texts, from `from` on.
pub async fn classes(tx: &mut Tx, line: Line<'_>, from: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows = tx.all(CLASSES, &params![line.organization, line.deployment, line.queue, from, limit]).await?;
    rows.iter().map(|row| row.get("rules")).collect()
}

/// Where the first job of a class stands; `None` when none waits.
pub async fn head(tx: &mut Tx, line: Line<'_>, rules: &str) -> Result<Option<Head>, StoreError> {
    let row = tx.maybe(HEAD, &params![line.organization, line.deployment, line.queue, rules]).await?;
    row.map(|row| {
        Ok(Head {
            priority: std::cmp::Reverse(row.get("priority")?),
            created_at: row.get("created_at")?,
            build: row.get("build_id")?,
            position: row.get("position")?,
        })
    })
    .transpose()
}

/// Gives the first job of a class to an agent; says which it is and what it is [called](super::Job::name).
pub async fn assign(
    tx: &mut Tx,
    line: Line<'_>,
    rules: &str,
    agent: AgentId,
    session: SessionId,
) -> Result<Option<(JobId, String)>, StoreError> {
    let now = tx.now();
    let values = params![line.organization, line.deployment, line.queue, rules, agent, session, now];
    tx.maybe(ASSIGN, &values).await?.map(|row| Ok((row.get("id")?, naming::read(&row)?))).transpose()
}

/// Gives a certain job to an agent. False when it does not wait for one.
pub async fn acquire(
    tx: &mut Tx,
    of: OrganizationId,
    job: JobId,
    agent: AgentId,
    session: SessionId,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(ACQUIRE, &params![of, job, agent, session, now]).await? == 1)
}

/// Whether a job was given before `before` and not taken.
pub async fn has_assigned_before(tx: &mut Tx, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.maybe(ASSIGNED_BEFORE, &params![before]).await?.is_some())
}

/// A job that waits for an agent again.
#[derive(Debug, Clone)]
pub struct Returned {
    /// The job.
    pub job: JobId,
    /// What it is [called](super::Job::name).
    pub name: String,
    /// Its organization.
    pub organization: OrganizationId,
    /// Where it waits.
    pub spot: Spot,
}

fn returned(rows: &[crate::Row]) -> Result<Vec<Returned>, StoreError> {
    let read = |row: &crate::Row| {
        Ok(Returned {
            job: row.get("id")?,
            name: naming::read(row)?,
            organization: row.get("organization_id")?,
            spot: Spot::read(row)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Puts jobs back that were given before `before` and not taken; says which.
pub async fn unassign_before(tx: &mut Tx, before: Timestamp) -> Result<Vec<Returned>, StoreError> {
    returned(&tx.all(UNASSIGN_BEFORE, &params![before]).await?)
}

/// Puts the job back that was given to an agent and not taken; says which.
pub async fn unassign_of_agent(tx: &mut Tx, agent: AgentId) -> Result<Vec<Returned>, StoreError> {
    returned(&tx.all(UNASSIGN_OF_AGENT, &params![agent]).await?)
}
