//! An organization's agents as they are sought beside those of the other protocol: as far as one call looks.

use countersign_domain::id::{AgentId, DeploymentId, OrganizationId, TokenId};

use super::{Agent, agent};
use crate::like::{self, one_holds};
use crate::{StoreError, Tx, Value, params, statements};

/// Those that are sought between $2 and $3. Each condition holds unless the flag before it says that anything will do.
macro_rules! search {
    ($among:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM agents a WHERE a.organization_id = $1 AND a.id < $2 AND a.id >= $3",
            $among,
            " AND (LOWER(a.name) LIKE $4 ESCAPE '!' OR ",
            one_holds!("a.tags", "$16"),
            ") AND ($5 OR a.deployment_id = $6) AND ($7 OR a.queue = $8)
              AND ($9 OR a.token_id = $10) AND ($11 OR a.state = 'stopping')
              AND ($12 OR (a.paused_at IS NOT NULL AND (a.paused_until IS NULL OR a.paused_until > $13)))
              AND ($14 OR a.state IN ('disconnected', 'stopped', 'lost')) ORDER BY a.id DESC LIMIT $15"
        )
    };
}

statements! {
    /// A part of the agents that are sought, newest first.
    SEARCH = search!("");
    /// The same among those that are connected, on an index of their own.
    SEARCH_LIVE = search!(" AND a.state IN ('connected', 'stopping')");
    /// Up to where is looked. $3: how many are before it.
    SEARCH_LAST = "SELECT id FROM agents WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3";
    /// The same among those that are connected.
    SEARCH_LAST_LIVE = "SELECT id FROM agents WHERE organization_id = $1 AND id < $2 AND state IN ('connected', 'stopping')
              ORDER BY id DESC LIMIT 1 OFFSET $3";
}

/// Where agents stand that are sought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// They are there: connected, or heard of late.
    #[default]
    There,
    /// They are there and take no job for now.
    Paused,
    /// They are there and were told to leave.
    Stopping,
    /// They are not there any more: they left, were given up, or are silent.
    Gone,
    /// Anywhere, those that have not connected yet among them.
    Any,
}

/// What is sought among agents of both protocols.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// Where they stand.
    pub standing: Standing,
    /// Only those whose name, tags or label hold this text, in any case of the letters A to Z; and the process that is called so.
    pub search: Option<String>,
    /// Only those of this deployment, or that serve it.
    pub deployment: Option<DeploymentId>,
    /// Only those of a queue of this name, or that serve one.
    pub queue: Option<String>,
    /// Only those that came with this token.
    pub token: Option<TokenId>,
}

impl Sought {
    /// Whether nothing is asked for but where they stand.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let is_searched = self.search.as_ref().is_some_and(|text| !text.is_empty());
        !is_searched && self.deployment.is_none() && self.queue.is_none() && self.token.is_none()
    }

    /// Its text as LIKE has it.
    pub(crate) fn pattern(&self) -> String {
        like::holding(self.search.as_deref())
    }
}

/// At most `limit` of the organization's agents below `after` that are sought, newest first; and the last that was looked at, where not all were. As
/// many as `within` are looked at, which is 1 or more.
pub async fn search(
    tx: &mut Tx,
    of: OrganizationId,
    sought: &Sought,
    within: i64,
    after: AgentId,
    limit: i64,
) -> Result<(Vec<Agent>, Option<AgentId>), StoreError> {
    let standing = sought.standing;
    let (sql, last) = match standing {
        Standing::There | Standing::Paused | Standing::Stopping => (SEARCH_LIVE, SEARCH_LAST_LIVE),
        Standing::Gone | Standing::Any => (SEARCH, SEARCH_LAST),
    };
    let last = tx.maybe(last, &params![of, after, within.max(limit).saturating_sub(1)]).await?;
    let last: Option<AgentId> = last.map(|row| row.get("id")).transpose()?;
    let now = tx.now();
    let values: Vec<Value> = params![
        of,
        after,
        last.unwrap_or(AgentId::nil()),
        sought.pattern(),
        sought.deployment.is_none(),
        sought.deployment.unwrap_or(DeploymentId::nil()),
        sought.queue.is_none(),
        sought.queue.clone().unwrap_or_default(),
        sought.token.is_none(),
        sought.token.unwrap_or(TokenId::nil()),
        standing != Standing::Stopping,
        standing != Standing::Paused,
        now,
        standing != Standing::Gone,
        limit,
        like::one_of_list_holding(sought.search.as_deref()),
    ]
    .into();
    let found: Vec<Agent> = tx.all(sql, &values).await?.iter().map(agent).collect::<Result<_, _>>()?;
    if i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit {
        let last = found.last().map(|it| it.id);
        return Ok((found, last));
    }
    Ok((found, last))
}

/// What `search` answers of agents of whom nothing is asked but that they are there, or of all: without a limit to what is looked at, for each row is
/// one of them.
pub async fn plain(
    tx: &mut Tx,
    of: OrganizationId,
    live_only: bool,
    after: AgentId,
    limit: i64,
) -> Result<(Vec<Agent>, Option<AgentId>), StoreError> {
    let found = super::page(tx, of, &super::Wanted { live_only, ..super::Wanted::default() }, after, limit).await?;
    let is_full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
    let last = found.last().filter(|_| is_full).map(|it| it.id);
    Ok((found, last))
}
