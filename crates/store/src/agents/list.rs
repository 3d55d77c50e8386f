//! An organization's agents, by what is asked for of them.

use countersign_domain::id::{AgentId, DeploymentId, OrganizationId, TokenId};

use super::{Agent, agent};
use crate::like::{self, one_holds};
use crate::{StoreError, Tx, Value, params, statements};

/// Those with $2 in their name, or $9 in their tags, of one deployment, one queue and one token, each unless the flag before it says that any will do.
macro_rules! wanted {
    () => {
        concat!(
            "(LOWER(a.name) LIKE $2 ESCAPE '!' OR ",
            one_holds!("a.tags", "$9"),
            ") AND ($3 OR a.deployment_id = $4) AND ($5 OR a.queue = $6) AND ($7 OR a.token_id = $8)"
        )
    };
}

statements! {
    /// A page of the organization's agents, newest first.
    PAGE = concat!("SELECT ", columns!(), " FROM agents a WHERE a.organization_id = $1 AND a.id < $10
              AND ", wanted!(), " ORDER BY a.id DESC LIMIT $11");
    /// The same of those that are connected, on an index of their own.
    PAGE_LIVE = concat!("SELECT ", columns!(), " FROM agents a WHERE a.organization_id = $1 AND a.id < $10
              AND a.state IN ('connected', 'stopping') AND ", wanted!(), " ORDER BY a.id DESC LIMIT $11");
    /// How many those are.
    COUNT = concat!("SELECT COUNT(*) AS n FROM agents a WHERE a.organization_id = $1 AND ", wanted!());
    /// How many there are, whatever they are called: no row is looked at but in an index.
    COUNT_ALL = "SELECT COUNT(*) AS n FROM agents WHERE organization_id = $1";
    /// The same as `COUNT` of those that are connected.
    COUNT_LIVE = concat!("SELECT COUNT(*) AS n FROM agents a WHERE a.organization_id = $1
              AND a.state IN ('connected', 'stopping') AND ", wanted!());
    /// How many are connected, whatever they are called.
    COUNT_ALL_LIVE = "SELECT COUNT(*) AS n FROM agents WHERE organization_id = $1 AND state IN ('connected', 'stopping')";
}

/// Which of the organization's agents are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Leave out those that are gone.
    pub live_only: bool,
    /// Only those whose name or tags hold this text, in any case of the letters A to Z.
    pub search: Option<String>,
    /// Only those of this deployment.
    pub deployment: Option<DeploymentId>,
    /// Only those of a queue of this name.
    pub queue: Option<String>,
    /// Only those that registered with this token.
    pub token: Option<TokenId>,
}

impl Wanted {
    /// What `wanted!` names, after the organization.
    fn values(&self, of: OrganizationId) -> Vec<Value> {
        let values = params![
            of,
            like::holding(self.search.as_deref()),
            self.deployment.is_none(),
            self.deployment.unwrap_or(DeploymentId::nil()),
            self.queue.is_none(),
            self.queue.clone().unwrap_or_default(),
            self.token.is_none(),
            self.token.unwrap_or(TokenId::nil()),
            like::one_of_list_holding(self.search.as_deref()),
        ];
        values.into()
    }

    /// Whether nothing is asked for but that they are connected.
    fn is_everything(&self) -> bool {
        let is_searched = self.search.as_ref().is_some_and(|text| !text.is_empty());
        !is_searched && self.deployment.is_none() && self.queue.is_none() && self.token.is_none()
    }
}

/// At most `limit` of the organization's agents below `after`, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    wanted: &Wanted,
    after: AgentId,
    limit: i64,
) -> Result<Vec<Agent>, StoreError> {
    let sql = if wanted.live_only { PAGE_LIVE } else { PAGE };
    let mut values = wanted.values(of);
    values.extend(params![after, limit]);
    tx.all(sql, &values).await?.iter().map(agent).collect()
}

/// How many agents those are.
pub async fn count(tx: &mut Tx, of: OrganizationId, wanted: &Wanted) -> Result<i64, StoreError> {
    let row = match (wanted.is_everything(), wanted.live_only) {
        (false, true) => tx.one(COUNT_LIVE, &wanted.values(of)).await?,
        (false, false) => tx.one(COUNT, &wanted.values(of)).await?,
        (true, true) => tx.one(COUNT_ALL_LIVE, &params![of]).await?,
        (true, false) => tx.one(COUNT_ALL, &params![of]).await?,
    };
    row.get("n")
}
