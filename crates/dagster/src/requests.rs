//! What there is to do for an agent, as it is told.

use async_graphql::Object;
use countersign_control::dagster::Given;
use countersign_domain::dagster::RequestKind;
use countersign_wire::dagster::{ApiRequest, Member, REQUEST_ENUM, RequestArgs};

use crate::heartbeat::seconds;
use crate::storage::serialized;

/// Something to do for an agent.
pub(crate) struct AgentRequest(Given);

impl From<Given> for AgentRequest {
    fn from(it: Given) -> Self {
        Self(it)
    }
}

#[Object]
impl AgentRequest {
    /// Names it in the agent's answer.
    async fn request_id(&self) -> String {
        self.0.request.id.to_string()
    }

    /// What is to be done.
    async fn request_api(&self) -> &str {
        self.0.request.kind.as_str()
    }

    /// With what, in Dagster's own form of JSON.
    async fn request_body(&self) -> async_graphql::Result<String> {
        Ok(serde_json::to_string(&body(&self.0))?)
    }

    /// For which deployment.
    async fn deployment_name(&self) -> &str {
        &self.0.deployment.name
    }

    /// Whether that belongs to another one.
    async fn is_branch_deployment(&self) -> bool {
        self.0.deployment.parent.is_some()
    }
}

fn body(it: &Given) -> ApiRequest {
    let Given { request, deployment, run } = it;
    let run = || run.as_deref().map(|run| Box::new(serialized(run)));
    let args = match request.kind {
        RequestKind::Ping => {
            Some(RequestArgs::PingLocationArgs { location_name: request.location.clone().unwrap_or_default() })
        }
        RequestKind::Check => None,
        RequestKind::Launch => run().map(|pipeline_run| RequestArgs::LaunchRunArgs { pipeline_run }),
        RequestKind::Terminate => run().map(|pipeline_run| RequestArgs::TerminateRunArgs { pipeline_run }),
    };
    ApiRequest {
        request_id: request.id.to_string(),
        request_api: Member::new(REQUEST_ENUM, request.kind.as_str()),
        request_args: args,
        deployment_name: deployment.name.clone(),
        expire_at: seconds(request.expires_at),
        is_branch_deployment: deployment.parent.is_some(),
    }
}
