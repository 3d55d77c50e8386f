//! Searching agent tokens, each with what a list says of it beside the token: who made it, and how many agents use it.

use countersign_domain::id::{OrganizationId, TokenId, UserId};
use countersign_domain::{Kind, Timestamp};

use crate::{Row, StoreError, Tx, params, statements};

use super::managed::{grants, managed};
use super::{Token, columns, token};

/// $1: the organization. $2: the kind. $3: the id to go on from. $4: revoked ones too. $5: those too that were not revoked. $6: only those that
/// have not expired. $7: now. $8: only those that expire before $9. $10: only those that were not used since $11. $12: only those whose
/// description or public id is like $13. $14: at the most. $15: agents of Dagster+ run that were heard since.
macro_rules! found {
    ($($more:tt)*) => {
        concat!(
            "SELECT ",
            columns!(),
            ", u.name AS creator_name,
              (SELECT COUNT(*) FROM agents a WHERE a.token_id = t.id AND a.state IN ('connected', 'stopping')) AS agents,
              (SELECT COUNT(*) FROM dagster_agents d WHERE d.token_id = t.id AND d.heartbeat_at >= $15) AS dagster_agents
              FROM tokens t LEFT JOIN users u ON u.id = t.created_by
              WHERE t.organization_id = $1 AND t.kind = $2 AND t.id < $3
              AND ((t.revoked_at IS NOT NULL AND $4) OR (t.revoked_at IS NULL AND $5))
              AND (NOT $6 OR t.expires_at IS NULL OR t.expires_at > $7)
              AND (NOT $8 OR t.expires_at < $9)
              AND (NOT $10 OR COALESCE(t.last_used_at, t.created_at) < $11)
              AND (NOT $12 OR LOWER(COALESCE(t.description, '')) LIKE $13
                OR EXISTS (SELECT 1 FROM token_secrets s WHERE s.token_id = t.id AND LOWER(s.public_id) LIKE $13))",
            $($more)*
            " ORDER BY t.id DESC LIMIT $14"
        )
    };
}

statements! {
    /// A page of those that are wanted, newest first.
    SEARCH = found!();
    /// The same of those that a member manages by a role in deployments. $16: the member.
    SEARCH_MANAGED = found!(managed!("$16"),);
}

/// Which agent tokens are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Revoked ones: only those, or none of them; nothing said: both.
    pub revoked: Option<bool>,
    /// Only those that have not expired.
    pub unexpired: bool,
    /// Only those that expire before this time.
    pub expiring_before: Option<Timestamp>,
    /// Only those that were neither made nor used since this time.
    pub unused_since: Option<Timestamp>,
    /// Only those whose description or public id holds this text, in any case of the letters A to Z.
    pub text: Option<String>,
}

impl Wanted {
    fn pattern(&self) -> String {
        let text = self.text.as_deref().unwrap_or_default().to_ascii_lowercase();
        // LIKE's own signs would widen the search to everything; as `_` each stands for any one character.
        format!("%{}%", text.replace(['%', '_', '\\'], "_"))
    }
}

/// An agent token as a list has it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The token.
    pub token: Token,
    /// The name of whoever made it; none for the default token.
    pub creator: Option<String>,
    /// Its connected agents.
    pub agents: i64,
    /// Its Dagster+ agents that run.
    pub dagster_agents: i64,
}

fn listed(row: &Row) -> Result<Listed, StoreError> {
    Ok(Listed {
        token: token(row)?,
        creator: row.get("creator_name")?,
        agents: row.get("agents")?,
        dagster_agents: row.get("dagster_agents")?,
    })
}

/// At most `limit` of the organization's agent tokens below `after` that are wanted, newest first; with a member, of those that they manage.
/// Dagster+ agents run that were heard since `heard_since`.
pub async fn search(
    tx: &mut Tx,
    of: OrganizationId,
    managed_by: Option<UserId>,
    wanted: &Wanted,
    heard_since: Timestamp,
    after: TokenId,
    limit: i64,
) -> Result<Vec<Listed>, StoreError> {
    let now = tx.now();
    let mut values = Vec::from(params![
        of,
        Kind::AgentToken.code(),
        after,
        wanted.revoked != Some(false),
        wanted.revoked != Some(true),
        wanted.unexpired,
        now,
        wanted.expiring_before.is_some(),
        wanted.expiring_before.unwrap_or(Timestamp::EPOCH),
        wanted.unused_since.is_some(),
        wanted.unused_since.unwrap_or(Timestamp::EPOCH),
        wanted.text.is_some(),
        wanted.pattern(),
        limit,
        heard_since,
    ]);
    let sql = match managed_by {
        None => SEARCH,
        Some(user) => {
            values.extend(params![user]);
            SEARCH_MANAGED
        }
    };
    tx.all(sql, &values).await?.iter().map(listed).collect()
}
