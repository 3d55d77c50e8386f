//! What an agent does.

use async_graphql::{Context, InputObject, MergedObject, Object, Result, SimpleObject};
use countersign_control::dagster::Wanted;

use crate::call::Call;
use crate::failure::Failure;
use crate::heartbeat;
use crate::people;
use crate::requests::AgentRequest;
use crate::storage::{EventLogsByAgents, RunsByAgents};

/// The fields of the mutation.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(ByAgents, people::Mutation);

/// The one below which all of an agent's are.
#[derive(Default)]
pub(crate) struct ByAgents;

#[Object]
impl ByAgents {
    /// What agents do.
    async fn user_cloud_agent(&self) -> UserCloudAgent {
        UserCloudAgent
    }

    /// What agents and workers write of runs.
    async fn runs(&self) -> RunsByAgents {
        RunsByAgents
    }

    /// What workers write of events.
    async fn event_logs(&self) -> EventLogsByAgents {
        EventLogsByAgents
    }
}

/// What agents do.
pub(crate) struct UserCloudAgent;

#[Object]
impl UserCloudAgent {
    /// Takes what there is to do for the agent. Deployments that its token does not reach are left out; it is refused when nothing is left.
    async fn pop_user_cloud_agent_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "limit")] _limit: Option<i32>,
        for_branch_deployments: Option<bool>,
        for_full_deployments: Option<Vec<String>>,
        agent_queues: Option<Vec<Option<String>>>,
    ) -> Result<Vec<AgentRequest>> {
        let call = Call::of(ctx);
        let wanted = Wanted {
            deployments: for_full_deployments.unwrap_or_default(),
            queues: Some(agent_queues.unwrap_or_default()),
            branches: for_branch_deployments.unwrap_or_default(),
        };
        let work = call.control.take_dagster_requests(&call.may()?, wanted).await.map_err(Failure::Of)?;
        call.left(work.reached)?;
        Ok(work.given.into_iter().map(AgentRequest::from).collect())
    }

    /// Keeps what the agent says of itself. What it says of deployments that its token does not reach is passed over; it is refused when nothing is
    /// left.
    async fn add_agent_heartbeats(
        &self,
        ctx: &Context<'_>,
        serialized_agent_heartbeats: Option<Vec<AgentHeartbeatInput>>,
        serialized_errors: Option<Vec<String>>,
    ) -> Result<AddHeartbeats> {
        let call = Call::of(ctx);
        let beats = serialized_agent_heartbeats.unwrap_or_default();
        let heartbeat = heartbeat::read(beats, &serialized_errors.unwrap_or_default())?;
        // An agent that serves nothing at the moment says nothing, not even who it is.
        if let Some(heartbeat) = heartbeat {
            let reached = call.control.dagster_heartbeat(&call.may()?, heartbeat).await.map_err(Failure::Of)?;
            call.left(reached)?;
        }
        Ok(AddHeartbeats { ok: true })
    }
}

/// A heartbeat for one deployment.
#[derive(Debug, InputObject)]
pub(crate) struct AgentHeartbeatInput {
    /// The deployment's name.
    pub deployment_name: String,
    /// The heartbeat in Dagster's own form of JSON.
    pub serialized_agent_heartbeat: String,
}

/// That heartbeats were taken.
#[derive(SimpleObject)]
pub(crate) struct AddHeartbeats {
    /// Always.
    ok: bool,
}
