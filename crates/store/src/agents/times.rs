//! When agents were there.

use countersign_domain::Timestamp;
use countersign_domain::id::{OrganizationId, TokenId};

use crate::{StoreError, Tx, params, statements};

statements! {
    /// From when until when the organization's agents were connected that were so since a moment. Of those that are gone only these are looked at, on an
    /// index of their own: where agents come and go with each job, many times as many are kept.
    SINCE = "SELECT connected_at, NULL AS gone_at FROM agents
             WHERE organization_id = $1 AND state IN ('connected', 'stopping') AND connected_at IS NOT NULL
             UNION ALL
             SELECT connected_at, COALESCE(disconnected_at, lost_at) AS gone_at FROM agents
             WHERE organization_id = $1 AND (disconnected_at IS NOT NULL OR lost_at IS NOT NULL)
               AND COALESCE(disconnected_at, lost_at) >= $2 AND connected_at IS NOT NULL LIMIT $3";
    /// When agents of either protocol came with a token since a moment, the last ones first.
    CAME_WITH = "SELECT created_at FROM agents WHERE organization_id = $1 AND token_id = $2 AND created_at >= $3
             UNION ALL
             SELECT created_at FROM dagster_agents WHERE organization_id = $1 AND token_id = $2 AND created_at >= $3
             ORDER BY created_at DESC LIMIT $4";
}

/// When an agent was connected: from when, and until when where that is over.
pub type Stay = (Timestamp, Option<Timestamp>);

/// At most `limit` stays of the organization's agents that reach beyond a moment, those that go on first.
pub async fn since(tx: &mut Tx, of: OrganizationId, moment: Timestamp, limit: i64) -> Result<Vec<Stay>, StoreError> {
    let rows = tx.all(SINCE, &params![of, moment, limit]).await?;
    rows.iter().map(|row| Ok((row.get("connected_at")?, row.get("gone_at")?))).collect()
}

/// When at most `limit` agents of either protocol came with a token since a moment, the last ones first.
pub async fn came_with(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    moment: Timestamp,
    limit: i64,
) -> Result<Vec<Timestamp>, StoreError> {
    tx.all(CAME_WITH, &params![of, token, moment, limit]).await?.iter().map(|row| row.get("created_at")).collect()
}
