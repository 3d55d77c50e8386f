//! Deployments: the boundary that work runs inside, what each holds, and what is left to do for those that were deleted.

use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::{BuildId, DeploymentId, Id, OrganizationId, TokenId, UserId};
use countersign_domain::{PublicId, Timestamp};

use crate::queues::Queue;
use crate::{Row, StoreError, Turn, Tx, params, statements};
use crate::{code_locations, dagster_requests, numbers};

macro_rules! columns {
    () => {
        "d.id, d.name, d.parent_id, d.description, d.emoji, d.color, d.default_queue_id, d.created_at, d.created_by, d.expires_at"
    };
}

/// Tokens that reach the deployment $2 and no other that is there.
macro_rules! sole_tokens {
    () => {
        "FROM token_deployments m JOIN tokens t ON t.id = m.token_id
             WHERE t.organization_id = $1 AND m.deployment_id = $2 AND t.revoked_at IS NULL AND NOT t.every_deployment AND NOT t.all_branches
               AND NOT EXISTS (SELECT 1 FROM token_deployments o JOIN deployments d ON d.id = o.deployment_id
                 WHERE o.token_id = t.id AND o.deployment_id <> $2 AND d.deleted_at IS NULL)"
    };
}

statements! {
    /// A new deployment.
    INSERT = "INSERT INTO deployments (id, organization_id, name, parent_id, description, emoji, color, default_queue_id, created_at,
                created_by, expires_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    /// One of the organization's deployments.
    FIND = concat!("SELECT ", columns!(), " FROM deployments d WHERE d.organization_id = $1 AND d.id = $2 AND d.deleted_at IS NULL");
    /// The same, also one that was deleted.
    FIND_ANY = concat!("SELECT ", columns!(), " FROM deployments d WHERE d.organization_id = $1 AND d.id = $2");
    /// One of the organization's deployments, by its name.
    FIND_BY_NAME = concat!("SELECT ", columns!(), " FROM deployments d
              WHERE d.organization_id = $1 AND d.name = $2 AND d.deleted_at IS NULL");
    /// One other than $3 whose name is $2 in lower case.
    FIND_ALIKE = concat!("SELECT ", columns!(), " FROM deployments d
              WHERE d.organization_id = $1 AND LOWER(d.name) = $2 AND d.id <> $3 AND d.deleted_at IS NULL ORDER BY d.name LIMIT 1");
    /// The organization's deployments, by name.
    LIST = concat!("SELECT ", columns!(), " FROM deployments d WHERE d.organization_id = $1 AND d.deleted_at IS NULL ORDER BY d.name");
    /// The branch deployments of one.
    BRANCHES = concat!("SELECT ", columns!(), " FROM deployments d
              WHERE d.organization_id = $1 AND d.parent_id = $2 AND d.deleted_at IS NULL ORDER BY d.id");
    /// How many deployments the organization has.
    COUNT = "SELECT COUNT(*) AS n FROM deployments WHERE organization_id = $1 AND deleted_at IS NULL";
    /// How many branch deployments it has.
    COUNT_BRANCHES = "SELECT COUNT(*) AS n FROM deployments WHERE organization_id = $1 AND parent_id IS NOT NULL AND deleted_at IS NULL";
    /// What people gave it.
    UPDATE = "UPDATE deployments SET name = $3, description = $4, emoji = $5, color = $6, default_queue_id = $7, expires_at = $8
              WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL";
    /// A full deployment has this name.
    REMEMBER_NAME = "INSERT INTO deployment_names (organization_id, name) VALUES ($1, $2) ON CONFLICT (organization_id, name) DO NOTHING";
    /// Whether one has it, or had it.
    KNOWS_NAME = "SELECT COUNT(*) AS n FROM deployment_names WHERE organization_id = $1 AND name = $2";
    /// It is there no more, once.
    DELETE = "UPDATE deployments SET deleted_at = $3 WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL";
    /// The queues of a deployment that was deleted.
    DROP_QUEUES = "DELETE FROM queues WHERE organization_id = $1 AND deployment_id = $2";
    /// How much it holds. A token that has expired holds nothing. $3: now, $4: since when a Dagster+ agent that runs was heard.
    HOLDS = concat!("SELECT
              (SELECT COUNT(*) FROM builds b WHERE b.organization_id = $1 AND b.deployment_id = $2 AND b.finished_at IS NULL) AS builds,
              (SELECT COUNT(*) FROM jobs j WHERE j.organization_id = $1 AND j.deployment_id = $2 AND j.finished_at IS NULL) AS jobs,
              (SELECT COUNT(*) FROM agents a WHERE a.organization_id = $1 AND a.deployment_id = $2
                AND a.state IN ('never_connected', 'connected', 'stopping')) AS agents,
              (SELECT COUNT(*) FROM dagster_agent_deployments s JOIN dagster_agents g ON g.id = s.dagster_agent_id
                WHERE g.organization_id = $1 AND s.deployment_id = $2 AND g.heartbeat_at > $4) AS dagster_agents,
              (SELECT COUNT(*) ", sole_tokens!(), " AND (t.expires_at IS NULL OR t.expires_at > $3)) AS tokens");
    /// Those whose time has come. $2: at the most.
    EXPIRED = "SELECT id, organization_id FROM deployments WHERE expires_at <= $1 AND deleted_at IS NULL ORDER BY expires_at LIMIT $2";
    /// Those that were deleted and may still hold something, first those that were not looked at for the longest: no organization's keep those of
    /// another from their turn. $1: at the most.
    TO_CLEAR = "SELECT id, organization_id FROM deployments WHERE deleted_at IS NOT NULL AND cleared_at IS NULL
              ORDER BY COALESCE(looked_at, 0), id LIMIT $1";
    /// It is looked at.
    LOOK = "UPDATE deployments SET looked_at = $3 WHERE organization_id = $1 AND id = $2";
    /// Public ids of the tokens that stand and name it. $3: at the most.
    NAMED_BY = "SELECT t.public_id FROM token_deployments m JOIN tokens t ON t.id = m.token_id
              WHERE t.organization_id = $1 AND m.deployment_id = $2 AND t.revoked_at IS NULL ORDER BY t.id LIMIT $3";
    /// Builds of one that have not ended and were not told to. $3: at the most.
    OPEN_BUILDS = "SELECT id FROM builds WHERE organization_id = $1 AND deployment_id = $2 AND finished_at IS NULL AND NOT is_canceled
              ORDER BY id LIMIT $3";
    /// How many of its builds have not ended.
    UNFINISHED = "SELECT COUNT(*) AS n FROM builds WHERE organization_id = $1 AND deployment_id = $2 AND finished_at IS NULL";
    /// Tokens that reach it alone. $3: at the most.
    SOLE_TOKENS = concat!("SELECT t.id, t.public_id ", sole_tokens!(), " ORDER BY t.id LIMIT $3");
    /// Takes it out of the scopes of tokens that stand; what a revoked token reached stays known.
    DROP_MEMBERSHIPS = "DELETE FROM token_deployments WHERE deployment_id = $2
              AND token_id IN (SELECT id FROM tokens WHERE organization_id = $1 AND revoked_at IS NULL)";
    /// It holds nothing any more.
    SET_CLEARED = "UPDATE deployments SET cleared_at = $3 WHERE organization_id = $1 AND id = $2 AND deleted_at IS NOT NULL AND cleared_at IS NULL";
}

/// The boundary that work runs inside.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its name, unique in the organization.
    pub name: String,
    /// The full deployment that this branch deployment belongs to.
    pub parent: Option<DeploymentId>,
    /// What it is for.
    pub description: Option<String>,
    /// What stands before its name.
    pub emoji: Option<String>,
    /// A colour, `#` and six hexadecimal digits.
    pub color: Option<String>,
    /// The queue that people call its default.
    pub default_queue: Option<Id<Queue>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom; none for the first one of an organization.
    pub created_by: Option<UserId>,
    /// From when on a branch deployment is removed.
    pub expires_at: Option<Timestamp>,
}

impl Deployment {
    /// A full deployment of which nothing is said but its name.
    #[must_use]
    pub const fn named(id: DeploymentId, name: String, created_at: Timestamp) -> Self {
        Self {
            id,
            name,
            parent: None,
            description: None,
            emoji: None,
            color: None,
            default_queue: None,
            created_at,
            created_by: None,
            expires_at: None,
        }
    }
}

/// What a deployment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holds {
    /// Builds that have not ended.
    pub builds: i64,
    /// Jobs that wait or run.
    pub jobs: i64,
    /// Agents that have a session.
    pub agents: i64,
    /// Dagster+ agents that run and serve it.
    pub dagster_agents: i64,
    /// Agent tokens that could be used for nothing without it.
    pub tokens: i64,
}

fn deployment(row: &Row) -> Result<Deployment, StoreError> {
    Ok(Deployment {
        id: row.get("id")?,
        name: row.get("name")?,
        parent: row.get("parent_id")?,
        description: row.get("description")?,
        emoji: row.get("emoji")?,
        color: row.get("color")?,
        default_queue: row.get("default_queue_id")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        expires_at: row.get("expires_at")?,
    })
}

/// Adds a deployment. [`StoreError::UniqueViolation`] when the organization has one of that name.
pub async fn insert(tx: &mut Tx, of: OrganizationId, new: &Deployment) -> Result<(), StoreError> {
    let values = params![
        new.id,
        of,
        new.name.as_str(),
        new.parent,
        new.description.clone(),
        new.emoji.clone(),
        new.color.clone(),
        new.default_queue,
        new.created_at,
        new.created_by,
        new.expires_at,
    ];
    tx.execute(INSERT, &values).await?;
    remember_name(tx, of, new).await?;
    numbers::give(tx, of, new.id).await.map(drop)
}

/// The organization's deployment with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(deployment).transpose()
}

/// The same, also one that was deleted: what happened in it still names it.
pub async fn find_any(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    tx.maybe(FIND_ANY, &params![of, id]).await?.as_ref().map(deployment).transpose()
}

/// The organization's deployment with this name.
pub async fn find_by_name(tx: &mut Tx, of: OrganizationId, name: &str) -> Result<Option<Deployment>, StoreError> {
    tx.maybe(FIND_BY_NAME, &params![of, name]).await?.as_ref().map(deployment).transpose()
}

/// One of the organization's deployments other than `besides` whose name differs from this one at most in the case of letters.
pub async fn find_alike(
    tx: &mut Tx,
    of: OrganizationId,
    name: &str,
    besides: DeploymentId,
) -> Result<Option<Deployment>, StoreError> {
    let values = params![of, name.to_ascii_lowercase(), besides];
    tx.maybe(FIND_ALIKE, &values).await?.as_ref().map(deployment).transpose()
}

/// The organization's deployment with this id, which nobody deletes until the transaction ends: for whatever is put into it. None when it
/// is gone.
pub async fn enter(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    tx.take_turn(id, Turn::Shared).await?;
    find(tx, of, id).await
}

/// The same by name.
pub async fn enter_by_name(tx: &mut Tx, of: OrganizationId, name: &str) -> Result<Option<Deployment>, StoreError> {
    match find_by_name(tx, of, name).await? {
        Some(named) => enter(tx, of, named.id).await,
        None => Ok(None),
    }
}

/// The same for whoever changes or deletes it: nothing is put into it until the transaction ends.
pub async fn close(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    tx.take_turn(id, Turn::Alone).await?;
    find(tx, of, id).await
}

/// The organization's deployments, by name.
pub async fn list(tx: &mut Tx, of: OrganizationId) -> Result<Vec<Deployment>, StoreError> {
    tx.all(LIST, &params![of]).await?.iter().map(deployment).collect()
}

/// The branch deployments of one, in the order of their ids.
pub async fn branches(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<Vec<Deployment>, StoreError> {
    tx.all(BRANCHES, &params![of, id]).await?.iter().map(deployment).collect()
}

/// How many deployments the organization has.
pub async fn count(tx: &mut Tx, of: OrganizationId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![of]).await?.get("n")
}

/// How many branch deployments the organization has.
pub async fn count_branches(tx: &mut Tx, of: OrganizationId) -> Result<i64, StoreError> {
    tx.one(COUNT_BRANCHES, &params![of]).await?.get("n")
}

/// Writes what people gave a deployment. [`StoreError::UniqueViolation`] when another one has its name.
pub async fn update(tx: &mut Tx, of: OrganizationId, it: &Deployment) -> Result<(), StoreError> {
    let values = params![
        of,
        it.id,
        it.name.as_str(),
        it.description.clone(),
        it.emoji.clone(),
        it.color.clone(),
        it.default_queue,
        it.expires_at,
    ];
    tx.execute(UPDATE, &values).await?;
    remember_name(tx, of, it).await
}

async fn remember_name(tx: &mut Tx, of: OrganizationId, it: &Deployment) -> Result<(), StoreError> {
    if it.parent.is_none() {
        tx.execute(REMEMBER_NAME, &params![of, it.name.as_str()]).await?;
    }
    Ok(())
}

/// Whether a full deployment has this name, or had it before it was renamed or deleted.
pub async fn was_full(tx: &mut Tx, of: OrganizationId, name: &str) -> Result<bool, StoreError> {
    Ok(tx.one(KNOWS_NAME, &params![of, name]).await?.get::<i64>("n")? > 0)
}

/// Deletes a deployment. False when it was gone. Its queues stay until nothing of it is left: one that is paused keeps its jobs back until they
/// are canceled.
pub async fn delete(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(DELETE, &params![of, id, now]).await? == 1)
}

