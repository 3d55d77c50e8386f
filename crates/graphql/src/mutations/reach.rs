//! What becomes of agents that are connected when their token is taken back or narrowed.

use async_graphql::Enum;
use countersign_control::agents::Reach;
use countersign_control::{Error, MAX_PAGE, Result};
use countersign_domain::id::AgentId;

use crate::call::Call;
use crate::types::agent::{self, Agent};

/// What becomes of the connected agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ConnectedAgents {
    /// They stay connected and go on taking jobs.
    Keep,
    /// Each finishes its job and is then told to disconnect.
    Drain,
    /// Their sessions die at once and their jobs are canceled.
    Disconnect,
}

impl From<ConnectedAgents> for Reach {
    fn from(choice: ConnectedAgents) -> Self {
        match choice {
            ConnectedAgents::Keep => Self::Keep,
            ConnectedAgents::Drain => Self::Drain,
            ConnectedAgents::Disconnect => Self::Disconnect,
        }
    }
}

/// Null is as if nothing was chosen.
pub(super) fn chosen(choice: Option<ConnectedAgents>) -> Reach {
    choice.map_or_else(Reach::default, Into::into)
}

/// The first of the agents that a change touched.
pub(super) async fn touched(call: &Call, ids: &[AgentId], first: Option<i32>) -> Result<Vec<Agent>> {
    let first = match first {
        Some(first) => u32::try_from(first).map_err(|_| Error::invalid("first", "must be 0 or more"))?,
        None => MAX_PAGE,
    };
    let mut found = Vec::new();
    for id in ids.iter().take(first.min(MAX_PAGE) as usize) {
        found.push(agent::by_id(call, *id).await?);
    }
    Ok(found)
}
