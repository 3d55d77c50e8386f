//! Searching agent tokens, each with what a list says of it beside the token: who made it, and how many agents use it.

use countersign_domain::id::{OrganizationId, TokenId, UserId};
use countersign_domain::{Kind, PublicId, Timestamp};

use crate::{IntoValue, Row, Sql, StoreError, Tx, Value, like, params, statements};

use super::managed::{grants, managed};
use super::{Token, columns, token};

/// Tokens among which is looked: of one organization ($1) and kind ($2), those behind the one of $3. What is selected may take more.
macro_rules! some {
    ($columns:literal, $($selected:tt)*) => {
        concat!("SELECT ", $columns, " FROM tokens t WHERE t.organization_id = $1 AND t.kind = $2", $($selected)*)
    };
}

/// $4: among how many of those that are selected is looked, from $3 on. $5: at the most. $6: agents of Dagster+ run that were heard since. $7, $8: the
/// lowest and the highest id. $9: what the description is like. What is selected may take more from $10 on.
///
/// How far is looked has an end before any row is left out, so that no search walks over an organization that has made tokens for years.
macro_rules! found {
    ([$($selected:tt)*], [$($left:tt)*], $order:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", u.name AS creator_name, u.email AS creator_email, u.is_service AS creator_is_service,
              (SELECT COUNT(*) FROM agents a WHERE a.token_id = t.id AND a.state IN ('connected', 'stopping')) AS agents,
              (SELECT COUNT(*) FROM dagster_agents d WHERE d.token_id = t.id AND d.heartbeat_at >= $6) AS dagster_agents
              FROM (SELECT t.id AS selected_id FROM (",
            some!("t.id, t.description, t.every_deployment, t.all_branches, t.expires_at, t.last_used_at, t.created_at",
                " AND t.id >= $7 AND t.id <= $8", $($selected)*),
            " ORDER BY ", $order, " LIMIT $4) t WHERE LOWER(COALESCE(t.description, '')) LIKE $9 ESCAPE '!'",
            $($left)*
            " ORDER BY ", $order, " LIMIT $5) f JOIN tokens t ON t.id = f.selected_id LEFT JOIN users u ON u.id = t.created_by
              ORDER BY ", $order
        )
    };
}

/// The last of those among which is looked. $4: how many are before it.
macro_rules! last {
    ([$($selected:tt)*], $order:literal) => {
        concat!(some!("t.id", $($selected)*), " ORDER BY ", $order, " LIMIT 1 OFFSET $4")
    };
}

/// Those that were made before the one of $3.
macro_rules! before {
    () => {
        " AND t.id < $3"
    };
}

/// Those that are accepted at a time.
macro_rules! live {
    ($now:literal) => {
        concat!(" AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ", $now, ")")
    };
}

/// Those that are accepted at a time and end before another, behind the one of $3, which ends at a third.
macro_rules! expiring {
    ($now:literal, $before:literal, $end:literal) => {
        concat!(
            " AND t.revoked_at IS NULL AND t.expires_at > ",
            $now,
            " AND t.expires_at < ",
            $before,
            " AND t.expires_at >= ",
            $end,
            " AND (t.expires_at > ",
            $end,
            " OR t.id > $3)"
        )
    };
}

/// Those that were neither made nor used since $11.
macro_rules! unused {
    () => {
        " AND COALESCE(t.last_used_at, t.created_at) < $11"
    };
}

statements! {
    /// A page of all, newest first.
    EVERY = found!([before!(),], [], "t.id DESC");
    /// The same of those that a member manages by a role in deployments. $10: the member.
    EVERY_MANAGED = found!([before!(),], [managed!("$10"),], "t.id DESC");
    /// The last that is looked at.
    EVERY_LAST = last!([before!(),], "t.id DESC");
    /// Of those that are accepted, newest first. $10: now.
    LIVE = found!([before!(), live!("$10"),], [], "t.id DESC");
    /// The same of those that a member manages. $11: the member.
    LIVE_MANAGED = found!([before!(), live!("$10"),], [managed!("$11"),], "t.id DESC");
    /// The last that is looked at. $5: now.
    LIVE_LAST = last!([before!(), live!("$5"),], "t.id DESC");
    /// Of those whose time runs out, by when it does. $10: now. $11: until when. $12: when that of the one of $3 does.
    EXPIRING = found!([expiring!("$10", "$11", "$12"),], [], "t.expires_at, t.id");
    /// The same of those that a member manages. $13: the member.
    EXPIRING_MANAGED = found!([expiring!("$10", "$11", "$12"),], [managed!("$13"),], "t.expires_at, t.id");
    /// The last that is looked at. $5: now. $6: until when. $7: when the time of the one of $3 runs out.
    EXPIRING_LAST = last!([expiring!("$5", "$6", "$7"),], "t.expires_at, t.id");
    /// Of those that nobody uses, the oldest first: they are found where they are. $10: now.
    UNUSED = found!([" AND t.id > $3", live!("$10"),], [unused!(),], "t.id");
    /// The same of those that a member manages. $12: the member.
    UNUSED_MANAGED = found!([" AND t.id > $3", live!("$10"),], [unused!(), managed!("$12"),], "t.id");
    /// The last that is looked at. $5: now.
    UNUSED_LAST = last!([" AND t.id > $3", live!("$5"),], "t.id");
    /// Of those that were taken back, newest first.
    REVOKED = found!([before!(), " AND t.revoked_at IS NOT NULL",], [], "t.id DESC");
    /// The same of those that a member manages. $10: the member.
    REVOKED_MANAGED = found!([before!(), " AND t.revoked_at IS NOT NULL",], [managed!("$10"),], "t.id DESC");
    /// The last that is looked at.
    REVOKED_LAST = last!([before!(), " AND t.revoked_at IS NOT NULL",], "t.id DESC");
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
    /// Among how many, from where the page begins, is looked where not all that are selected are wanted; 1 or more.
    pub within: i64,
}

/// Whoever made a token, as much as tells them from others.
#[derive(Debug, Clone)]
pub struct Creator {
    /// What they call themself, which others may, too.
    pub name: String,
    /// Their address, which nobody else has.
    pub email: String,
    /// Whether they are a service user.
    pub is_service: bool,
}

fn creator(row: &Row) -> Result<Option<Creator>, StoreError> {
    let Some(name) = row.get("creator_name")? else { return Ok(None) };
    Ok(Some(Creator { name, email: row.get("creator_email")?, is_service: row.get("creator_is_service")? }))
}

/// An agent token as a list has it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The token.
    pub token: Token,
    /// Whoever made it; none for the default token.
    pub creator: Option<Creator>,
    /// Its connected agents.
    pub agents: i64,
    /// Its Dagster+ agents that run.
    pub dagster_agents: i64,
}

