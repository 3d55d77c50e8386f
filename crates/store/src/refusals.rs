//! Refused attempts with values whose secret verified: counted by token, reason and address, written behind.

use countersign_domain::id::{OrganizationId, TokenId};
use countersign_domain::{PublicId, Refusal, Timestamp};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// Adds to a count.
    ADD = "INSERT INTO refusals (organization_id, token_id, public_id, reason, ip, count, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (organization_id, public_id, reason, ip) DO UPDATE SET count = refusals.count + excluded.count, last_at = excluded.last_at";
    /// A token's refused attempts, newest first.
    OF_TOKEN = "SELECT token_id, public_id, reason, ip, count, first_at, last_at FROM refusals
           WHERE organization_id = $1 AND token_id = $2 ORDER BY last_at DESC LIMIT $3";
    /// The organization's refused attempts, newest first.
    NEWEST = "SELECT token_id, public_id, reason, ip, count, first_at, last_at FROM refusals
           WHERE organization_id = $1 ORDER BY last_at DESC LIMIT $2";
}

/// Attempts with one token, for one reason, from one address.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The token.
    pub token: TokenId,
    /// The public id of the secret that was shown.
    pub public_id: PublicId,
    /// Why it was refused.
    pub reason: Refusal,
    /// From where.
    pub ip: String,
    /// How often.
    pub count: i64,
    /// When first.
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
}

/// Adds attempts to their count.
pub async fn add(tx: &mut Tx, of: OrganizationId, new: &Refused) -> Result<(), StoreError> {
    let values = params![
        of,
        new.token,
        new.public_id.as_str(),
        new.reason.as_str(),
        new.ip.as_str(),
        new.count,
        new.first_at,
        new.last_at,
    ];
    tx.execute(ADD, &values).await.map(drop)
}

/// At most `limit` counts of a token's refused attempts, newest first.
pub async fn of_token(tx: &mut Tx, of: OrganizationId, token: TokenId, limit: i64) -> Result<Vec<Refused>, StoreError> {
    tx.all(OF_TOKEN, &params![of, token, limit]).await?.iter().map(refused).collect()
}

/// At most `limit` counts of the organization's refused attempts, newest first.
pub async fn newest(tx: &mut Tx, of: OrganizationId, limit: i64) -> Result<Vec<Refused>, StoreError> {
    tx.all(NEWEST, &params![of, limit]).await?.iter().map(refused).collect()
}

fn refused(row: &Row) -> Result<Refused, StoreError> {
    Ok(Refused {
        token: row.get("token_id")?,
        public_id: row.parse("public_id")?,
        reason: row.parse("reason")?,
        ip: row.get("ip")?,
        count: row.get("count")?,
        first_at: row.get("first_at")?,
        last_at: row.get("last_at")?,
    })
}
