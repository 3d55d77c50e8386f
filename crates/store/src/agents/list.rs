//! Which of an organization's agents are wanted: pages of them, and how many they are.

use countersign_domain::id::{AgentId, OrganizationId};

use crate::{StoreError, Tx, params, statements};

use super::{Agent, agent};

statements! {
    /// A page of the organization's agents, newest first.
    PAGE = concat!("SELECT ", columns!(), " FROM agents a WHERE a.organization_id = $1 AND a.id < $2
              AND (LOWER(a.name) LIKE $3 OR LOWER(a.tags) LIKE $3) ORDER BY a.id DESC LIMIT $4");
    /// The same of those that are connected, on an index of their own.
    PAGE_LIVE = concat!("SELECT ", columns!(), " FROM agents a WHERE a.organization_id = $1 AND a.id < $2
              AND a.state IN ('connected', 'stopping') AND (LOWER(a.name) LIKE $3 OR LOWER(a.tags) LIKE $3)
              ORDER BY a.id DESC LIMIT $4");
    /// How many those are.
    COUNT = "SELECT COUNT(*) AS n FROM agents a WHERE a.organization_id = $1
              AND (LOWER(a.name) LIKE $2 OR LOWER(a.tags) LIKE $2)";
    /// How many there are, whatever they are called: no row is looked at but in an index.
    COUNT_ALL = "SELECT COUNT(*) AS n FROM agents WHERE organization_id = $1";
    /// The same of those that are connected.
    COUNT_LIVE = "SELECT COUNT(*) AS n FROM agents a WHERE a.organization_id = $1
              AND a.state IN ('connected', 'stopping') AND (LOWER(a.name) LIKE $2 OR LOWER(a.tags) LIKE $2)";
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
}

impl Wanted {
    fn pattern(&self) -> String {
        // As both engines do: other letters than ASCII's stay as they are.
        let text = self.search.as_deref().unwrap_or_default().to_ascii_lowercase();
        // LIKE's own signs would widen the search to everything; as `_` each stands for any one character.
        format!("%{}%", text.replace(['%', '_', '\\'], "_"))
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
    tx.all(sql, &params![of, after, wanted.pattern(), limit]).await?.iter().map(agent).collect()
}

/// How many agents those are.
pub async fn count(tx: &mut Tx, of: OrganizationId, wanted: &Wanted) -> Result<i64, StoreError> {
    let is_searched = wanted.search.as_ref().is_some_and(|text| !text.is_empty());
    let row = match (is_searched, wanted.live_only) {
        (true, true) => tx.one(COUNT_LIVE, &params![of, wanted.pattern()]).await?,
        (true, false) => tx.one(COUNT, &params![of, wanted.pattern()]).await?,
        (false, true) => tx.one(COUNT_ALL_LIVE, &params![of]).await?,
        (false, false) => tx.one(COUNT_ALL, &params![of]).await?,
    };
    row.get("n")
}