/// Notes that a deleted deployment is looked at now.
pub async fn look(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(LOOK, &params![of, id, now]).await.map(drop)
}

/// The public ids of at most `limit` tokens that stand and name a deployment.
pub async fn named_by(
    tx: &mut Tx,
    of: OrganizationId,
    id: DeploymentId,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    tx.all(NAMED_BY, &params![of, id, limit]).await?.iter().map(|row| row.get("public_id")).collect()
}

/// How much a deployment holds.
pub async fn holds(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<Holds, StoreError> {
    let now = tx.now();
    let row = tx.one(HOLDS, &params![of, id, now, now.minus(RUNNING_FOR)]).await?;
    Ok(Holds {
        builds: row.get("builds")?,
        jobs: row.get("jobs")?,
        agents: row.get("agents")?,
        dagster_agents: row.get("dagster_agents")?,
        tokens: row.get("tokens")?,
    })
}

fn with_organization(rows: &[Row]) -> Result<Vec<(OrganizationId, DeploymentId)>, StoreError> {
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// At most `limit` deployments, of any organization, whose time has come.
pub async fn expired(tx: &mut Tx, limit: i64) -> Result<Vec<(OrganizationId, DeploymentId)>, StoreError> {
    let now = tx.now();
    with_organization(&tx.all(EXPIRED, &params![now, limit]).await?)
}

/// At most `limit` deployments, of any organization, that were deleted and may still hold something.
pub async fn to_clear(tx: &mut Tx, limit: i64) -> Result<Vec<(OrganizationId, DeploymentId)>, StoreError> {
    with_organization(&tx.all(TO_CLEAR, &params![limit]).await?)
}

/// At most `limit` builds of a deployment that have not ended and were not told to.
pub async fn open_builds(
    tx: &mut Tx,
    of: OrganizationId,
    id: DeploymentId,
    limit: i64,
) -> Result<Vec<BuildId>, StoreError> {
    tx.all(OPEN_BUILDS, &params![of, id, limit]).await?.iter().map(|row| row.get("id")).collect()
}

/// At most `limit` tokens that reach this deployment and no other.
pub async fn sole_tokens(
    tx: &mut Tx,
    of: OrganizationId,
    id: DeploymentId,
    limit: i64,
) -> Result<Vec<(TokenId, PublicId)>, StoreError> {
    let rows = tx.all(SOLE_TOKENS, &params![of, id, limit]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.parse("public_id")?))).collect()
}

/// A deleted deployment holds nothing any more: it leaves the scopes of tokens, and is not looked at again once its builds have ended. False
/// while some have not.
pub async fn settle(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<bool, StoreError> {
    tx.execute(DROP_MEMBERSHIPS, &params![of, id]).await?;
    if tx.one(UNFINISHED, &params![of, id]).await?.get::<i64>("n")? > 0 {
        return Ok(false);
    }
    tx.execute(DROP_QUEUES, &params![of, id]).await?;
    dagster_requests::remove_of_deployment(tx, of, id).await?;
    code_locations::remove_of_deployment(tx, of, id).await?;
    let now = tx.now();
    Ok(tx.execute(SET_CLEARED, &params![of, id, now]).await? == 1)
}
