//! Queues: named lines of jobs inside a deployment.

use async_graphql::{Context, ID, Object, SimpleObject};
use countersign_control::queues::{Queue, RETRY_AGENT_AFFINITY, Standing};
use countersign_control::{Error, Result};
use countersign_domain::Id;
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, found};

use super::cluster::{self, Cluster};
use super::connection::{Count, connection, int};
use super::date_time::{DateTime, time};
use super::deployment::{self, Deployment};
use super::hosted::HostedAgentQueueSettings;
use super::page_info::Window;
use super::user::{User, person};

/// What is in a queue at one moment.
#[derive(SimpleObject)]
pub(crate) struct ClusterQueueMetrics {
    /// How many agents serve it.
    connected_agents_count: i32,
    /// How many jobs its agents have.
    running_jobs_count: i32,
    /// When this was so.
    timestamp: DateTime,
    /// How many jobs wait for an agent.
    waiting_jobs_count: i32,
}

pub(crate) struct ClusterQueue(Standing);

connection! {
    /// Queues: an organization's newest first, a cluster's by their keys unless another order is asked for.
    ClusterQueueConnection, ClusterQueueEdge of ClusterQueue
}

/// A named line of jobs. One that nobody made is there from its first job on.
#[Object]
impl ClusterQueue {
    /// The cluster that it is in.
    async fn cluster(&self, ctx: &Context<'_>) -> Nullable<Cluster> {
        found(cluster::by_id(Call::of(ctx), self.0.queue.deployment).await)
    }

    /// Who made it; null for one that its first job made.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.queue.created_by).await
    }

    /// What it is for.
    async fn description(&self) -> Option<&str> {
        self.0.queue.description.as_deref()
    }

    /// Whether its jobs are kept back.
    async fn dispatch_paused(&self) -> bool {
        self.0.queue.paused_at.is_some()
    }

    /// Since when.
    async fn dispatch_paused_at(&self) -> Option<DateTime> {
        time(self.0.queue.paused_at)
    }

    /// By whom.
    async fn dispatch_paused_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.queue.paused_by).await
    }

    /// Why.
    async fn dispatch_paused_note(&self) -> Option<&str> {
        self.0.queue.paused_note.as_deref()
    }

    /// Whether somebody else runs its agents: never.
    async fn hosted(&self) -> bool {
        false
    }

    /// How such agents are built: null.
    async fn hosted_agents(&self) -> Option<HostedAgentQueueSettings> {
        None
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::ClusterQueue, self.0.queue.id)
    }

    /// Its name, unique in its deployment.
    async fn key(&self) -> &str {
        &self.0.queue.name
    }

    /// What is in it now.
    async fn metrics(&self, ctx: &Context<'_>) -> Option<ClusterQueueMetrics> {
        let counts = self.0.counts;
        Some(ClusterQueueMetrics {
            connected_agents_count: int(counts.agents_idle + counts.agents_busy),
            running_jobs_count: int(counts.jobs_running),
            timestamp: DateTime(Call::of(ctx).control.now()),
            waiting_jobs_count: int(counts.jobs_scheduled),
        })
    }

    /// Which agent is given a job that is run again: whichever is next.
    async fn retry_agent_affinity(&self) -> &str {
        RETRY_AGENT_AFFINITY
    }

    /// Whether a controller of agents is connected: this server knows none.
    async fn stack_health(&self) -> Option<&str> {
        None
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.queue.id)
    }

    /// The deployment that it is in.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        found(deployment::by_id(Call::of(ctx), self.0.queue.deployment).await)
    }
}

/// The organization's queues.
pub(crate) async fn list(call: &Call, window: Window) -> Result<ClusterQueueConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.queues(grant, page), |it| it.queue.id).await?;
    Ok(ClusterQueueConnection::new(slice, ClusterQueue, Count::Queues))
}

/// The queues of one cluster, by name or the newest first.
pub(crate) async fn list_of(
    call: &Call,
    deployment: DeploymentId,
    newest_first: bool,
    window: &Window,
) -> Result<ClusterQueueConnection> {
    let mut all = call.control.queues_of(&call.may()?, deployment).await?;
    if newest_first {
        all.sort_by_key(|it| std::cmp::Reverse(it.queue.id));
    }
    let count = Count::Known(all.len());
    Ok(ClusterQueueConnection::new(window.cut(all, |it| it.queue.id)?, ClusterQueue, count))
}

/// One of the organization's queues.
pub(crate) async fn by_id(call: &Call, id: Id<Queue>) -> Result<ClusterQueue> {
    Ok(ClusterQueue(call.control.queue(&call.may()?, id).await?))
}

/// The queue of a job or an agent; none before its first job.
pub(crate) async fn by_name(call: &Call, deployment: DeploymentId, name: &str) -> Nullable<ClusterQueue> {
    let found = async { call.control.queue_by_name(&call.may()?, deployment, name).await };
    match found.await {
        Ok(queue) => Some(Ok(ClusterQueue(queue))),
        Err(Error::NotFound(_)) => None,
        Err(error) => Some(Err(error.into())),
    }
}
