//! Seeing agents that Dagster+ agents are, as people do.

use std::collections::BTreeMap;

use countersign_domain::Timestamp;
use countersign_domain::dagster::{AgentStatus, RUNNING_FOR};
use countersign_domain::id::{DagsterAgentId, DeploymentId};
use countersign_store::dagster_agents::search::Served;
use countersign_store::dagster_agents::{self, DagsterAgent, Trouble};
use countersign_store::organizations;

use crate::access::actions::ViewAgents;
use crate::{Control, Error, Grant, Page, PageRequest, Result};

pub use countersign_store::dagster_agents::Serving;

impl Control {
    /// The moment after which a heartbeat must have come for an agent to be wanted.
    pub(crate) fn heard_since(&self, running_only: bool) -> Timestamp {
        // Whoever was heard at this very moment does not run any more.
        if running_only {
            Timestamp::from_micros(self.now().minus(RUNNING_FOR).as_micros().saturating_add(1))
        } else {
            Timestamp::from_micros(i64::MIN)
        }
    }

    /// A page of the organization's Dagster+ agents, newest first; perhaps only of those that run.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn dagster_agents(
        &self,
        grant: &Grant<ViewAgents>,
        running_only: bool,
        page: PageRequest<DagsterAgentId>,
    ) -> Result<Page<DagsterAgent>> {
        let since = self.heard_since(running_only);
        let rows = self
            .read(grant, (since, page), |tx, scene| {
                Box::pin(async move {
                    let (since, page) = &scene.input;
                    let after = page.start();
                    Ok(dagster_agents::page(tx, scene.organization, *since, after, page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How many those are.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_dagster_agents(&self, grant: &Grant<ViewAgents>, running_only: bool) -> Result<i64> {
        let since = self.heard_since(running_only);
        self.read(grant, since, |tx, scene| {
            Box::pin(async move { Ok(dagster_agents::count(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn dagster_agent(&self, grant: &Grant<ViewAgents>, id: DagsterAgentId) -> Result<DagsterAgent> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let found = dagster_agents::search::find(tx, scene.organization, scene.input).await?;
                found.ok_or(Error::NotFound("agent"))
            })
        })
        .await
    }

    /// What each of several of them does for its deployments, in short; nothing of another organization's.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn dagster_agents_served(
        &self,
        grant: &Grant<ViewAgents>,
        ids: Vec<DagsterAgentId>,
    ) -> Result<BTreeMap<DagsterAgentId, Vec<Served>>> {
        self.read(grant, ids, |tx, scene| {
            Box::pin(async move { Ok(dagster_agents::search::served_by(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }

    /// The errors of its own that one of them last told, newest first; none of another organization's.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn dagster_agent_errors(&self, grant: &Grant<ViewAgents>, id: DagsterAgentId) -> Result<Vec<Trouble>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move { Ok(dagster_agents::errors(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// What one of them does for its deployments, by their names; nothing for an agent of another organization.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn dagster_agent_serving(&self, grant: &Grant<ViewAgents>, id: DagsterAgentId) -> Result<Vec<Serving>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move { Ok(dagster_agents::serving(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// Whether any Dagster+ agent of the organization runs; with a deployment, any that serves it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a deployment that the organization has not.
    pub async fn dagster_status(
        &self,
        grant: &Grant<ViewAgents>,
        deployment: Option<DeploymentId>,
    ) -> Result<AgentStatus> {
        let last = self
            .read(grant, deployment, |tx, scene| {
                Box::pin(async move {
                    let of = scene.organization;
                    if let Some(id) = scene.input
                        && organizations::find_deployment(tx, of, id).await?.is_none()
                    {
                        return Err(Error::NotFound("deployment"));
                    }
                    Ok(dagster_agents::last_heard(tx, of, scene.input).await?)
                })
            })
            .await?;
        Ok(AgentStatus::of(last, self.now()))
    }
}
