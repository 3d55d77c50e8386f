//! Runs that end by other means than an event: their token, their deployment or their agent is gone. No more of a run is read for it than its id.

use countersign_domain::Timestamp;
use countersign_domain::dagster::{LostBecause, RUN_SILENT_FOR, RUN_STARTS_WITHIN, RUNNING_FOR, RunStatus};
use countersign_domain::id::{DagsterRunId, DeploymentId, OrganizationId, TokenId};
use countersign_domain::text::QueueName;

use crate::{Row, StoreError, Tx, params, statements};

/// Whether the token `t` reaches the deployment `d` of the run `r`.
macro_rules! is_there {
    () => {
        "(t.every_deployment OR (t.all_branches AND d.parent_id IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM token_deployments m WHERE m.token_id = t.id AND m.deployment_id = r.deployment_id))"
    };
}

/// Runs whose token does not reach their deployment, or their queue. $3: how scopes call the queue without a name.
macro_rules! outside {
    () => {
        concat!("SELECT r.organization_id, r.id, ", is_there!(), " AS is_there FROM dagster_runs r JOIN tokens t ON t.id = r.taken_by
              JOIN deployments d ON d.id = r.deployment_id
              WHERE r.ended_at IS NULL AND NOT (", is_there!(), " AND (t.any_queue
                 OR EXISTS (SELECT 1 FROM token_queues w WHERE w.token_id = t.id AND w.queue = COALESCE(r.queue, $3))))")
    };
}

statements! {
    /// Those that a token took and that have not ended. $3: at the most.
    OF_TOKEN = "SELECT id FROM dagster_runs WHERE organization_id = $1 AND taken_by = $2 AND ended_at IS NULL ORDER BY id LIMIT $3";
    /// Those of them that the token does not reach. $4: at the most.
    OUTSIDE_OF_TOKEN = concat!(outside!(), " AND r.organization_id = $1 AND r.taken_by = $2 ORDER BY r.id LIMIT $4");
    /// Those of a deployment that have not ended. $3: at the most.
    OF_DEPLOYMENT = "SELECT id FROM dagster_runs WHERE organization_id = $1 AND deployment_id = $2 AND ended_at IS NULL ORDER BY id LIMIT $3";
    /// One ends that has not. $6: now.
    LOSE = "UPDATE dagster_runs SET status = $3, reason = $4, ended_at = $5, updated_at = $6
              WHERE organization_id = $1 AND id = $2 AND ended_at IS NULL RETURNING job, location";
    /// Those whose token is gone. $1 and $2: from which to which, $3: now, $4: at the most.
    TOKEN_GONE = "SELECT r.organization_id, r.id, t.revoked_at, t.expires_at FROM dagster_runs r JOIN tokens t ON t.id = r.taken_by
              WHERE r.ended_at IS NULL AND r.id >= $1 AND r.id <= $2 AND (t.revoked_at IS NOT NULL OR t.expires_at <= $3) ORDER BY r.id LIMIT $4";
    /// Those whose deployment is gone. $1 and $2: from which to which, $3: at the most.
    DEPLOYMENT_GONE = "SELECT r.organization_id, r.id, d.deleted_at FROM dagster_runs r JOIN deployments d ON d.id = r.deployment_id
              WHERE r.ended_at IS NULL AND r.id >= $1 AND r.id <= $2 AND d.deleted_at IS NOT NULL ORDER BY r.id LIMIT $3";
    /// Those that their token does not reach. $1 and $2: from which to which, $4: at the most.
    OUTSIDE = concat!(outside!(), " AND r.id >= $1 AND r.id <= $2 ORDER BY r.id LIMIT $4");
    /// Those that nobody started: the request to do so is over, and nothing was heard of them. While an agent of their token is heard, which may
    /// still be at it, they have longer. $1 and $2: from which to which, $3: since when an agent is heard, $4: before when they were taken that had
    /// longer, $5: at the most.
    NOBODYS = "SELECT r.organization_id, r.id, q.offers FROM dagster_runs r JOIN dagster_requests q ON q.run_id = r.id
              WHERE r.ended_at IS NULL AND r.events = 0 AND r.id >= $1 AND r.id <= $2
              AND q.kind = 'LAUNCH_RUN' AND q.ended_at IS NOT NULL AND q.answer IS NULL AND (q.offers = 0 OR r.taken_at <= $4
                 OR NOT EXISTS (SELECT 1 FROM dagster_agents a WHERE a.token_id = r.taken_by AND a.heartbeat_at > $3))
              ORDER BY r.id LIMIT $5";
    /// Those of which nothing was heard for long, nor of an agent of their token. $1 and $2: from which to which, $3: since when an agent is heard,
    /// $4: before when the run was, $5: at the most.
    SILENT = "SELECT r.organization_id, r.id FROM dagster_runs r
              WHERE r.ended_at IS NULL AND r.id >= $1 AND r.id <= $2 AND r.taken_by IS NOT NULL AND r.updated_at <= $4
              AND NOT EXISTS (SELECT 1 FROM dagster_agents a WHERE a.token_id = r.taken_by AND a.heartbeat_at > $3)
              ORDER BY r.id LIMIT $5";
}

/// At most `limit` that a token took and that have not ended.
pub async fn of_token(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    limit: i64,
) -> Result<Vec<DagsterRunId>, StoreError> {
    tx.all(OF_TOKEN, &params![of, token, limit]).await?.iter().map(|row| row.get("id")).collect()
}

/// At most `limit` of them whose deployment or queue the token does not reach, as it is now, and which of both.
pub async fn outside_of_token(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    limit: i64,
) -> Result<Vec<(DagsterRunId, LostBecause)>, StoreError> {
    let default = QueueName::default();
    let rows = tx.all(OUTSIDE_OF_TOKEN, &params![of, token, default.as_str(), limit]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, why_outside(row)?))).collect()
}

