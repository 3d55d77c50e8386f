//! Agents that Dagster+ agents are, as people see them.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use countersign_control::dagster::{self, Serving, Trouble};
use countersign_control::{Error, Result};
use countersign_domain::Timestamp;
use countersign_domain::dagster as rules;

use crate::call::Call;
use crate::global_id;
use crate::nullable::{Nullable, answered, found};

use super::connection::{Count, connection, int};
use super::date_time::{DateTime, time};
use super::deployment::{self, Deployment};
use super::page_info::Window;

/// Whether a Dagster+ agent, or any of several, runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DagsterAgentStatus {
    /// It was heard within five minutes.
    Running,
    /// It was heard, but not within five minutes.
    NotRunning,
    /// None was ever heard.
    NeverSeen,
}

impl From<rules::AgentStatus> for DagsterAgentStatus {
    fn from(status: rules::AgentStatus) -> Self {
        match status {
            rules::AgentStatus::Running => Self::Running,
            rules::AgentStatus::NotRunning => Self::NotRunning,
            rules::AgentStatus::NeverSeen => Self::NeverSeen,
        }
    }
}

pub(crate) struct DagsterAgent(dagster::DagsterAgent);

connection! {
    /// Dagster+ agents, newest first.
    DagsterAgentConnection, DagsterAgentEdge of DagsterAgent
}

/// How a Dagster+ agent is called.
#[derive(SimpleObject)]
pub(crate) struct DagsterAgentName {
    /// The uuid.
    uuid: ID,
    /// What its process calls itself: a uuid too.
    process: String,
    /// What its operator calls it.
    label: Option<String>,
}

impl From<dagster::AgentName> for DagsterAgentName {
    fn from(it: dagster::AgentName) -> Self {
        Self { uuid: global_id::uuid(it.id), process: it.process.to_string(), label: it.label }
    }
}

/// A Dagster+ agent: one process, as its last heartbeat told of it. A restart is another one.
#[Object]
impl DagsterAgent {
    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// What its process calls itself: a uuid too.
    async fn process(&self) -> String {
        self.0.process.to_string()
    }

    /// What its operator calls it.
    async fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    /// Whether it runs.
    async fn status(&self, ctx: &Context<'_>) -> DagsterAgentStatus {
        rules::AgentStatus::of(Some(self.0.heartbeat_at), Call::of(ctx).control.now()).into()
    }

    /// Its version.
    async fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// How it starts code servers, such as `ProcessUserCodeLauncher`.
    async fn launcher(&self) -> Option<&str> {
        self.0.launcher.as_deref()
    }

    /// The image that it was started from.
    async fn image_tag(&self) -> Option<&str> {
        self.0.image_tag.as_deref()
    }

    /// The address from which it was last heard.
    async fn ip_address(&self) -> &str {
        &self.0.ip
    }

    /// When it was first heard.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was last heard.
    async fn last_heartbeat_at(&self) -> DateTime {
        DateTime(self.0.heartbeat_at)
    }

    /// The public id of the agent token that it shows.
    async fn agent_token_public_id(&self) -> &str {
        self.0.token_public_id.as_str()
    }

    /// When that token was revoked: the agent is refused since.
    async fn agent_token_revoked_at(&self) -> Option<DateTime> {
        time(self.0.token_revoked_at)
    }

    /// Its own errors of the last day, newest first: those of its calls and of what it was asked to do.
    async fn errors(&self, ctx: &Context<'_>) -> Nullable<Vec<DagsterError>> {
        answered(errors(Call::of(ctx), &self.0).await)
    }

    /// How many those are.
    async fn error_count(&self) -> i32 {
        int(self.0.error_count)
    }

    /// What it does for each deployment that it serves, by the deployment's name.
    async fn deployments(&self, ctx: &Context<'_>) -> Nullable<Vec<DagsterAgentDeployment>> {
        answered(serving(Call::of(ctx), &self.0).await)
    }
}

