//! Searching agent tokens, each with what a list says of it beside the token: who made it, and how many agents use it.

use countersign_domain::id::{OrganizationId, TokenId, UserId};
use countersign_domain::{Kind, PublicId, Timestamp};

use crate::{IntoValue, Row, StoreError, Tx, params, statements};

use super::managed::{grants, managed};
use super::{Token, columns, token};

/// $1: the organization. $2: the kind. $3: the id to go on from. $4: at the most. $5: agents of Dagster+ run that were heard since. $6, $7: the lowest
/// and the highest id. $8: among how many of those that are selected the description is looked at. $9: what it is like. What is selected may take
/// more from $10 on.
macro_rules! found {
    ($($selected:tt)*) => {
        concat!(
            "SELECT ",
            columns!(),
            ", u.name AS creator_name,
              (SELECT COUNT(*) FROM agents a WHERE a.token_id = t.id AND a.state IN ('connected', 'stopping')) AS agents,
              (SELECT COUNT(*) FROM dagster_agents d WHERE d.token_id = t.id AND d.heartbeat_at >= $5) AS dagster_agents
              FROM (SELECT t.id AS selected_id FROM tokens t WHERE t.organization_id = $1 AND t.kind = $2 AND t.id < $3
                AND t.id >= $6 AND t.id <= $7",
            $($selected)*
            " ORDER BY t.id DESC LIMIT $8) f JOIN tokens t ON t.id = f.selected_id LEFT JOIN users u ON u.id = t.created_by
              WHERE LOWER(COALESCE(t.description, '')) LIKE $9 ORDER BY t.id DESC LIMIT $4"
        )
    };
}

/// Those that are accepted at $10.
macro_rules! live {
    () => {
        " AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $10)"
    };
}

/// Those of them whose time runs out before $11.
macro_rules! expiring {
    () => {
        " AND t.revoked_at IS NULL AND t.expires_at > $10 AND t.expires_at < $11"
    };
}

/// Those that are accepted at $10 and were neither made nor used since $11.
macro_rules! unused {
    () => {
        concat!(live!(), " AND COALESCE(t.last_used_at, t.created_at) < $11")
    };
}

statements! {
    /// A page of all, newest first.
    EVERY = found!();
    /// The same of those that a member manages by a role in deployments. $10: the member.
    EVERY_MANAGED = found!(managed!("$10"),);
    /// Of those that are accepted.
    LIVE = found!(live!(),);
    /// The same of those that a member manages. $11: the member.
    LIVE_MANAGED = found!(live!(), managed!("$11"),);
    /// Of those whose time runs out.
    EXPIRING = found!(expiring!(),);
    /// The same of those that a member manages. $12: the member.
    EXPIRING_MANAGED = found!(expiring!(), managed!("$12"),);
    /// Of those that nobody uses.
    UNUSED = found!(unused!(),);
    /// The same of those that a member manages. $12: the member.
    UNUSED_MANAGED = found!(unused!(), managed!("$12"),);
    /// Of those that were taken back.
    REVOKED = found!(" AND t.revoked_at IS NOT NULL",);
    /// The same of those that a member manages. $10: the member.
    REVOKED_MANAGED = found!(" AND t.revoked_at IS NOT NULL", managed!("$10"),);
}

/// Among which agent tokens.
#[derive(Debug, Clone, Copy, Default)]
pub enum Among {
    /// All.
    #[default]
    All,
    /// Those that were not revoked and have not expired.
    Live,
    /// Those of them that expire before this time.
    Expiring(Timestamp),
    /// Those of them that were neither made nor used since this time.
    Unused(Timestamp),
    /// Those that were revoked.
    Revoked,
}

/// Which agent tokens are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Among which.
    pub among: Among,
    /// Only the one whose public id, or the public id of one of whose values, this is; when it is none, only those whose description holds this text,
    /// in any case of the letters A to Z.
    pub text: Option<String>,
    /// Among how many of the newest, from where the page begins, descriptions are looked at; 1 or more.
    pub within: i64,
}

fn pattern(text: &str) -> String {
    // LIKE's own signs would widen the search to everything; as `_` each stands for any one character.
    format!("%{}%", text.to_ascii_lowercase().replace(['%', '_', '\\'], "_"))
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
    let text = wanted.text.as_deref();
    let only = match text.map(str::parse::<PublicId>) {
        Some(Ok(id)) => super::find_by_public_id(tx, of, &id).await?.map(|it| it.id),
        _ => None,
    };
    let (lowest, highest) = only.map_or((TokenId::nil(), TokenId::last()), |id| (id, id));
    let text = text.filter(|_| only.is_none());
    // Without a text nothing that is selected is left out.
    let within = if text.is_some() { wanted.within.max(limit) } else { limit };
    let mut values = Vec::from(params![
        of,
        Kind::AgentToken.code(),
        after,
        limit,
        heard_since,
        lowest,
        highest,
        within,
        pattern(text.unwrap_or_default()),
    ]);
    let (all, managed) = match wanted.among {
        Among::All => (EVERY, EVERY_MANAGED),
        Among::Revoked => (REVOKED, REVOKED_MANAGED),
        Among::Live => {
            values.extend(params![now]);
            (LIVE, LIVE_MANAGED)
        }
        Among::Expiring(before) => {
            values.extend(params![now, before]);
            (EXPIRING, EXPIRING_MANAGED)
        }
        Among::Unused(since) => {
            values.extend(params![now, since]);
            (UNUSED, UNUSED_MANAGED)
        }
    };
    values.extend(managed_by.map(IntoValue::into_value));
    let sql = if managed_by.is_some() { managed } else { all };
    tx.all(sql, &values).await?.iter().map(listed).collect()
}
