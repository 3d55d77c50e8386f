//! Agents: other agents are told that they live, people what they said of themselves.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use countersign_control::access::actions::ViewAgents;
use countersign_control::dagster::{self, DagsterAgent, Serving};
use countersign_control::{MAX_PAGE, PageRequest};
use countersign_domain::Timestamp;
use countersign_domain::dagster as rules;

use crate::call::Call;
use crate::failure::Failure;
use crate::heartbeat::seconds;

use super::problem::PythonError;

/// The most agents that people are shown in one answer, the newest: their API has no pages.
pub const MAX_AGENTS: usize = 1_000;

/// Whether an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum AgentStatus {
    /// It was heard within five minutes.
    Running,
    /// It was not.
    NotRunning,
}

impl From<rules::AgentStatus> for AgentStatus {
    fn from(status: rules::AgentStatus) -> Self {
        match status {
            rules::AgentStatus::Running => Self::Running,
            rules::AgentStatus::NotRunning | rules::AgentStatus::NeverSeen => Self::NotRunning,
        }
    }
}

/// An agent of the organization.
pub(crate) struct Agent {
    id: String,
    status: AgentStatus,
    /// What it said of itself; not for other agents.
    known: Option<DagsterAgent>,
}

impl From<dagster::Alive> for Agent {
    fn from(it: dagster::Alive) -> Self {
        Self { id: it.process.to_string(), status: it.status.into(), known: None }
    }
}

impl Agent {
    /// What is for people alone.
    fn known(&self, ctx: &Context<'_>) -> std::result::Result<&DagsterAgent, Failure> {
        match &self.known {
            Some(it) => Ok(it),
            None => Err(Call::of(ctx).no_person::<ViewAgents>()),
        }
    }

    async fn serving(&self, ctx: &Context<'_>) -> std::result::Result<Vec<Serving>, Failure> {
        let call = Call::of(ctx);
        let id = self.known(ctx)?.id;
        call.control.dagster_agent_serving(&call.person::<ViewAgents>()?, id).await.map_err(Failure::Person)
    }
}

#[Object]
impl Agent {
    /// What its process calls itself.
    async fn id(&self) -> &str {
        &self.id
    }

    /// Whether it runs.
    async fn status(&self) -> AgentStatus {
        self.status
    }

    /// What its operator calls it.
    async fn agent_label(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.known(ctx)?.label.as_deref())
    }

    /// When it was last heard, in seconds since the epoch.
    async fn last_heartbeat_time(&self, ctx: &Context<'_>) -> Result<f64> {
        Ok(seconds(self.known(ctx)?.heartbeat_at))
    }

    /// Its own errors, the newest first.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<TimestampedError>> {
        let call = Call::of(ctx);
        let id = self.known(ctx)?.id;
        let errors = call.control.dagster_agent_errors(&call.person()?, id).await.map_err(Failure::Person)?;
        let one = |it: dagster::Trouble| TimestampedError {
            timestamp: it.at.map(|at| seconds(Timestamp::from_micros(at))),
            error: it.into(),
        };
        Ok(errors.into_iter().map(one).collect())
    }

    /// Its version, its launcher (`type`), its image (`image_tag`), its queues (`default` is the one without a name) and the public id of its
    /// token, as far as they are known.
    async fn metadata(&self, ctx: &Context<'_>) -> Result<Vec<AgentMetadata>> {
        let it = self.known(ctx)?;
        let mut queues: Vec<String> = Vec::new();
        for serving in self.serving(ctx).await? {
            let default = serving.default_queue.then(|| "default".to_owned());
            queues.extend(default.into_iter().chain(serving.queues));
        }
        queues.sort_unstable();
        queues.dedup();
        let queues = (!queues.is_empty()).then(|| queues.join(", "));
        let pairs = [
            ("version", it.version.clone()),
            ("type", it.launcher.clone()),
            ("image_tag", it.image_tag.clone()),
            ("queues", queues),
            ("token", Some(it.token_public_id.to_string())),
        ];
        let known = pairs.into_iter().filter(|(_, value)| value.is_some());
        Ok(known.map(|(key, value)| AgentMetadata { key, value }).collect())
    }

    /// The code servers that it runs.
    async fn code_server_states(&self, ctx: &Context<'_>) -> Result<Vec<CloudServerState>> {
        let all = self.serving(ctx).await?.into_iter().flat_map(|it| it.code_servers);
        let one = |it: dagster::CodeServer| CloudServerState {
            location_name: Some(it.location),
            status: it.status,
            error: it.error.map(Into::into),
        };
        Ok(all.map(one).collect())
    }

    /// The runs that it watches.
    async fn run_worker_states(&self, ctx: &Context<'_>) -> Result<Vec<RunWorkerState>> {
        let all = self.serving(ctx).await?.into_iter().flat_map(|it| it.run_workers);
        let one = |it: dagster::RunWorker| RunWorkerState { run_id: it.run, message: it.message, status: it.status };
        Ok(all.map(one).collect())
    }
}

/// Something that an agent said of itself.
#[derive(SimpleObject)]
pub(crate) struct AgentMetadata {
    /// What about.
    key: &'static str,
    /// What.
    value: Option<String>,
}

/// An error that an agent told of.
#[derive(SimpleObject)]
pub(crate) struct TimestampedError {
    /// When it was met, by the agent's clock: seconds since the epoch.
    timestamp: Option<f64>,
    /// The error.
    error: PythonError,
}

/// A code server of an agent.
#[derive(SimpleObject)]
pub(crate) struct CloudServerState {
    /// The code location that it serves.
    location_name: Option<String>,
    /// `STARTING`, `RUNNING` or `FAILED`.
    status: String,
    /// Why it failed.
    error: Option<PythonError>,
}

/// A run that an agent watches.
#[derive(SimpleObject)]
pub(crate) struct RunWorkerState {
    /// The run.
    run_id: String,
    /// What is known beyond its status.
    message: Option<String>,
    /// `RUNNING`, `NOT_FOUND`, `FAILED`, `SUCCESS` or `UNKNOWN`.
    status: String,
}

/// The organization's agents that were heard since a time, for a person: newest first.
pub(crate) async fn list(call: &Call, since: Timestamp) -> std::result::Result<Vec<Agent>, Failure> {
    let grant = call.person::<ViewAgents>()?;
    let now = call.control.now();
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() < MAX_AGENTS {
        let page = PageRequest { after, limit: MAX_PAGE };
        let page = call.control.dagster_agents(&grant, false, page).await.map_err(Failure::Person)?;
        after = page.items.last().map(|it| it.id);
        found.extend(page.items.into_iter().filter(|it| it.heartbeat_at >= since));
        if !page.has_more {
            break;
        }
    }
    found.truncate(MAX_AGENTS);
    let one = |it: DagsterAgent| Agent {
        id: it.process.to_string(),
        status: rules::AgentStatus::of(Some(it.heartbeat_at), now).into(),
        known: Some(it),
    };
    Ok(found.into_iter().map(one).collect())
}
