//! What hangs on an agent token at this moment: what whoever is about to revoke it ought to see.

use aws_lc_rs::digest::{Context, SHA256};
use countersign_domain::Timestamp;
use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::{AgentId, JobId, TokenId};
use countersign_domain::text::hex;
use countersign_store::Tx;
use countersign_store::dagster_agents::{self, AgentName};
use countersign_store::tokens::{self, in_use};

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Grant, MAX_PAGE, Result, Scene};

use super::reference::visible;

/// Bytes of a situation's digest.
const DIGEST_BYTES: usize = 16;

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
    /// When it was revoked: then no agent joins them any more.
    pub revoked_at: Option<Timestamp>,
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

    /// All of it as one short text, which is another one when anything has changed: an agent, its job, a Dagster+ agent, that the token is
    /// revoked.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut context = Context::new(&SHA256);
        context.update(if self.revoked_at.is_some() { b"r" } else { b"-" });
        for using in &self.agents {
            context.update(using.agent.as_bytes());
            // An agent without a job is not one with a job of any id.
            context.update(if using.job.is_some() { b"j" } else { b"-" });
            if let Some(job) = using.job {
                context.update(job.as_bytes());
            }
        }
        context.update(b"dagster");
        for agent in &self.dagster_agents {
            context.update(agent.id.as_bytes());
        }
        hex(context.finish().as_ref().get(..DIGEST_BYTES).unwrap_or_default())
    }
}

/// What hangs on one of the organization's tokens that was revoked then, or is not, as this transaction sees it.
pub(super) async fn find<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    id: TokenId,
    revoked_at: Option<Timestamp>,
) -> Result<Situation> {
    let of = scene.organization;
    let agents = in_use::agents(tx, of, id).await?.into_iter().map(|it| Using {
        agent: it.agent,
        name: it.name,
        hostname: it.hostname,
        job: it.job,
    });
    let agents = agents.collect();
    let since = tx.now().minus(RUNNING_FOR);
    let dagster_agents = dagster_agents::names_of_token(tx, of, id, since, i64::from(MAX_PAGE)).await?;
    Ok(Situation { revoked_at, agents, dagster_agents })
}

impl Control {
    /// The Dagster+ agents that run with one of the organization's agent tokens, newest first, at most [`MAX_PAGE`].
    ///
    /// # Errors
    /// As [`Control::agent_token_situation`].
    pub async fn agent_token_dagster_agents(
        &self,
        grant: &Grant<ViewAgentTokens>,
        id: TokenId,
    ) -> Result<Vec<AgentName>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                visible(tx, scene, scene.input).await?;
                let since = tx.now().minus(RUNNING_FOR);
                let of = scene.organization;
                Ok(dagster_agents::names_of_token(tx, of, scene.input, since, i64::from(MAX_PAGE)).await?)
            })
        })
        .await
    }

    /// What hangs on one of the organization's agent tokens.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`]; on a token that is not the organization's hangs nothing.
    pub async fn agent_token_situation(&self, grant: &Grant<ViewAgentTokens>, id: TokenId) -> Result<Situation> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                visible(tx, scene, scene.input).await?;
                let token = tokens::find(tx, scene.organization, scene.input).await?;
                find(tx, scene, scene.input, token.and_then(|it| it.revoked_at)).await
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(n: u8, job: Option<JobId>) -> Using {
        let agent: AgentId = format!("0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b{n:02}").parse().expect("an id");
        Using { agent, name: "a".to_owned(), hostname: Some(format!("host-{n}")), job }
    }

    #[test]
    fn what_was_shown_is_another_thing_once_anything_has_changed() {
        let job: JobId = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".parse().expect("an id");
        let of = |agents: &[Using]| Situation { agents: agents.to_vec(), ..Situation::default() }.digest();
        let revoked = Situation { revoked_at: Some(Timestamp::EPOCH), ..Situation::default() };
        let all = [
            revoked.digest(),
            of(&[]),
            of(&[agent(10, None)]),
            of(&[agent(10, Some(job))]),
            of(&[agent(11, None)]),
            of(&[agent(10, None), agent(11, None)]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert_eq!(all.iter().filter(|other| *other == one).count(), 1, "{at}");
        }
        assert_eq!(of(&[agent(10, Some(job))]), of(&[agent(10, Some(job))]));
    }
}
