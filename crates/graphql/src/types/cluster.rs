//! Clusters: deployments under Buildkite's name.

use async_graphql::{Context, Enum, ID, Object};
use countersign_control::{Error, Result, organizations};
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::cluster_token::{self, ClusterAgentTokenConnection};
use super::connection::{Count, connection};
use super::organization::{Organization, own};
use super::page_info::Window;
use super::queue::{self, ClusterQueue, ClusterQueueConnection};
use super::user::{User, person};

/// How clusters are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ClusterOrder {
    /// By name.
    Name,
    /// The newest first.
    RecentlyCreated,
}

/// How the queues of a cluster are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ClusterQueueOrder {
    /// By name.
    Key,
    /// The newest first.
    RecentlyCreated,
}

pub(crate) struct Cluster(pub organizations::Deployment);

connection! {
    /// Clusters.
    ClusterConnection, ClusterEdge of Cluster
}

/// A deployment, as Buildkite's clients know it.
#[Object]
impl Cluster {
    /// The agent tokens that were made for it and were not revoked, newest first.
    async fn agent_tokens(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<ClusterAgentTokenConnection> {
        let window = Window { first, last, ..Window::default() };
        answered(cluster_token::list(Call::of(ctx), self.0.id, window).await)
    }

    /// Its colour, such as `#0B79CE`.
    async fn color(&self) -> Option<&str> {
        self.0.color.as_deref()
    }

    /// Who made it; null for the first one of an organization.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.created_by).await
    }

    /// The queue that people call its default.
    async fn default_queue(&self, ctx: &Context<'_>) -> Nullable<ClusterQueue> {
        match self.0.default_queue {
            Some(id) => found(queue::by_id(Call::of(ctx), id).await.map(Some)),
            None => None,
        }
    }

    /// What it is for.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// What stands before its name.
    async fn emoji(&self) -> Option<&str> {
        self.0.emoji.as_deref()
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Cluster, self.0.id)
    }

    /// Its name, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Nullable<Organization> {
        answered(own(Call::of(ctx)).await)
    }

    /// Its queues.
    async fn queues(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(default_with = "Some(ClusterQueueOrder::Key)")] order: Option<ClusterQueueOrder>,
    ) -> Nullable<ClusterQueueConnection> {
        let window = Window { first, last, after, before };
        let newest_first = order == Some(ClusterQueueOrder::RecentlyCreated);
        answered(queue::list_of(Call::of(ctx), self.0.id, newest_first, &window).await)
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }
}

/// The organization's clusters. Branch deployments, which Buildkite does not know, are none of them.
pub(crate) async fn list(call: &Call, order: Option<ClusterOrder>, window: &Window) -> Result<ClusterConnection> {
    let mut all = call.control.deployments(&call.may()?).await?;
    all.retain(|it| it.parent.is_none());
    if order == Some(ClusterOrder::RecentlyCreated) {
        all.sort_by_key(|it| std::cmp::Reverse(it.id));
    }
    let count = Count::Known(all.len());
    Ok(ClusterConnection::new(window.cut(all, |it| it.id)?, Cluster, count))
}

/// One of the organization's clusters; a branch deployment can be looked at so too.
pub(crate) async fn by_id(call: &Call, id: DeploymentId) -> Result<Option<Cluster>> {
    Ok(call.control.deployment(&call.may()?, id).await?.map(Cluster))
}

/// The id of a cluster, from a global id or, as Buildkite's clients write it, a uuid.
pub(crate) fn read_id(text: &str) -> Result<DeploymentId> {
    global_id::parse_uuid(text)
        .or_else(|| global_id::expect(text, Sort::Cluster).ok())
        .ok_or(Error::NotFound("cluster"))
}
