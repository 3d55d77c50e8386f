//! Dagster+ agents as they are sought beside those of the other protocol, as far as one call looks; and what several of them serve.

use std::collections::BTreeMap;

use countersign_domain::Timestamp;
use countersign_domain::id::{DagsterAgentId, DagsterProcessId, DeploymentId, OrganizationId, TokenId};
use countersign_domain::text::QueueName;
use serde::Deserialize;

use super::{DagsterAgent, agent};
use crate::agents::search::{Sought, Standing};
use crate::many::{self, ids};
use crate::{StoreError, Tx, Value, params, statements};

statements! {
    /// A part of the agents that are sought between $2 and $3, newest first. When each was last heard stands in the index, behind its id. $13 is a
    /// queue's name as JSON has it: REPLACE tells whether it is in the list, by each sign.
    SEARCH = concat!("SELECT ", columns!(), " FROM dagster_agents a JOIN tokens t ON t.id = a.token_id
              WHERE a.organization_id = $1 AND a.id < $2 AND a.id >= $3 AND a.heartbeat_at >= $4 AND a.heartbeat_at < $5
              AND ($6 OR LOWER(COALESCE(a.label, '')) LIKE $7 ESCAPE '!' OR a.process_id = $8) AND ($9 OR a.token_id = $10)
              AND ($11 OR EXISTS (SELECT 1 FROM dagster_agent_deployments s WHERE s.dagster_agent_id = a.id AND ($12 OR s.deployment_id = $14)
                AND ($15 OR ($16 AND s.default_queue) OR REPLACE(s.queues, $13, '') <> s.queues)))
              ORDER BY a.id DESC LIMIT $17");
    /// Up to where is looked. $3: how many are before it.
    SEARCH_LAST = "SELECT id FROM dagster_agents WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3";
    /// One of the organization's.
    FIND = concat!("SELECT ", columns!(), " FROM dagster_agents a JOIN tokens t ON t.id = a.token_id WHERE a.organization_id = $1 AND a.id = $2");
    /// What several of the organization's agents do for their deployments, by name.
    SERVED_BY = concat!("SELECT s.dagster_agent_id, s.deployment_id, s.default_queue, s.queues, s.code_servers FROM dagster_agent_deployments s
              JOIN dagster_agents a ON a.id = s.dagster_agent_id JOIN deployments d ON d.id = s.deployment_id
              WHERE a.organization_id = $1 AND s.dagster_agent_id IN ", ids!(), " ORDER BY d.name");
}

/// What an agent does for one deployment, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Whether it serves the queue without a name.
    pub default_queue: bool,
    /// The other queues that it serves.
    pub queues: Vec<String>,
    /// The code locations that it runs a code server for.
    pub locations: Vec<Loaded>,
}

/// A code location that an agent runs a code server for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Loaded {
    /// Its name.
    #[serde(rename = "location")]
    pub name: String,
    /// `STARTING`, `RUNNING` or `FAILED`.
    pub status: String,
}

/// A queue's name as it stands in a list of such; nothing where none can be called so.
fn quoted(queue: Option<&str>) -> String {
    let name = queue.and_then(|queue| queue.parse::<QueueName>().ok());
    name.map(|name| format!("\"{}\"", name.as_str())).unwrap_or_default()
}

/// At most `limit` of the organization's agents below `after` that are sought, newest first; and the last that was looked at, where not all were. Those
/// are there that were heard at `since` or later. As many as `within` are looked at, which is 1 or more.
pub async fn search(
    tx: &mut Tx,
    of: OrganizationId,
    sought: &Sought,
    since: Timestamp,
    within: i64,
    after: DagsterAgentId,
    limit: i64,
) -> Result<(Vec<DagsterAgent>, Option<DagsterAgentId>), StoreError> {
    let (least, most) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let (from, until) = match sought.standing {
        Standing::There => (since, most),
        Standing::Gone => (least, since),
        Standing::Any => (least, most),
        // They are told neither.
        Standing::Paused | Standing::Stopping => return Ok((Vec::new(), None)),
    };
    let last = tx.maybe(SEARCH_LAST, &params![of, after, within.max(limit).saturating_sub(1)]).await?;
    let last: Option<DagsterAgentId> = last.map(|row| row.get("id")).transpose()?;
    let text = sought.search.as_deref().unwrap_or_default();
    let queue = sought.queue.as_deref();
    let values: Vec<Value> = params![
        of,
        after,
        last.unwrap_or(DagsterAgentId::nil()),
        from,
        until,
        text.is_empty(),
        sought.pattern(),
        text.parse().unwrap_or(DagsterProcessId::nil()),
        sought.token.is_none(),
        sought.token.unwrap_or(TokenId::nil()),
        sought.deployment.is_none() && queue.is_none(),
        sought.deployment.is_none(),
        quoted(queue),
        sought.deployment.unwrap_or(DeploymentId::nil()),
        queue.is_none(),
        queue == Some(QueueName::default().as_str()),
        limit,
    ]
    .into();
    let found: Vec<DagsterAgent> = tx.all(SEARCH, &values).await?.iter().map(agent).collect::<Result<_, _>>()?;
    if i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit {
        let last = found.last().map(|it| it.id);
        return Ok((found, last));
    }
    Ok((found, last))
}

/// What `search` answers of agents of whom nothing is asked but that they are there, or of all, without a limit to what is looked at: most rows are one
/// of them, and the index alone tells which.
pub async fn plain(
    tx: &mut Tx,
    of: OrganizationId,
    since: Timestamp,
    after: DagsterAgentId,
    limit: i64,
) -> Result<(Vec<DagsterAgent>, Option<DagsterAgentId>), StoreError> {
    let found = super::page(tx, of, since, after, limit).await?;
    let is_full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
    let last = found.last().filter(|_| is_full).map(|it| it.id);
    Ok((found, last))
}

/// The organization's agent with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: DagsterAgentId) -> Result<Option<DagsterAgent>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(agent).transpose()
}

/// What each of several of the organization's agents does for its deployments, by their names. One that serves none is not in it.
pub async fn served_by(
    tx: &mut Tx,
    of: OrganizationId,
    agents: &[DagsterAgentId],
) -> Result<BTreeMap<DagsterAgentId, Vec<Served>>, StoreError> {
    let mut found: BTreeMap<DagsterAgentId, Vec<Served>> = BTreeMap::new();
    for part in agents.chunks(many::AT_ONCE) {
        for row in tx.all(SERVED_BY, &many::values(of, part)).await? {
            let served = Served {
                deployment: row.get("deployment_id")?,
                default_queue: row.get("default_queue")?,
                queues: row.json("queues")?,
                locations: row.json("code_servers")?,
            };
            found.entry(row.get("dagster_agent_id")?).or_default().push(served);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_queue_can_be_called_is_looked_for() {
        assert_eq!(quoted(Some("fast")), "\"fast\"");
        for none in [None, Some(""), Some(","), Some("a\"b")] {
            assert_eq!(quoted(none), "", "{none:?}");
        }
    }
}
