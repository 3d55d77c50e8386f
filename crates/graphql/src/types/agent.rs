//! Agents.

mod list;

use async_graphql::{Context, ID, Object, SimpleObject};
use countersign_control::{Result, agents};
use countersign_domain::id::AgentId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::connection::{connection, int};
use super::date_time::{DateTime, time};
use super::deployment::{self, Deployment};
use super::job::{Job, JobTypeCommand};
use super::organization::{Organization, own};
use super::permission::AgentPermissions;
use super::queue::{self, ClusterQueue};
use super::user::{User, person};

pub(crate) use list::{AgentFilter, list};

/// The operating system that an agent runs on.
#[derive(SimpleObject)]
pub(crate) struct OperatingSystem {
    /// Its name, as the agent told it.
    name: String,
}

pub(crate) struct Agent(pub agents::Agent);

connection! {
    /// Agents, newest first.
    AgentConnection, AgentEdge of Agent
}

/// A program that registered and runs jobs.
#[Object]
impl Agent {
    /// The queue that it serves; null before that queue's first job.
    async fn cluster_queue(&self, ctx: &Context<'_>) -> Nullable<ClusterQueue> {
        queue::by_name(Call::of(ctx), self.0.deployment, &self.0.queue).await
    }

    /// When it connected.
    async fn connected_at(&self) -> Option<DateTime> {
        time(self.0.connected_at)
    }

    /// Where it stands: `never_connected`, `connected`, `disconnected`, `stopping`, `stopped` or `lost`.
    async fn connection_state(&self) -> &str {
        self.0.state.as_str()
    }

    /// When it registered.
    async fn created_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.created_at))
    }

    /// When it left.
    async fn disconnected_at(&self) -> Option<DateTime> {
        time(self.0.disconnected_at)
    }

    /// When its last heartbeat came.
    async fn heartbeat_at(&self) -> Option<DateTime> {
        time(self.0.heartbeat_at)
    }

    /// The host it said it is on.
    async fn hostname(&self) -> Option<&str> {
        self.0.hostname.as_deref()
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Agent, self.0.id)
    }

    /// The address it registered from.
    async fn ip_address(&self) -> Option<&str> {
        Some(&self.0.ip)
    }

    /// Whether its version is deprecated: this server keeps no list of versions.
    async fn is_deprecated(&self) -> bool {
        false
    }

    /// Whether it runs a job.
    async fn is_running_job(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(job_of(Call::of(ctx), self.0.id).await?.is_some())
    }

    /// The job that it has.
    async fn job(&self, ctx: &Context<'_>) -> Nullable<Job> {
        found(job_of(Call::of(ctx), self.0.id).await.map(|job| job.map(Job::Command)))
    }

    /// When it was given up, having been silent for 3 minutes.
    async fn lost_at(&self) -> Option<DateTime> {
        time(self.0.lost_at)
    }

    /// Its tags.
    async fn meta_data(&self) -> Option<&[String]> {
        Some(&self.0.tags)
    }

    /// Its name; need not be unique.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The operating system it said it runs on.
    async fn operating_system(&self) -> Option<OperatingSystem> {
        self.0.operating_system.clone().map(|name| OperatingSystem { name })
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Nullable<Organization> {
        answered(own(Call::of(ctx)).await)
    }

    /// Whether jobs are kept from it.
    async fn paused(&self, ctx: &Context<'_>) -> bool {
        self.0.is_paused(Call::of(ctx).control.now())
    }

    /// Since when.
    async fn paused_at(&self) -> Option<DateTime> {
        time(self.0.paused_at)
    }

    /// By whom.
    async fn paused_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.paused_by).await
    }

    /// Why.
    async fn paused_note(&self) -> Option<&str> {
        self.0.paused_note.as_deref()
    }

    /// For how many minutes; 0 when it is not paused, or paused until it is resumed.
    async fn paused_timeout_in_minutes(&self) -> i32 {
        let length = self.0.paused_until.zip(self.0.paused_at).map(|(until, at)| until.since(at).as_secs() / 60);
        length.map_or(0, |minutes| int(i64::try_from(minutes).unwrap_or(i64::MAX)))
    }

    /// What the caller may do with it.
    async fn permissions(&self) -> AgentPermissions {
        AgentPermissions
    }

    /// Its process id.
    async fn pid(&self) -> Option<String> {
        self.0.pid.map(|pid| pid.to_string())
    }

    /// When it was last heard.
    #[graphql(deprecation = "Use heartbeatAt.")]
    async fn pinged_at(&self) -> Option<DateTime> {
        time(self.0.last_seen_at)
    }

    /// Higher is preferred.
    async fn priority(&self) -> Option<i32> {
        self.0.priority.map(int)
    }

    /// Whether anybody may see it: nobody but the organization's members may.
    async fn public(&self) -> bool {
        false
    }

    /// When it was told to leave without finishing its job.
    async fn stop_forced_at(&self) -> Option<DateTime> {
        time(self.0.stop_forced_at)
    }

    /// By whom.
    async fn stop_forced_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.stop_forced_by).await
    }

    /// When it was asked to leave.
    #[graphql(deprecation = "Use stoppedGracefullyAt or stopForcedAt.")]
    async fn stopped_at(&self) -> Option<DateTime> {
        time(self.0.stop_requested_at)
    }

    /// By whom.
    #[graphql(deprecation = "Use stoppedGracefullyBy or stopForcedBy.")]
    async fn stopped_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.stop_requested_by).await
    }

    /// When it was asked to leave after its job.
    async fn stopped_gracefully_at(&self) -> Option<DateTime> {
        time(self.0.stop_requested_at)
    }

    /// By whom.
    async fn stopped_gracefully_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.stop_requested_by).await
    }

    /// What it calls itself in HTTP.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// The uuid.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }

    /// Its version.
    async fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Whether its version has known faults: this server keeps no list of versions.
    async fn version_has_known_issues(&self) -> bool {
        false
    }

    /// The queue it serves.
    async fn queue(&self) -> &str {
        &self.0.queue
    }

    /// The deployment it works in.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        found(deployment::by_id(Call::of(ctx), self.0.deployment).await)
    }

    /// What it was told when it was asked to leave.
    async fn stop_note(&self) -> Option<&str> {
        self.0.stop_note.as_deref()
    }
}

async fn job_of(call: &Call, id: AgentId) -> Result<Option<JobTypeCommand>> {
    Ok(call.control.agent_job(&call.may()?, id).await?.map(JobTypeCommand::from))
}

/// One of the organization's agents, by `organization/uuid`.
pub(crate) async fn by_slug(call: &Call, slug: &str) -> Nullable<Agent> {
    found(find(call, slug).await.map(Some))
}

async fn find(call: &Call, slug: &str) -> Result<Agent> {
    let id = super::slug::id_of(call, slug, "agent").await?;
    by_id(call, id).await
}

/// One of the organization's agents.
pub(crate) async fn by_id(call: &Call, id: AgentId) -> Result<Agent> {
    Ok(Agent(call.control.agent(&call.may()?, id).await?))
}
