//! Runs of code locations' jobs, as people see them.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use countersign_control::dagster_runs::{self, LogAddress, RunEventRow};
use countersign_control::{Error, Result};
use countersign_domain::dagster::RunStatus;
use countersign_domain::id::{DagsterRunId, DeploymentId};

use crate::call::Call;
use crate::global_id::{parse_uuid, uuid};
use crate::nullable::{Nullable, answered, found};

use super::connection::{Count, connection, int};
use super::date_time::{DateTime, time};
use super::deployment::{self, Deployment};
use super::page_info::Window;
use super::user::{User, person};

/// Where a run stands. All but `LOST` follow from what its worker tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "RunStatus")]
pub(crate) enum DagsterRunStatus {
    /// No agent has taken it.
    NotStarted,
    /// An agent was given it.
    Starting,
    /// Its worker runs.
    Started,
    /// Its worker was told to stop.
    Canceling,
    /// All of it was done.
    Success,
    /// It could not be started, or something of it could not be done.
    Failure,
    /// It was stopped.
    Canceled,
    /// Nothing more can be heard of it, for a reason that stands beside it.
    Lost,
}

pub(crate) struct DagsterRun(pub dagster_runs::DagsterRun);

connection! {
    /// Runs of code locations' jobs, newest first.
    DagsterRunConnection, DagsterRunEdge of DagsterRun
}

/// Something that is said of a run.
#[derive(SimpleObject)]
pub(crate) struct DagsterRunTag {
    /// The key.
    key: String,
    /// The value.
    value: String,
}

/// A run of a job of a code location.
#[Object]
impl DagsterRun {
    /// The uuid, by which agents know it too.
    async fn uuid(&self) -> ID {
        uuid(self.0.id)
    }

    /// Its deployment; null once that is deleted.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        found(deployment::by_id(Call::of(ctx), self.0.deployment).await)
    }

    /// The code location that its job is of.
    async fn location(&self) -> &str {
        &self.0.location
    }

    /// The repository there.
    async fn repository(&self) -> &str {
        &self.0.repository
    }

    /// Its job.
    async fn job(&self) -> &str {
        &self.0.job
    }

    /// Where it stands.
    async fn status(&self) -> DagsterRunStatus {
        self.0.status.into()
    }

    /// Why it ended, where its worker did not say so: such as that its agent's token was revoked.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What it is configured with: JSON.
    async fn config(&self, ctx: &Context<'_>) -> Nullable<&str> {
        answered(Call::of(ctx).told.put(self.0.config.len()).map(|()| self.0.config.as_str()))
    }

    /// What is said of it, by launchers and agents.
    async fn tags(&self, ctx: &Context<'_>) -> Nullable<Vec<DagsterRunTag>> {
        let one = |(key, value): (&String, &String)| DagsterRunTag { key: key.clone(), value: value.clone() };
        let bytes = self.0.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
        answered(Call::of(ctx).told.put(bytes).map(|()| self.0.tags.iter().map(one).collect()))
    }

    /// When it was launched.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// By whom.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.created_by).await
    }

    /// When an agent was given it.
    async fn taken_at(&self) -> Option<DateTime> {
        time(self.0.taken_at)
    }

    /// When its worker ran.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }

    /// When it ended; of one that is lost, when its token went.
    async fn ended_at(&self) -> Option<DateTime> {
        time(self.0.ended_at)
    }

    /// When somebody asked for its end.
    async fn cancel_requested_at(&self) -> Option<DateTime> {
        time(self.0.cancel_requested_at)
    }

    /// How many events are kept.
    async fn event_count(&self) -> i32 {
        int(self.0.events)
    }

    /// How many came that are not kept, for there were too many.
    async fn events_dropped(&self) -> i32 {
        int(self.0.events_dropped)
    }

    /// What its worker told, in the order in which it came: perhaps fewer than were asked for, of long ones. The last has the number `eventCount`.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of the last event that is known.", default)] after: i32,
        #[graphql(desc = "At the most.", default = 100)] first: i32,
    ) -> Nullable<Vec<DagsterRunEvent>> {
        answered(events(Call::of(ctx), self.0.id, after, first).await)
    }

    /// What its steps have written.
    async fn logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At the most.", default = 500)] first: i32,
    ) -> Nullable<Vec<DagsterRunLog>> {
        answered(logs(Call::of(ctx), self.0.id, first).await)
    }
}