fn why_outside(row: &Row) -> Result<LostBecause, StoreError> {
    Ok(if row.get("is_there")? { LostBecause::OtherQueue } else { LostBecause::Narrowed })
}

/// At most `limit` of a deployment that have not ended.
pub async fn of_deployment(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    limit: i64,
) -> Result<Vec<DagsterRunId>, StoreError> {
    tx.all(OF_DEPLOYMENT, &params![of, deployment, limit]).await?.iter().map(|row| row.get("id")).collect()
}

/// Ends a run of which nothing more can be heard; its job and its code location, or none when it had ended.
pub async fn lose(
    tx: &mut Tx,
    of: OrganizationId,
    id: DagsterRunId,
    why: LostBecause,
    at: Timestamp,
) -> Result<Option<(String, String)>, StoreError> {
    let now = tx.now();
    let values = params![of, id, RunStatus::Lost.as_str(), why.words(), at, now];
    let Some(row) = tx.maybe(LOSE, &values).await? else { return Ok(None) };
    Ok(Some((row.get("job")?, row.get("location")?)))
}

/// A run of which nothing more is heard: why, and since when.
pub type Unheard = (OrganizationId, DagsterRunId, LostBecause, Timestamp);

/// At most `limit` of each sort, of any organization.
pub async fn unheard(tx: &mut Tx, limit: i64) -> Result<Vec<Unheard>, StoreError> {
    let (first, last) = (DagsterRunId::nil(), DagsterRunId::from_bytes([u8::MAX; 16]));
    between(tx, first, last, limit).await
}

/// Whether nothing more is heard of this one.
pub async fn is_unheard(tx: &mut Tx, id: DagsterRunId) -> Result<Option<Unheard>, StoreError> {
    Ok(between(tx, id, id, 1).await?.into_iter().next())
}

async fn between(tx: &mut Tx, first: DagsterRunId, last: DagsterRunId, limit: i64) -> Result<Vec<Unheard>, StoreError> {
    let now = tx.now();
    let mut found = Vec::new();
    for row in tx.all(TOKEN_GONE, &params![first, last, now, limit]).await? {
        let (revoked, expires): (Option<Timestamp>, Option<Timestamp>) =
            (row.get("revoked_at")?, row.get("expires_at")?);
        let (why, at) = match (revoked, expires) {
            (Some(at), _) => (LostBecause::Revoked, at),
            (None, at) => (LostBecause::Expired, at.unwrap_or(now)),
        };
        found.push((row.get("organization_id")?, row.get("id")?, why, at));
    }
    for row in tx.all(DEPLOYMENT_GONE, &params![first, last, limit]).await? {
        let at = row.get("deleted_at")?;
        found.push((row.get("organization_id")?, row.get("id")?, LostBecause::Deleted, at));
    }
    let default = QueueName::default();
    for row in tx.all(OUTSIDE, &params![first, last, default.as_str(), limit]).await? {
        found.push((row.get("organization_id")?, row.get("id")?, why_outside(&row)?, now));
    }
    let (heard, taken) = (now.minus(RUNNING_FOR), now.minus(RUN_STARTS_WITHIN));
    for row in tx.all(NOBODYS, &params![first, last, heard, taken, limit]).await? {
        let why = if row.get::<i64>("offers")? == 0 { LostBecause::NotTaken } else { LostBecause::NotStarted };
        found.push((row.get("organization_id")?, row.get("id")?, why, now));
    }
    let silent = now.minus(RUN_SILENT_FOR);
    for row in tx.all(SILENT, &params![first, last, heard, silent, limit]).await? {
        found.push((row.get("organization_id")?, row.get("id")?, LostBecause::Silent, now));
    }
    Ok(found)
}
