//! Organizations.

use async_graphql::{Context, ID, Object};
use countersign_control::agent_tokens::Liveness;
use countersign_control::audit::{Period, Verdict};
use countersign_control::members::Wanted;
use countersign_control::{Result, organizations};

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::agent::{AgentConnection, AgentFilter};
use super::agent_token::{AgentTokenConnection, RevealPolicy};
use super::audit_log::{AuditChain, AuditLogConnection};
use super::build::BuildStates;
use super::build_list::{self, BuildConnection, BuildFilter};
use super::cluster::{self, Cluster, ClusterConnection, ClusterOrder};
use super::connection::{connection, int};
use super::dagster_agent::{self, DagsterAgentConnection, DagsterAgentStatus};
use super::dagster_run::{self, DagsterRun, DagsterRunConnection, DagsterRunStatus};
use super::date_time::DateTime;
use super::deployment::{self, DeploymentConnection};
use super::deployment_role::DeploymentRole;
use super::invitation::{self, OrganizationInvitationConnection};
use super::member::{self, OrganizationMember, OrganizationMemberConnection, OrganizationMemberRole};
use super::page_info::Window;
use super::permission::OrganizationPermissions;
use super::pipeline::{self, PipelineConnection};
use super::queue::{self, ClusterQueueConnection};
use super::team::{self, Team, TeamConnection};
use super::{agent, agent_token, audit_log};

pub(crate) struct Organization(pub organizations::Organization);

connection! {
    /// Organizations.
    OrganizationConnection, OrganizationEdge of Organization
}

