//! Queues: made by somebody or known from their first job on, and able to keep their jobs back.

use countersign_domain::Timestamp;
use countersign_domain::id::{DeploymentId, Id, OrganizationId, UserId};

use crate::{Row, StoreError, Tx, params, statements};

macro_rules! columns {
    () => {
        "id, organization_id, deployment_id, name, description, created_at, created_by, dispatch_paused_at, dispatch_paused_by,
         dispatch_paused_note"
    };
}

statements! {
    /// A queue, made by its first use.
    ENSURE = "INSERT INTO queues (id, organization_id, deployment_id, name, created_at) VALUES ($1, $2, $3, $4, $5)
              ON CONFLICT (deployment_id, name) DO NOTHING";
    /// One of the organization's queues.
    FIND = concat!("SELECT ", columns!(), " FROM queues WHERE organization_id = $1 AND deployment_id = $2 AND name = $3");
    /// The same, by its id.
    BY_ID = concat!("SELECT ", columns!(), " FROM queues WHERE organization_id = $1 AND id = $2");
    /// A page of the organization's queues, newest first.
    PAGE = concat!("SELECT ", columns!(), " FROM queues WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    /// The queues of one deployment, by name. $3: at the most.
    OF_DEPLOYMENT = concat!("SELECT ", columns!(), " FROM queues WHERE organization_id = $1 AND deployment_id = $2 ORDER BY name LIMIT $3");
    /// A queue that somebody makes.
    INSERT = "INSERT INTO queues (id, organization_id, deployment_id, name, description, created_at, created_by)
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// What people say of it.
    DESCRIBE = "UPDATE queues SET description = $3 WHERE organization_id = $1 AND id = $2";
    /// It is gone, until it is used again.
    DELETE = "DELETE FROM queues WHERE organization_id = $1 AND id = $2";
    /// It is its deployment's default no more.
    CLEAR_DEFAULT = "UPDATE deployments SET default_queue_id = NULL WHERE organization_id = $1 AND default_queue_id = $2";
    /// How much is in it.
    HOLDS = "SELECT
              (SELECT COUNT(*) FROM jobs j WHERE j.organization_id = $1 AND j.deployment_id = $2 AND j.queue = $3 AND j.finished_at IS NULL) AS jobs,
              (SELECT COUNT(*) FROM agents a WHERE a.organization_id = $1 AND a.deployment_id = $2 AND a.queue = $3
                AND a.state IN ('never_connected', 'connected', 'stopping')) AS agents";
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
    /// What it is for.
    pub description: Option<String>,
    /// When it was made, or first used.
    pub created_at: Timestamp,
    /// By whom; none for one that its first use made.
    pub created_by: Option<UserId>,
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
        description: row.get("description")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
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

/// At most `limit` queues of a deployment, by name.
pub async fn of_deployment(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    limit: i64,
) -> Result<Vec<Queue>, StoreError> {
    tx.all(OF_DEPLOYMENT, &params![of, deployment, limit]).await?.iter().map(queue).collect()
}

/// Adds a queue. [`StoreError::UniqueViolation`] when the deployment has one of that name.
pub async fn insert(tx: &mut Tx, new: &Queue) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.deployment,
        new.name.as_str(),
        new.description.clone(),
        new.created_at,
        new.created_by,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// Writes what people say of a queue.
pub async fn describe(
    tx: &mut Tx,
    of: OrganizationId,
    id: Id<Queue>,
    description: Option<&str>,
) -> Result<(), StoreError> {
    tx.execute(DESCRIBE, &params![of, id, description]).await.map(drop)
}

/// Takes a queue away.
pub async fn delete(tx: &mut Tx, of: OrganizationId, id: Id<Queue>) -> Result<(), StoreError> {
    tx.execute(CLEAR_DEFAULT, &params![of, id]).await?;
    tx.execute(DELETE, &params![of, id]).await.map(drop)
}

/// How many jobs wait or run in a queue, and how many agents with a session serve it.
pub async fn holds(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    name: &str,
) -> Result<(i64, i64), StoreError> {
    let row = tx.one(HOLDS, &params![of, deployment, name]).await?;
    Ok((row.get("jobs")?, row.get("agents")?))
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
