//! How much work waits in each queue, and how many agents there are for it.

use countersign_domain::Timestamp;
use countersign_domain::id::{DeploymentId, OrganizationId};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// The organization's jobs that have not ended, by deployment, queue and state.
    JOBS = "SELECT deployment_id, queue, state, COUNT(*) AS n FROM jobs WHERE organization_id = $1 AND finished_at IS NULL
           GROUP BY deployment_id, queue, state";
    /// The organization's connected agents by deployment and queue, and how many of them have a job.
    AGENTS = "SELECT a.deployment_id, a.queue, COUNT(*) AS n, CAST(COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM jobs j
             WHERE j.agent_id = a.id AND j.finished_at IS NULL) THEN 1 ELSE 0 END), 0) AS BIGINT) AS busy
           FROM agents a WHERE a.organization_id = $1 AND a.state IN ('connected', 'stopping') GROUP BY a.deployment_id, a.queue";
    /// How long the jobs waited that began since a moment, the last ones first.
    WAITS = "SELECT deployment_id, queue, started_at - runnable_at AS waited FROM jobs
           WHERE organization_id = $1 AND started_at >= $2 AND runnable_at IS NOT NULL ORDER BY started_at DESC LIMIT $3";
}

/// Jobs of one queue that are in one state.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// Their deployment.
    pub deployment: DeploymentId,
    /// Their queue.
    pub queue: String,
    /// Their state, as it is stored.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// The agents of one queue.
#[derive(Debug, Clone)]
pub struct Agents {
    /// Their deployment.
    pub deployment: DeploymentId,
    /// Their queue.
    pub queue: String,
    /// How many are connected.
    pub count: i64,
    /// How many of those have a job.
    pub busy: i64,
}

fn jobs_of(row: &Row) -> Result<Jobs, StoreError> {
    Ok(Jobs {
        deployment: row.get("deployment_id")?,
        queue: row.get("queue")?,
        state: row.get("state")?,
        count: row.get("n")?,
    })
}

fn agents_of(row: &Row) -> Result<Agents, StoreError> {
    Ok(Agents {
        deployment: row.get("deployment_id")?,
        queue: row.get("queue")?,
        count: row.get("n")?,
        busy: row.get("busy")?,
    })
}

/// The organization's jobs that have not ended.
pub async fn jobs(tx: &mut Tx, of: OrganizationId) -> Result<Vec<Jobs>, StoreError> {
    tx.all(JOBS, &params![of]).await?.iter().map(jobs_of).collect()
}

/// The organization's connected agents.
pub async fn agents(tx: &mut Tx, of: OrganizationId) -> Result<Vec<Agents>, StoreError> {
    tx.all(AGENTS, &params![of]).await?.iter().map(agents_of).collect()
}

/// How long a job of a queue waited for an agent, in microseconds.
#[derive(Debug, Clone)]
pub struct Waited {
    /// Its deployment.
    pub deployment: DeploymentId,
    /// Its queue.
    pub queue: String,
    /// From when an agent could take it until its command began.
    pub micros: i64,
}

/// How long at most `limit` of the organization's jobs waited that began since a moment, the last ones first.
pub async fn waits(tx: &mut Tx, of: OrganizationId, since: Timestamp, limit: i64) -> Result<Vec<Waited>, StoreError> {
    let rows = tx.all(WAITS, &params![of, since, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Waited { deployment: row.get("deployment_id")?, queue: row.get("queue")?, micros: row.get("waited")? })
        })
        .collect()
}
