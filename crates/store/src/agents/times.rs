//! When agents were there.

use countersign_domain::Timestamp;
use countersign_domain::id::OrganizationId;

use crate::{StoreError, Tx, params, statements};

statements! {
    /// From when until when the organization's agents were connected that were so since a moment, the newest first.
    SINCE = "SELECT connected_at, COALESCE(disconnected_at, lost_at) AS gone_at FROM agents
             WHERE organization_id = $1 AND connected_at IS NOT NULL
               AND (COALESCE(disconnected_at, lost_at) IS NULL OR COALESCE(disconnected_at, lost_at) >= $2)
             ORDER BY id DESC LIMIT $3";
}

/// When an agent was connected: from when, and until when where that is over.
pub type Stay = (Timestamp, Option<Timestamp>);

/// At most `limit` stays of the organization's agents that reach beyond a moment, the newest first.
pub async fn since(tx: &mut Tx, of: OrganizationId, moment: Timestamp, limit: i64) -> Result<Vec<Stay>, StoreError> {
    let rows = tx.all(SINCE, &params![of, moment, limit]).await?;
    rows.iter().map(|row| Ok((row.get("connected_at")?, row.get("gone_at")?))).collect()
}