/// An error, as a Dagster+ agent tells it. Not to be trusted.
#[derive(SimpleObject)]
pub(crate) struct DagsterError {
    /// When it was met, by the agent's clock.
    at: Option<DateTime>,
    /// The exception's class.
    class: Option<String>,
    /// What is said to people.
    message: String,
    /// Its stack, with those of its causes beneath.
    trace: String,
}

impl From<&Trouble> for DagsterError {
    fn from(it: &Trouble) -> Self {
        let at = it.at.map(|micros| DateTime(Timestamp::from_micros(micros)));
        Self { at, class: it.class.clone(), message: it.message.clone(), trace: it.trace.clone() }
    }
}

/// What a Dagster+ agent does for one deployment.
pub(crate) struct DagsterAgentDeployment(Serving);

#[Object]
impl DagsterAgentDeployment {
    /// The deployment.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        found(deployment::by_id(Call::of(ctx), self.0.deployment).await)
    }

    /// Whether it serves the queue without a name.
    async fn serves_default_queue(&self) -> bool {
        self.0.default_queue
    }

    /// The other queues that it serves.
    async fn queues(&self) -> &[String] {
        &self.0.queues
    }

    /// The code servers that it runs.
    async fn code_servers(&self) -> Vec<DagsterCodeServer> {
        let one = |it: &dagster::CodeServer| DagsterCodeServer {
            location_name: it.location.clone(),
            status: it.status.clone(),
            error: it.error.as_ref().map(DagsterError::from),
        };
        self.0.code_servers.iter().map(one).collect()
    }

    /// The runs that it watches.
    async fn run_workers(&self) -> Vec<DagsterRunWorker> {
        let one = |it: &dagster::RunWorker| DagsterRunWorker {
            run_id: it.run.clone(),
            status: it.status.clone(),
            message: it.message.clone(),
        };
        self.0.run_workers.iter().map(one).collect()
    }
}

/// A code server of a Dagster+ agent.
#[derive(SimpleObject)]
pub(crate) struct DagsterCodeServer {
    /// The code location that it serves.
    location_name: String,
    /// `STARTING`, `RUNNING` or `FAILED`.
    status: String,
    /// Why it failed.
    error: Option<DagsterError>,
}

/// A run that a Dagster+ agent watches.
#[derive(SimpleObject)]
pub(crate) struct DagsterRunWorker {
    /// The run.
    run_id: String,
    /// `RUNNING`, `NOT_FOUND`, `FAILED`, `SUCCESS` or `UNKNOWN`.
    status: String,
    /// What is known beyond that.
    message: Option<String>,
}

async fn errors(call: &Call, agent: &dagster::DagsterAgent) -> Result<Vec<DagsterError>> {
    let all = call.control.dagster_agent_errors(&call.may()?, agent.id).await?;
    Ok(all.iter().map(DagsterError::from).collect())
}

async fn serving(call: &Call, agent: &dagster::DagsterAgent) -> Result<Vec<DagsterAgentDeployment>> {
    let all = call.control.dagster_agent_serving(&call.may()?, agent.id).await?;
    Ok(all.into_iter().map(DagsterAgentDeployment).collect())
}

/// Most agents of one page: of each there may be 64 KiB to tell.
const MAX_AGENTS: i32 = 100;

/// The organization's Dagster+ agents.
pub(crate) async fn list(call: &Call, running: bool, window: Window) -> Result<DagsterAgentConnection> {
    let grant = &call.may()?;
    let window = window.at_most(MAX_AGENTS);
    let slice = window.read(|page| call.control.dagster_agents(grant, running, page), |it| it.id).await?;
    Ok(DagsterAgentConnection::new(slice, DagsterAgent, Count::DagsterAgents(running)))
}

/// Whether any of them runs; with a deployment's name, any that serves it.
pub(crate) async fn status(call: &Call, deployment: Option<String>) -> Result<DagsterAgentStatus> {
    let id = match deployment {
        None => None,
        Some(name) => {
            let all = call.control.deployments(&call.may()?).await?;
            let found = all.into_iter().find(|it| it.name == name);
            Some(found.ok_or(Error::NotFound("deployment"))?.id)
        }
    };
    Ok(call.control.dagster_status(&call.may()?, id).await?.into())
}