/// What the worker of a run told. Not to be trusted.
#[derive(SimpleObject)]
pub(crate) struct DagsterRunEvent {
    /// Its number in the run, from 1.
    number: i32,
    /// What sort of event it is, such as `STEP_START`; null for a line that the code logged.
    kind: Option<String>,
    /// The step that it is about.
    step: Option<String>,
    /// How grave it is: 10 for what helps to find a fault, 50 for what ends all.
    level: i32,
    /// When it happened, by the worker's clock.
    at: DateTime,
    /// For people.
    message: String,
    /// All of it, as it came: JSON. `{}` for one that was too long, or held the value of a token.
    entry: String,
}

impl From<RunEventRow> for DagsterRunEvent {
    fn from(it: RunEventRow) -> Self {
        Self {
            number: int(it.number),
            kind: it.kind,
            step: it.step,
            level: int(it.level),
            at: DateTime(it.occurred_at),
            message: it.message,
            entry: it.entry,
        }
    }
}

/// What a step of a run has written to a stream.
#[derive(SimpleObject)]
pub(crate) struct DagsterRunLog {
    /// What the agent calls it.
    name: String,
    /// `stdout` or `stderr`.
    stream: String,
    /// How many bytes the agent said it has.
    announced_size: i32,
    /// How many are kept; null while none are.
    size: Option<i32>,
    /// Where it is read, for half an hour, by whoever has the address; null while there is nothing.
    url: Option<String>,
}

impl From<LogAddress> for DagsterRunLog {
    fn from(it: LogAddress) -> Self {
        Self {
            name: it.log.name,
            stream: it.log.stream,
            announced_size: int(it.log.announced),
            size: it.log.size.map(int),
            url: it.address,
        }
    }
}

/// How many are asked for.
fn count(first: i32) -> Result<u32> {
    u32::try_from(first).map_err(|_| Error::invalid("first", "must be 0 or more"))
}

async fn events(call: &Call, run: DagsterRunId, after: i32, first: i32) -> Result<Vec<DagsterRunEvent>> {
    let all = call.control.dagster_run_events(&call.may()?, run, after.into(), count(first)?).await?;
    call.told.put(all.iter().map(|it| it.message.len() + it.entry.len()).sum())?;
    Ok(all.into_iter().map(DagsterRunEvent::from).collect())
}

async fn logs(call: &Call, run: DagsterRunId, first: i32) -> Result<Vec<DagsterRunLog>> {
    let first = count(first)? as usize;
    let mut all = call.control.dagster_run_logs(&call.may()?, run).await?;
    all.truncate(first);
    call.told.put(all.iter().map(|it| it.log.name.len() + it.address.as_ref().map_or(0, String::len)).sum())?;
    Ok(all.into_iter().map(DagsterRunLog::from).collect())
}

/// The deployment of this name, or the default one.
pub(crate) async fn deployment_named(call: &Call, name: Option<&str>) -> Result<DeploymentId> {
    let Some(name) = name else { return Ok(call.control.organization(&call.may()?).await?.default_deployment) };
    let all = call.control.deployments(&call.may()?).await?;
    Ok(all.into_iter().find(|it| it.name == name).ok_or(Error::NotFound("deployment"))?.id)
}

/// The runs of a deployment.
pub(crate) async fn list(
    call: &Call,
    deployment: Option<String>,
    status: Option<DagsterRunStatus>,
    window: Window,
) -> Result<DagsterRunConnection> {
    let grant = &call.may()?;
    let deployment = deployment_named(call, deployment.as_deref()).await?;
    let status = status.map(RunStatus::from);
    let slice = window.read(|page| call.control.dagster_runs(grant, deployment, status, page), |it| it.id).await?;
    Ok(DagsterRunConnection::new(slice, DagsterRun, Count::DagsterRuns(deployment, status)))
}

/// One of the organization's runs; none for what is no id.
pub(crate) async fn by_uuid(call: &Call, text: &str) -> Result<Option<DagsterRun>> {
    let grant = call.may()?;
    match parse_uuid(text) {
        Some(id) => Ok(Some(DagsterRun(call.control.dagster_run(&grant, id).await?))),
        None => Ok(None),
    }
}
