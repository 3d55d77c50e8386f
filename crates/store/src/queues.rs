//! Queues: known from their first agent or job on, and able to keep their jobs back.

use countersign_domain::Timestamp;
use countersign_domain::id::{DeploymentId, Id, OrganizationId, UserId};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// A queue, made by its first use.
    ENSURE = "INSERT INTO queues (id, organization_id, deployment_id, name, created_at) VALUES ($1, $2, $3, $4, $5)
              ON CONFLICT (deployment_id, name) DO NOTHING";
    /// One of the organization's queues.
    FIND = "SELECT id, organization_id, deployment_id, name, created_at, dispatch_paused_at, dispatch_paused_by, dispatch_paused_note
              FROM queues WHERE organization_id = $1 AND deployment_id = $2 AND name = $3";
    /// The same, by its id.
    BY_ID = "SELECT id, organization_id, deployment_id, name, created_at, dispatch_paused_at, dispatch_paused_by, dispatch_paused_note
              FROM queues WHERE organization_id = $1 AND id = $2";
    /// A page of the organization's queues, newest first.
    PAGE = "SELECT id, organization_id, deployment_id, name, created_at, dispatch_paused_at, dispatch_paused_by, dispatch_paused_note
              FROM queues WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    /// How many queues the organization has.
    COUNT = "SELECT COUNT(*) AS n FROM queues WHERE organization_id = $1";
    /// Whether a queue's dispatch is paused; whoever pauses it waits until the transaction ends.
    IS_PAUSED = "SELECT dispatch_paused_at FROM queues WHERE deployment_id = $1 AND name = $2 /*lock:share*/";
    /// Keeps a queue's jobs back.
    PAUSE = "UPDATE queues SET dispatch_paused_at = $2, dispatch_paused_by = $3, dispatch_paused_note = $4 WHERE id = $1";
    /// Lets them go again.
    RESUME = "UPDATE queues SET dispatch_paused_at = NULL, dispatch_paused_by = NULL, dispatch_paused_note = NULL WHERE id = $1";
}

/// A queue of a deployment.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Its id.
    pub id: Id<Queue>,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its deployment.
    pub deployment: DeploymentId,
    /// Its name.
    pub name: String,
    /// When it was first used.
    pub created_at: Timestamp,
    /// Since when its jobs are kept back.
    pub paused_at: Option<Timestamp>,
    /// By whom.
    pub paused_by: Option<UserId>,
    /// Why.
    pub paused_note: Option<String>,
}

fn queue(row: &Row) -> Result<Queue, StoreError> {
    Ok(Queue {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        deployment: row.get("deployment_id")?,
        name: row.get("name")?,
        created_at: row.get("created_at")?,
        paused_at: row.get("dispatch_paused_at")?,
        paused_by: row.get("dispatch_paused_by")?,
        paused_note: row.get("dispatch_paused_note")?,
    })
}

/// Makes a queue known, if it is not.
pub async fn ensure(
    tx: &mut Tx,
    fresh: Id<Queue>,
    of: OrganizationId,
    deployment: DeploymentId,
    name: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(ENSURE, &params![fresh, of, deployment, name, now]).await.map(drop)
}

/// One of the organization's queues.
pub async fn find(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    name: &str,
) -> Result<Option<Queue>, StoreError> {
    tx.maybe(FIND, &params![of, deployment, name]).await?.as_ref().map(queue).transpose()
}

/// The organization's queue with this id.
pub async fn by_id(tx: &mut Tx, of: OrganizationId, id: Id<Queue>) -> Result<Option<Queue>, StoreError> {
    tx.maybe(BY_ID, &params![of, id]).await?.as_ref().map(queue).transpose()
}

/// At most `limit` of the organization's queues below `after`, newest first.
pub async fn page(tx: &mut Tx, of: OrganizationId, after: Id<Queue>, limit: i64) -> Result<Vec<Queue>, StoreError> {
    tx.all(PAGE, &params![of, after, limit]).await?.iter().map(queue).collect()
}

/// How many queues the organization has.
pub async fn count(tx: &mut Tx, of: OrganizationId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![of]).await?.get("n")
}

/// Whether a queue's jobs are kept back. That stays so until the transaction ends.
pub async fn is_paused(tx: &mut Tx, deployment: DeploymentId, name: &str) -> Result<bool, StoreError> {
    let row = tx.maybe(IS_PAUSED, &params![deployment, name]).await?;
    let paused: Option<Option<Timestamp>> = row.map(|row| row.get("dispatch_paused_at")).transpose()?;
    Ok(paused.flatten().is_some())
}

/// Keeps a queue's jobs back.
pub async fn pause(tx: &mut Tx, id: Id<Queue>, by: Option<UserId>, note: Option<&str>) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(PAUSE, &params![id, now, by, note]).await.map(drop)
}

/// Lets a queue's jobs go again.
pub async fn resume(tx: &mut Tx, id: Id<Queue>) -> Result<(), StoreError> {
    tx.execute(RESUME, &params![id]).await.map(drop)
}