/// A tenant: everything else belongs to one.
#[Object]
impl Organization {
    /// Its agent tokens, newest first: revoked and live ones, unless `revoked` says which.
    async fn agent_tokens(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "true: only revoked ones; false: only those that are not revoked.")] revoked: Option<bool>,
    ) -> Nullable<AgentTokenConnection> {
        let which = match revoked {
            None => Liveness::Any,
            Some(true) => Liveness::Revoked,
            Some(false) => Liveness::Live,
        };
        let window = Window { first, last, ..Window::default() };
        answered(agent_token::list(Call::of(ctx), which, window).await)
    }

    /// Its agents, newest first, those that have left among them.
    #[expect(clippy::too_many_arguments, reason = "the arguments of Buildkite's field")]
    async fn agents(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        #[graphql(desc = "Only agents that run a job, or only those that run none.")] is_running_job: Option<bool>,
        last: Option<i32>,
        #[graphql(desc = "Only agents that have all of these tags.")] meta_data: Option<Vec<String>>,
        #[graphql(desc = "Only agents that are paused, or only those that are not.")] paused: Option<bool>,
        #[graphql(desc = "Only agents whose name or tags hold this text, in any case of letters.")] search: Option<
            String,
        >,
    ) -> Nullable<AgentConnection> {
        let filter = AgentFilter { is_running_job, meta_data, paused, search };
        let window = Window { first, last, after, before };
        answered(agent::list(Call::of(ctx), filter, window).await)
    }

    /// One of its clusters, by its uuid or global id.
    async fn cluster(&self, ctx: &Context<'_>, id: ID) -> Nullable<Cluster> {
        match cluster::read_id(&id) {
            Ok(id) => found(cluster::by_id(Call::of(ctx), id).await),
            Err(_) => None,
        }
    }

    /// Its clusters: its deployments under Buildkite's name, without branch deployments.
    async fn clusters(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(default_with = "Some(ClusterOrder::Name)")] order: Option<ClusterOrder>,
    ) -> Nullable<ClusterConnection> {
        answered(cluster::list(Call::of(ctx), order, &Window { first, last, after, before }).await)
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Organization, self.0.id)
    }

    /// Whether it has teams: every organization may.
    async fn is_teams_enabled(&self) -> Option<bool> {
        Some(true)
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What the caller may do in it.
    async fn permissions(&self) -> OrganizationPermissions {
        OrganizationPermissions
    }

    /// Its pipelines, newest first.
    async fn pipelines(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "Only pipelines whose names hold this text, in any case of letters.")] search: Option<String>,
    ) -> Nullable<PipelineConnection> {
        let window = Window { first, last, after, before };
        answered(pipeline::list(Call::of(ctx), search, window).await)
    }

    /// Whether anybody may see it: nobody but its members may.
    async fn public(&self) -> bool {
        false
    }

    /// Its name in addresses.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The uuid.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }

    /// The reveal policy of tokens that name none.
    async fn default_reveal_policy(&self) -> RevealPolicy {
        self.0.default_reveal_policy.into()
    }

    /// Its deployments, by name, branch deployments among them.
    async fn deployments(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<DeploymentConnection> {
        answered(deployment::list(Call::of(ctx), None, &Window { first, last, after, before }).await)
    }

    /// Its builds, newest first.
    #[expect(clippy::too_many_arguments, reason = "as many as Buildkite's field of a pipeline has")]
    async fn builds(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        #[graphql(desc = "Only builds on one of these branches.")] branch: Option<Vec<String>>,
        #[graphql(desc = "Only builds of one of these commits.")] commit: Option<Vec<String>>,
        created_at_from: Option<DateTime>,
        created_at_to: Option<DateTime>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "Only builds in one of these states.")] state: Option<Vec<BuildStates>>,
    ) -> Nullable<BuildConnection> {
        let filter = BuildFilter { branch, commit, created_at_from, created_at_to, state, pipeline: None };
        let window = Window { first, last, after, before };
        answered(build_list::list(Call::of(ctx), filter, window).await)
    }

    /// Its queues, newest first: those that have had a job.
    async fn queues(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<ClusterQueueConnection> {
        answered(queue::list(Call::of(ctx), Window { first, last, after, before }).await)
    }

    /// Its Dagster+ agents, newest first, those that do not run among them.
    async fn dagster_agents(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "true: only those that run.")] running: Option<bool>,
    ) -> Nullable<DagsterAgentConnection> {
        let window = Window { first, last, after, before };
        answered(dagster_agent::list(Call::of(ctx), running.unwrap_or_default(), window).await)
    }

    /// Whether any of its Dagster+ agents runs.
    async fn dagster_agent_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whether any runs that serves the deployment of this name.")] deployment: Option<String>,
    ) -> Nullable<DagsterAgentStatus> {
        answered(dagster_agent::status(Call::of(ctx), deployment).await)
    }

    /// Runs of code locations' jobs in one of its deployments, newest first.
    #[expect(clippy::too_many_arguments, reason = "four for the page and two to choose by")]
    async fn dagster_runs(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "The deployment's name; null for the default one.")] deployment: Option<String>,
        #[graphql(desc = "Only those that stand there.")] status: Option<DagsterRunStatus>,
    ) -> Nullable<DagsterRunConnection> {
        let window = Window { first, last, after, before };
        answered(dagster_run::list(Call::of(ctx), deployment, status, window).await)
    }

    /// One of its runs.
    async fn dagster_run(&self, ctx: &Context<'_>, uuid: ID) -> Nullable<DagsterRun> {
        found(dagster_run::by_uuid(Call::of(ctx), &uuid).await)
    }

    /// Its members, service users among them; those whom this server has known for the shortest time come first.
    #[expect(clippy::too_many_arguments, reason = "four for the page and three to choose by")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "Only members with this role.")] role: Option<OrganizationMemberRole>,
        #[graphql(desc = "Only those whose name, or whose address as a person, holds this text.")] search: Option<
            String,
        >,
        #[graphql(desc = "true: only service users; false: only people.")] service_users: Option<bool>,
    ) -> Nullable<OrganizationMemberConnection> {
        let wanted = Wanted { service: service_users, role: role.map(Into::into), search };
        answered(member::list(Call::of(ctx), wanted, Window { first, last, after, before }).await)
    }

    /// One of its members.
    async fn member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id, uuid or e-mail address; a service user's name.")] id: ID,
    ) -> Nullable<OrganizationMember> {
        found(member::named(Call::of(ctx), &id).await.map(Some))
    }

    /// Its teams, by name.
    async fn teams(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<TeamConnection> {
        answered(team::list(Call::of(ctx), &Window { first, last, after, before }).await)
    }

    /// One of its teams.
    async fn team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id, uuid or name.")] id: ID,
    ) -> Nullable<Team> {
        found(team::named(Call::of(ctx), &id).await.map(Some))
    }

    /// The role that every member has in every deployment.
    async fn members_role(&self, ctx: &Context<'_>) -> Nullable<DeploymentRole> {
        let call = Call::of(ctx);
        let role = async { call.control.members_role(&call.may()?).await };
        answered(role.await.map(Into::into))
    }

    /// Its invitations, newest first.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "true: only those that can be accepted; false: only those that cannot any more.")]
        pending: Option<bool>,
    ) -> Nullable<OrganizationInvitationConnection> {
        answered(invitation::list(Call::of(ctx), pending, Window { first, last, after, before }).await)
    }

    /// Its audit log, newest first.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(desc = "Only what happened then or later.")] from: Option<DateTime>,
        #[graphql(desc = "Only what happened before.")] until: Option<DateTime>,
    ) -> Nullable<AuditLogConnection> {
        let period = Period { from: from.map(|it| it.0), until: until.map(|it| it.0) };
        answered(audit_log::list(Call::of(ctx), period, Window::forward(first, after)).await)
    }

    /// Checks the chain of its audit log from the first row to the last. The longer the log, the longer this takes.
    async fn audit_chain(&self, ctx: &Context<'_>) -> Nullable<AuditChain> {
        answered(audit_chain(Call::of(ctx)).await)
    }
}

/// The caller's organization.
pub(crate) async fn own(call: &Call) -> Result<Organization> {
    Ok(Organization(call.control.organization(&call.may()?).await?))
}

async fn audit_chain(call: &Call) -> Result<AuditChain> {
    let chain = call.control.verify_audit(&call.may()?).await?;
    let problem = match chain.verdict {
        Verdict::Holds => None,
        Verdict::Broken { what, .. } => Some(what),
    };
    Ok(AuditChain { sealed: int(chain.sealed), unsealed: int(chain.unsealed), holds: problem.is_none(), problem })
}
