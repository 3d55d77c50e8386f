//! When agents were there.

use countersign_domain::Timestamp;
use countersign_domain::id::{OrganizationId, TokenId};

use crate::{StoreError, Tx, params, statements};

/// Which of the moments $2, $2 + $4 and so on is the first that does not lie before a time.
macro_rules! moment {
    ($at:literal) => {
        concat!("CASE WHEN ", $at, " <= $2 THEN 0 ELSE (", $at, " - $2 + $4 - 1) / $4 END")
    };
}

statements! {
    /// Between which moments how many of the organization's agents were connected that were so at the first or since. Of those that are gone only these are
    /// looked at, on an index of their own: where agents come and go with each job, many times as many are kept. They are added up here, for there are
    /// thousands of them, and few moments.
    STAYS = concat!("SELECT s.came, s.gone, COUNT(*) AS n FROM (
             SELECT ", moment!("connected_at"), " AS came, NULL AS gone FROM agents
             WHERE organization_id = $1 AND state IN ('connected', 'stopping') AND connected_at IS NOT NULL
             UNION ALL
             SELECT ", moment!("connected_at"), " AS came, ", moment!("COALESCE(disconnected_at, lost_at)"), " AS gone FROM agents
             WHERE organization_id = $1 AND (disconnected_at IS NOT NULL OR lost_at IS NOT NULL)
               AND COALESCE(disconnected_at, lost_at) >= $2 AND connected_at IS NOT NULL LIMIT $3) s GROUP BY s.came, s.gone");
    /// When agents of either protocol came with a token since a moment, the last ones first.
    CAME_WITH = "SELECT created_at FROM agents WHERE organization_id = $1 AND token_id = $2 AND created_at >= $3
             UNION ALL
             SELECT created_at FROM dagster_agents WHERE organization_id = $1 AND token_id = $2 AND created_at >= $3
             ORDER BY created_at DESC LIMIT $4";
}

/// Agents that came between the same two moments, and went so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stays {
    /// At which moment, from 0, they were there first.
    pub came: i64,
    /// At which they were there no more; none where they still are.
    pub gone: Option<i64>,
    /// How many.
    pub count: i64,
}

/// At most `limit` of the organization's agents that were connected at `first` or since, those that still are before others, added up by the moments
/// between which they were there: `first`, and each one `step` microseconds behind the one before.
pub async fn stays(
    tx: &mut Tx,
    of: OrganizationId,
    first: Timestamp,
    step: i64,
    limit: i64,
) -> Result<Vec<Stays>, StoreError> {
    let rows = tx.all(STAYS, &params![of, first, limit, step]).await?;
    rows.iter().map(|row| Ok(Stays { came: row.get("came")?, gone: row.get("gone")?, count: row.get("n")? })).collect()
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
