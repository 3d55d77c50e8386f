//! Refused attempts with values whose secret verified: counted by token, reason and address, written behind.

use std::collections::BTreeSet;

use countersign_domain::id::{OrganizationId, TokenId, UserId};
use countersign_domain::{Kind, PublicId, Refusal, Timestamp};

use crate::tokens::kind;
use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// Adds to a count.
    ADD = "INSERT INTO refusals (organization_id, token_id, public_id, reason, ip, count, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (organization_id, public_id, reason, ip) DO UPDATE SET count = refusals.count + excluded.count, last_at = excluded.last_at";
    /// A token's refused attempts, newest first.
    OF_TOKEN = "SELECT token_id, public_id, reason, ip, count, first_at, last_at FROM refusals
           WHERE organization_id = $1 AND token_id = $2 ORDER BY last_at DESC LIMIT $3";
    /// The organization's refused attempts by token and reason, those first of which the last is the newest, among $3 that are counted apart. Several
    /// may be the last of one token and reason.
    NEWEST = "SELECT r.token_id, r.public_id, r.reason, r.ip, g.n AS count, g.first_at, r.last_at, t.kind, t.user_id, t.description
           FROM (SELECT token_id, reason, CAST(SUM(count) AS BIGINT) AS n, MIN(first_at) AS first_at, MAX(last_at) AS last_at
             FROM (SELECT token_id, reason, count, first_at, last_at FROM refusals WHERE organization_id = $1 ORDER BY last_at DESC LIMIT $3) newest
             GROUP BY token_id, reason ORDER BY MAX(last_at) DESC LIMIT $2) g
           JOIN refusals r ON r.organization_id = $1 AND r.token_id = g.token_id AND r.reason = g.reason AND r.last_at = g.last_at
           JOIN tokens t ON t.id = r.token_id AND t.organization_id = $1
           ORDER BY r.last_at DESC, r.token_id, r.reason, r.public_id, r.ip";
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

/// Attempts with one token for one reason, whatever value of it and from wherever: of a fleet of agents that went silent it is one, not one for each.
#[derive(Debug, Clone)]
pub struct Summed {
    /// All of them, with the value and the address of the last.
    pub refused: Refused,
    /// Of what kind the token is.
    pub kind: Kind,
    /// Whose it is, for a user token.
    pub owner: Option<UserId>,
    /// What the token is described as.
    pub description: Option<String>,
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

/// At most `limit` of the organization's refused attempts by token and reason, newest first, among the newest `within` counts.
pub async fn newest(tx: &mut Tx, of: OrganizationId, within: i64, limit: i64) -> Result<Vec<Summed>, StoreError> {
    let mut all: Vec<Summed> =
        tx.all(NEWEST, &params![of, limit, within]).await?.iter().map(summed).collect::<Result<_, _>>()?;
    // Attempts of one moment are written together, and several can be the last.
    let mut seen = BTreeSet::new();
    all.retain(|it| seen.insert((it.refused.token, it.refused.reason.as_str())));
    Ok(all)
}

fn summed(row: &Row) -> Result<Summed, StoreError> {
    Ok(Summed {
        refused: refused(row)?,
        kind: kind(row)?,
        owner: row.get("user_id")?,
        description: row.get("description")?,
    })
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
