//! How much work waits in each queue, and how many agents there are for it.

use std::collections::BTreeMap;

use countersign_domain::Timestamp;
use countersign_domain::id::{DeploymentId, OrganizationId};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// The organization's jobs that have not ended, by deployment, queue and state.
    JOBS = "SELECT deployment_id, queue, state, COUNT(*) AS n FROM jobs WHERE organization_id = $1 AND finished_at IS NULL
           GROUP BY deployment_id, queue, state";
    /// The organization's connected agents by deployment and queue.
    AGENTS = "SELECT deployment_id, queue, COUNT(*) AS n FROM agents
           WHERE organization_id = $1 AND state IN ('connected', 'stopping') GROUP BY deployment_id, queue";
    /// Queues that connected agents wait in and that have no row, those with most agents first. $2: at the most.
    UNLISTED = "SELECT a.deployment_id, a.queue, COUNT(*) AS n FROM agents a
           WHERE a.organization_id = $1 AND a.state IN ('connected', 'stopping') AND NOT EXISTS (SELECT 1 FROM queues q
             WHERE q.organization_id = a.organization_id AND q.deployment_id = a.deployment_id AND q.name = a.queue)
           GROUP BY a.deployment_id, a.queue ORDER BY n DESC, a.queue, a.deployment_id LIMIT $2";
    /// How many of them have a job. Found from the jobs that agents have: there are fewer of these than of agents, and far fewer than of past jobs.
    BUSY = "SELECT a.deployment_id, a.queue, COUNT(DISTINCT a.id) AS n FROM jobs j JOIN agents a ON a.id = j.agent_id
           WHERE j.organization_id = $1 AND j.finished_at IS NULL AND j.state IN ('assigned', 'accepted', 'running', 'canceling', 'timing_out')
             AND a.state IN ('connected', 'stopping') GROUP BY a.deployment_id, a.queue";
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

/// The organization's jobs that have not ended.
pub async fn jobs(tx: &mut Tx, of: OrganizationId) -> Result<Vec<Jobs>, StoreError> {
    tx.all(JOBS, &params![of]).await?.iter().map(jobs_of).collect()
}

/// Queues that connected agents wait in, and that no job was put into and nobody has made: at most `limit`, those with most agents first.
pub async fn unlisted(
    tx: &mut Tx,
    of: OrganizationId,
    limit: i64,
) -> Result<Vec<(DeploymentId, String, i64)>, StoreError> {
    let rows = tx.all(UNLISTED, &params![of, limit]).await?;
    rows.iter().map(|row| Ok((row.get("deployment_id")?, row.get("queue")?, row.get("n")?))).collect()
}

/// The organization's connected agents.
pub async fn agents(tx: &mut Tx, of: OrganizationId) -> Result<Vec<Agents>, StoreError> {
    let mut busy = BTreeMap::<(DeploymentId, String), i64>::new();
    for row in tx.all(BUSY, &params![of]).await? {
        busy.insert((row.get("deployment_id")?, row.get("queue")?), row.get("n")?);
    }
    let rows = tx.all(AGENTS, &params![of]).await?;
    let counted = rows.iter().map(|row| {
        let place: (DeploymentId, String) = (row.get("deployment_id")?, row.get("queue")?);
        let busy = busy.get(&place).copied().unwrap_or(0);
        Ok(Agents { deployment: place.0, queue: place.1, count: row.get("n")?, busy })
    });
    counted.collect()
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