fn listed(row: &Row) -> Result<Listed, StoreError> {
    Ok(Listed {
        token: token(row)?,
        creator: creator(row)?,
        agents: row.get("agents")?,
        dagster_agents: row.get("dagster_agents")?,
    })
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Searched {
    /// The tokens.
    pub rows: Vec<Listed>,
    /// The last token that was looked at, where not all were. What is wanted may lie behind it.
    pub last: Option<TokenId>,
}

/// Which statements look, and what they take beside what all do.
struct Way {
    all: Sql,
    managed: Sql,
    last: Sql,
    values: Vec<Value>,
}

impl Wanted {
    /// `after` is where the page begins: the last token of the one before.
    fn way(&self, now: Timestamp, after: Option<&Token>) -> Way {
        let way = |all, managed, last, values| Way { all, managed, last, values };
        match self.among {
            Among::All => way(EVERY, EVERY_MANAGED, EVERY_LAST, Vec::new()),
            Among::Revoked => way(REVOKED, REVOKED_MANAGED, REVOKED_LAST, Vec::new()),
            Among::Live => way(LIVE, LIVE_MANAGED, LIVE_LAST, params![now].into()),
            Among::Unused(_) => way(UNUSED, UNUSED_MANAGED, UNUSED_LAST, params![now].into()),
            Among::Expiring(before) => {
                let end = after.and_then(|it| it.expires_at).unwrap_or(now);
                way(EXPIRING, EXPIRING_MANAGED, EXPIRING_LAST, params![now, before, end].into())
            }
        }
    }
}

/// At most `limit` of the organization's agent tokens behind `after` that are wanted: newest first, but those that expire by when they do and those that
/// nobody uses from the oldest on. With a member, of those that they manage. Dagster+ agents run that were heard since `heard_since`.
pub async fn search(
    tx: &mut Tx,
    of: OrganizationId,
    managed_by: Option<UserId>,
    wanted: &Wanted,
    heard_since: Timestamp,
    after: Option<TokenId>,
    limit: i64,
) -> Result<Searched, StoreError> {
    let now = tx.now();
    let text = wanted.text.as_deref();
    let only = match text.map(str::parse::<PublicId>) {
        Some(Ok(id)) => super::find_by_public_id(tx, of, &id).await?.map(|it| it.id),
        _ => None,
    };
    let (lowest, highest) = only.map_or((TokenId::nil(), TokenId::last()), |id| (id, id));
    let text = text.filter(|_| only.is_none());
    let before = match (wanted.among, after) {
        (Among::Expiring(_), Some(id)) => super::find(tx, of, id).await?,
        _ => None,
    };
    let start = after.unwrap_or(match wanted.among {
        Among::Expiring(_) | Among::Unused(_) => TokenId::nil(),
        _ => TokenId::last(),
    });
    let Way { all, managed, last, values: of_way } = wanted.way(now, before.as_ref());
    // Otherwise nothing that is selected is left out.
    let is_left_out = text.is_some() || managed_by.is_some() || matches!(wanted.among, Among::Unused(_));
    let within = if is_left_out { wanted.within.max(limit) } else { limit };
    let mut values =
        Vec::from(params![of, Kind::AgentToken.code(), start, within, limit, heard_since, lowest, highest]);
    values.push(like::holding(text).into_value());
    values.extend(of_way.iter().cloned());
    if let Among::Unused(since) = wanted.among {
        values.push(since.into_value());
    }
    values.extend(managed_by.map(IntoValue::into_value));
    let sql = if managed_by.is_some() { managed } else { all };
    let rows: Vec<Listed> = tx.all(sql, &values).await?.iter().map(listed).collect::<Result<_, _>>()?;
    let is_whole = !is_left_out || only.is_some() || i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    if is_whole {
        return Ok(Searched { rows, last: None });
    }
    let mut values = Vec::from(params![of, Kind::AgentToken.code(), start, within.saturating_sub(1)]);
    values.extend(of_way);
    let last = tx.maybe(last, &values).await?.map(|row| row.get("id")).transpose()?;
    Ok(Searched { rows, last })
}
