//! Which agents of the organization are alive.

use countersign_domain::Timestamp;
use countersign_domain::dagster::AgentStatus;
use countersign_domain::id::DagsterProcessId;
use countersign_store::dagster_agents;

use crate::access::actions::SeeDagsterAgents;
use crate::{Control, Error, Grant, Result};

/// The most agents of an organization that can be told of in one answer.
pub const MAX_ALIVE: usize = 50_000;

/// An agent of the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alive {
    /// What its process calls itself.
    pub process: DagsterProcessId,
    /// Whether it runs.
    pub status: AgentStatus,
}

impl Control {
    /// Every agent of the organization that was heard since a time, whichever token it shows and whatever that reaches: an agent removes code
    /// servers of agents that are not told of here, so nothing may be left out.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `heartbeatedSince` when there are more than [`MAX_ALIVE`].
    pub async fn live_dagster_agents(&self, grant: &Grant<SeeDagsterAgents>, since: Timestamp) -> Result<Vec<Alive>> {
        let heard = self
            .read(grant, since, |tx, scene| {
                Box::pin(async move {
                    let limit = i64::try_from(MAX_ALIVE + 1).unwrap_or(i64::MAX);
                    Ok(dagster_agents::heard(tx, scene.organization, scene.input, limit).await?)
                })
            })
            .await?;
        if heard.len() > MAX_ALIVE {
            let why = format!("lets through more than {MAX_ALIVE} agents; give a later time");
            return Err(Error::invalid("heartbeatedSince", why));
        }
        let now = self.now();
        let alive = |(process, at)| Alive { process, status: AgentStatus::of(Some(at), now) };
        Ok(heard.into_iter().map(alive).collect())
    }
}
