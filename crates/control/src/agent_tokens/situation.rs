//! What hangs on an agent token at this moment: what whoever is about to revoke it ought to see.

use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::{AgentId, JobId, TokenId};
use countersign_store::dagster_agents::{self, AgentName};
use countersign_store::tokens::in_use;

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Grant, MAX_PAGE, Result};

use super::reference::visible;

/// An agent that uses a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Using {
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// The host that it said it is on: there, no agent starts again with the token once it is revoked.
    pub hostname: Option<String>,
    /// The job that it has.
    pub job: Option<JobId>,
}

/// What hangs on a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Situation {
    /// Its agents that hold a session, in the order of their ids.
    pub agents: Vec<Using>,
    /// Its Dagster+ agents that run, newest first, at most [`MAX_PAGE`].
    pub dagster_agents: Vec<AgentName>,
}

impl Situation {
    /// How many jobs its agents have.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.agents.iter().filter(|it| it.job.is_some()).count()
    }

    /// The hosts that its agents are on, each once, by name.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<_> = self.agents.iter().filter_map(|it| it.hostname.as_deref()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }
}

impl Control {
    /// What hangs on one of the organization's agent tokens.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`]; on a token that is not the organization's hangs nothing.
    pub async fn agent_token_situation(&self, grant: &Grant<ViewAgentTokens>, id: TokenId) -> Result<Situation> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let (of, id) = (scene.organization, scene.input);
                visible(tx, scene, id).await?;
                let agents = in_use::agents(tx, of, id).await?.into_iter().map(|it| Using {
                    agent: it.agent,
                    name: it.name,
                    hostname: it.hostname,
                    job: it.job,
                });
                let agents = agents.collect();
                let since = tx.now().minus(RUNNING_FOR);
                let dagster_agents = dagster_agents::names_of_token(tx, of, id, since, i64::from(MAX_PAGE)).await?;
                Ok(Situation { agents, dagster_agents })
            })
        })
        .await
    }
}
