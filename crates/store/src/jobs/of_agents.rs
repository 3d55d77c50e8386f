//! What several agents run at this moment.

use std::collections::BTreeMap;

use countersign_domain::id::{AgentId, OrganizationId};

use crate::many::{self, ids};
use crate::{StoreError, Tx, statements};

statements! {
    /// The jobs that agents have: assigned, accepted, running or to be ended.
    OF_AGENTS = concat!("SELECT j.agent_id, j.label, j.command FROM jobs j WHERE j.organization_id = $1 AND j.agent_id IN ", ids!(),
              " AND j.state IN ('assigned', 'accepted', 'running', 'canceling', 'timing_out') ORDER BY j.assigned_at");
}

/// What an agent's job is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its label, if it has one.
    pub label: Option<String>,
    /// Its command.
    pub command: String,
}

/// The job that each of several of the organization's agents has and has not ended, the one that it was given first. An agent without one is not in
/// it.
pub async fn find(
    tx: &mut Tx,
    of: OrganizationId,
    agents: &[AgentId],
) -> Result<BTreeMap<AgentId, Running>, StoreError> {
    let mut found = BTreeMap::new();
    for part in agents.chunks(many::AT_ONCE) {
        for row in tx.all(OF_AGENTS, &many::values(of, part)).await? {
            let running = Running { label: row.get("label")?, command: row.get("command")? };
            found.entry(row.get("agent_id")?).or_insert(running);
        }
    }
    Ok(found)
}
