//! Seeing agents.

use std::collections::BTreeMap;

use countersign_domain::agent::MAX_TAG_BYTES;
use countersign_domain::id::AgentId;
use countersign_store::agents::{self, Agent, Wanted};
use countersign_store::jobs::of_agents::{self, Running};
use countersign_store::jobs::{self, Job};

use crate::access::actions::ViewAgents;
use crate::{Control, Error, Grant, Page, PageRequest, Result, input};

/// The most characters of a search: the longest tag.
const MAX_SEARCH: usize = MAX_TAG_BYTES;

/// Whether an engine can be asked for this.
pub(super) fn check(search: Option<&str>, queue: Option<&str>) -> Result<()> {
    if queue.is_some_and(|queue| queue.contains('\0')) {
        return Err(Error::invalid("queue", "holds a NUL character; remove it"));
    }
    input::search(search, MAX_SEARCH)
}

impl Control {
    /// A page of the organization's agents, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `search` or `queue`.
    pub async fn agents(
        &self,
        grant: &Grant<ViewAgents>,
        wanted: Wanted,
        page: PageRequest<AgentId>,
    ) -> Result<Page<Agent>> {
        check(wanted.search.as_deref(), wanted.queue.as_deref())?;
        let rows = self
            .read(grant, (wanted, page), |tx, scene| {
                Box::pin(async move {
                    let (wanted, page) = &scene.input;
                    let after = page.start();
                    Ok(agents::page(tx, scene.organization, wanted, after, page.rows()).await?)
                })
            })
            .await?;
        let mut page = Page::of(rows, &page);
        for agent in &mut page.items {
            self.overlay_agent(agent);
        }
        Ok(page)
    }

    /// How many agents those are.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `search` or `queue`.
    pub async fn count_agents(&self, grant: &Grant<ViewAgents>, wanted: Wanted) -> Result<i64> {
        check(wanted.search.as_deref(), wanted.queue.as_deref())?;
        self.read(grant, wanted, |tx, scene| {
            Box::pin(async move { Ok(agents::count(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }

    /// One of the organization's agents.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn agent(&self, grant: &Grant<ViewAgents>, id: AgentId) -> Result<Agent> {
        let mut agent = self
            .read(grant, id, |tx, scene| {
                Box::pin(async move {
                    agents::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("agent"))
                })
            })
            .await?;
        self.overlay_agent(&mut agent);
        Ok(agent)
    }

    /// The job that an agent has now.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`]; another organization's agent has none.
    pub async fn agent_job(&self, grant: &Grant<ViewAgents>, id: AgentId) -> Result<Option<Job>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move { Ok(jobs::of_agent(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// The job that each of several agents has now.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`]; another organization's agent has none.
    pub async fn agent_jobs(&self, grant: &Grant<ViewAgents>, ids: Vec<AgentId>) -> Result<BTreeMap<AgentId, Running>> {
        self.read(grant, ids, |tx, scene| {
            Box::pin(async move { Ok(of_agents::find(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }

    /// What is known of an agent and not written yet.
    pub(crate) fn overlay_agent(&self, agent: &mut Agent) {
        if let Some(heard) = self.usage().heard(agent.id) {
            agent.last_seen_at = agent.last_seen_at.max(Some(heard.seen));
            agent.heartbeat_at = agent.heartbeat_at.max(heard.heartbeat);
        }
    }
}
