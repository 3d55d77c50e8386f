//! Connections: lists in pages, each with a count.

use async_graphql::Interface;
use countersign_control::Result;
use countersign_control::agent_tokens::Liveness;
use countersign_control::agents::Wanted;
use countersign_control::{builds, members};
use countersign_domain::dagster::RunStatus;
use countersign_domain::id::{DeploymentId, TeamId, TokenId};

use crate::call::Call;

use super::agent::AgentConnection;
use super::agent_token::AgentTokenConnection;
use super::build_list::BuildConnection;
use super::cluster::ClusterConnection;
use super::cluster_token::ClusterAgentTokenConnection;
use super::code_location::CodeLocationConnection;
use super::dagster_agent::DagsterAgentConnection;
use super::dagster_run::DagsterRunConnection;
use super::deployment::DeploymentConnection;
use super::deployment_role::DeploymentRoleGrantConnection;
use super::invitation::OrganizationInvitationConnection;
use super::job::JobConnection;
use super::member::OrganizationMemberConnection;
use super::organization::OrganizationConnection;
use super::page_info::PageInfo;
use super::pipeline::PipelineConnection;
use super::queue::ClusterQueueConnection;
use super::team::TeamConnection;

/// A list in pages.
#[derive(Interface)]
#[graphql(
    field(name = "count", ty = "i32", desc = "How many entries the whole list has."),
    field(name = "page_info", ty = "Option<PageInfo>", desc = "Where this page stands.")
)]
#[expect(clippy::enum_variant_names, reason = "the variants are named after their GraphQL types")]
pub(crate) enum Connection {
    AgentTokenConnection(AgentTokenConnection),
    AgentConnection(AgentConnection),
    OrganizationConnection(OrganizationConnection),
    JobConnection(JobConnection),
    BuildConnection(BuildConnection),
    PipelineConnection(PipelineConnection),
    ClusterQueueConnection(ClusterQueueConnection),
    DeploymentConnection(DeploymentConnection),
    ClusterConnection(ClusterConnection),
    ClusterAgentTokenConnection(ClusterAgentTokenConnection),
    DagsterAgentConnection(DagsterAgentConnection),
    CodeLocationConnection(CodeLocationConnection),
    DagsterRunConnection(DagsterRunConnection),
    OrganizationMemberConnection(OrganizationMemberConnection),
    OrganizationInvitationConnection(OrganizationInvitationConnection),
    TeamConnection(TeamConnection),
    DeploymentRoleGrantConnection(DeploymentRoleGrantConnection),
}

/// How the entries of a whole list are counted: only when somebody asks.
#[derive(Debug)]
pub(crate) enum Count {
    /// The list is at hand.
    Known(usize),
    /// The organization's agent tokens.
    AgentTokens(Liveness),
    /// The organization's agents.
    Agents(Wanted),
    /// The organization's Dagster+ agents; true: only those that run.
    DagsterAgents(bool),
    /// The runs of a deployment; perhaps only those that stand somewhere.
    DagsterRuns(DeploymentId, Option<RunStatus>),
    /// The connected agents of one token.
    AgentsOfToken(TokenId),
    /// The organization's builds that are wanted.
    Builds(builds::Wanted),
    /// The organization's pipelines whose names hold this text.
    Pipelines(String),
    /// The organization's queues.
    Queues,
    /// The tokens that were made for a deployment and were not revoked.
    ClusterTokens(DeploymentId),
    /// The organization's members that are wanted.
    Members(members::Wanted),
    /// The members of a team.
    TeamMembers(TeamId),
    /// The organization's invitations; true: only those that can be accepted.
    Invitations(Option<bool>),
}

impl Count {
    pub(crate) async fn ask(&self, call: &Call) -> Result<i32> {
        let count = match self {
            Self::Known(count) => i64::try_from(*count).unwrap_or(i64::MAX),
            Self::AgentTokens(which) => call.control.count_agent_tokens(&call.may()?, *which).await?,
            Self::Agents(wanted) => call.control.count_agents(&call.may()?, wanted.clone()).await?,
            Self::DagsterAgents(running) => call.control.count_dagster_agents(&call.may()?, *running).await?,
            Self::DagsterRuns(of, status) => call.control.count_dagster_runs(&call.may()?, *of, *status).await?,
            Self::Builds(wanted) => call.control.count_builds(&call.may()?, wanted.clone()).await?,
            Self::Pipelines(search) => call.control.count_pipelines(&call.may()?, search.clone()).await?,
            Self::Queues => call.control.count_all_queues(&call.may()?).await?,
            Self::ClusterTokens(of) => call.control.count_cluster_tokens(&call.may()?, *of).await?,
            Self::Members(wanted) => call.control.count_members(&call.may()?, wanted.clone()).await?,
            Self::TeamMembers(team) => call.control.count_team_members(&call.may()?, *team).await?,
            Self::Invitations(pending) => call.control.count_invitations(&call.may()?, *pending).await?,
            Self::AgentsOfToken(token) => call.control.count_agent_token_agents(&call.may()?, *token).await?,
        };
        Ok(int(count))
    }
}

/// A number as GraphQL's `Int`, which has 32 bits; held at its ends.
pub(crate) fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

/// Declares a connection and its edge.
macro_rules! connection {
    ($(#[doc = $doc:literal])+ $connection:ident, $edge:ident of $node:ident) => {
        /// An entry of a list, and its place in it.
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $edge {
            /// Names the place: for `after` and `before`.
            cursor: String,
            /// The entry.
            node: Option<$node>,
        }

        pub(crate) struct $connection {
            edges: Vec<$edge>,
            info: $crate::types::page_info::PageInfo,
            count: $crate::types::connection::Count,
        }

        impl $connection {
            pub(crate) fn new<T>(
                slice: $crate::types::page_info::Slice<T>,
                node: impl Fn(T) -> $node,
                count: $crate::types::connection::Count,
            ) -> Self {
                let edge = |(cursor, item)| $edge { cursor, node: Some(node(item)) };
                Self { edges: slice.entries.into_iter().map(edge).collect(), info: slice.info, count }
            }
        }

        $(#[doc = $doc])+
        #[async_graphql::Object]
        impl $connection {
            /// How many entries the whole list has.
            pub(crate) async fn count(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<i32> {
                Ok(self.count.ask($crate::call::Call::of(ctx)).await?)
            }

            /// The entries of this page.
            async fn edges(&self) -> Option<Vec<Option<&$edge>>> {
                Some(self.edges.iter().map(Some).collect())
            }

            /// Where this page stands.
            pub(crate) async fn page_info(&self) -> Option<$crate::types::page_info::PageInfo> {
                Some(self.info.clone())
            }
        }
    };
}
pub(crate) use connection;
