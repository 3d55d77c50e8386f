//! Changes, one file for each kind of thing. Each resolver reads its input, makes a grant and calls one operation.

mod agent_token_inputs;
mod agent_tokens;
mod agents;
mod build_inputs;
mod builds;
mod cluster_queues;
mod cluster_tokens;
mod clusters;
mod code_locations;
mod dagster_runs;
mod deployment_roles;
mod deployments;
mod invitations;
mod jobs;
mod members;
mod organizations;
mod pipelines;
mod queues;
mod reach;
mod service_users;
mod teams;
mod user_token_inputs;
mod user_tokens;

use async_graphql::MergedObject;

/// What can be changed. A change that did not happen is null, with an error that says why.
#[derive(MergedObject)]
pub(crate) struct Mutation(
    agent_tokens::AgentTokenMutations,
    agents::AgentMutations,
    builds::BuildMutations,
    cluster_queues::ClusterQueueMutations,
    cluster_tokens::ClusterTokenMutations,
    clusters::ClusterMutations,
    code_locations::CodeLocationMutations,
    dagster_runs::DagsterRunMutations,
    deployment_roles::DeploymentRoleMutations,
    deployments::DeploymentMutations,
    invitations::InvitationMutations,
    jobs::JobMutations,
    members::MemberMutations,
    organizations::OrganizationMutations,
    pipelines::PipelineMutations,
    queues::QueueMutations,
    service_users::ServiceUserMutations,
    teams::TeamMutations,
    user_tokens::UserTokenMutations,
);

impl Mutation {
    pub(crate) const fn new() -> Self {
        Self(
            agent_tokens::AgentTokenMutations,
            agents::AgentMutations,
            builds::BuildMutations,
            cluster_queues::ClusterQueueMutations,
            cluster_tokens::ClusterTokenMutations,
            clusters::ClusterMutations,
            code_locations::CodeLocationMutations,
            dagster_runs::DagsterRunMutations,
            deployment_roles::DeploymentRoleMutations,
            deployments::DeploymentMutations,
            invitations::InvitationMutations,
            jobs::JobMutations,
            members::MemberMutations,
            organizations::OrganizationMutations,
            pipelines::PipelineMutations,
            queues::QueueMutations,
            service_users::ServiceUserMutations,
            teams::TeamMutations,
            user_tokens::UserTokenMutations,
        )
    }
}
