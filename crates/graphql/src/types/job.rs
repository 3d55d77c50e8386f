//! Jobs.

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Union};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_control::builds::Part;
use countersign_control::jobs;
use countersign_control::{Error, Result};
use countersign_domain::build::{JobOutcome, RetryType};
use countersign_domain::id::JobId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::agent::{self, Agent};
use super::build::{self, Build};
use super::connection::{connection, int};
use super::date_time::{DateTime, time};
use super::deployment::{self, Deployment};
use super::job_filter::JobStates;
use super::pipeline::Pipeline;
use super::queue::{self, ClusterQueue};
use super::step::StepCommand;
use super::step_job::{self, JobTypeBlock, JobTypeTrigger, JobTypeWait};

/// A part of a build.
#[derive(Union)]
pub(crate) enum Job {
    /// Asks a person.
    Block(JobTypeBlock),
    /// A command.
    Command(JobTypeCommand),
    /// Makes a build of another pipeline.
    Trigger(JobTypeTrigger),
    /// Waits for what is before it.
    Wait(JobTypeWait),
}

impl Job {
    /// A part of a build.
    pub(crate) fn of(part: Part) -> Self {
        match part {
            Part::Command(job) => Self::Command(JobTypeCommand(job)),
            Part::Step(row) => step_job::job_of(*row),
        }
    }
}

connection! {
    /// Jobs, in the order of the pipeline's steps.
    JobConnection, JobEdge of Job
}

/// How much a job is preferred.
#[derive(SimpleObject)]
pub(crate) struct JobPriority {
    /// Higher is preferred.
    number: Option<i32>,
}

/// How many jobs with one key run at once.
#[derive(SimpleObject)]
pub(crate) struct JobConcurrency {
    /// The key.
    group: String,
    /// How many.
    limit: i32,
}

/// Why a job is another one's successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum JobRetryTypes {
    /// Its step's rules say so.
    Automatic,
    /// A person asked for it.
    Manual,
}

/// Why a job was ended by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum JobEventSignalReason {
    /// The agent cannot run such a job.
    AgentIncompatible,
    /// The agent refused the job.
    AgentRefused,
    /// The agent was stopped.
    AgentStop,
    /// The job was canceled.
    Cancel,
    /// The command could not be started.
    ProcessRunError,
    /// The job's signature was not accepted.
    SignatureRejected,
    /// The stack that was to run it failed.
    StackError,
}

fn signal_reason(text: &str) -> Option<JobEventSignalReason> {
    Some(match text {
        "agent_incompatible" => JobEventSignalReason::AgentIncompatible,
        "agent_refused" => JobEventSignalReason::AgentRefused,
        "agent_stop" => JobEventSignalReason::AgentStop,
        "cancel" => JobEventSignalReason::Cancel,
        "process_run_error" => JobEventSignalReason::ProcessRunError,
        "signature_rejected" => JobEventSignalReason::SignatureRejected,
        "stack_error" => JobEventSignalReason::StackError,
        _ => return None,
    })
}

/// A part of a job's log.
#[derive(SimpleObject)]
pub(crate) struct JobLogPart {
    /// The part as text; bytes that are no UTF-8 are replaced.
    content: String,
    /// The part as it is, in base64.
    content_base64: String,
    /// Where the next part starts: pass it as `from`.
    next: i32,
    /// Whether the job has ended and this is the end of its log.
    is_complete: bool,
}

pub(crate) struct JobTypeCommand(Box<jobs::Job>);

impl From<jobs::Job> for JobTypeCommand {
    fn from(job: jobs::Job) -> Self {
        Self(Box::new(job))
    }
}

/// A command of a build.
#[Object]
impl JobTypeCommand {
    /// The agent that has it, or had it.
    async fn agent(&self, ctx: &Context<'_>) -> Nullable<Agent> {
        match self.0.agent {
            Some(id) => found(agent::by_id(Call::of(ctx), id).await.map(Some)),
            None => None,
        }
    }

    /// The tags that an agent must have to be given this job.
    async fn agent_query_rules(&self) -> Option<Vec<String>> {
        Some(rules_of(&self.0))
    }

    /// Its build.
    async fn build(&self, ctx: &Context<'_>) -> Nullable<Build> {
        answered(build::by_id(Call::of(ctx), self.0.build).await)
    }

    /// When it was canceled.
    async fn canceled_at(&self) -> Option<DateTime> {
        time(self.0.canceled_at)
    }

    /// What the shell is given.
    async fn command(&self) -> Option<&str> {
        Some(&self.0.command)
    }

    /// The queue that it waits in.
    async fn cluster_queue(&self, ctx: &Context<'_>) -> Nullable<ClusterQueue> {
        queue::by_name(Call::of(ctx), self.0.deployment, &self.0.queue).await
    }

    /// The concurrency group that it is in.
    async fn concurrency(&self) -> Option<JobConcurrency> {
        let limit = self.0.limit.as_ref()?;
        Some(JobConcurrency { group: limit.group.clone(), limit: int(limit.limit.into()) })
    }

    /// When it was made.
    async fn created_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.created_at))
    }

    /// The variables that pipeline, build and step set, as `NAME=value`.
    async fn env(&self, ctx: &Context<'_>) -> Nullable<Vec<String>> {
        answered(env_of(Call::of(ctx), &self.0).await)
    }

    /// As the agent reported it; `-1` when the command did not run to its end.
    async fn exit_status(&self) -> Option<&str> {
        self.0.exit_status.as_deref()
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        time(self.0.finished_at)
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Job, self.0.id)
    }

    /// Its step's label.
    async fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    /// The values of its step's matrix; null without one.
    async fn matrix(&self) -> Option<serde_json::Value> {
        let values = self.0.matrix.iter().map(|(key, value)| (key.clone(), value.clone().into()));
        (!self.0.matrix.is_empty()).then(|| serde_json::Value::Object(values.collect()))
    }

    /// Its number among its step's parallel jobs, from 0.
    async fn parallel_group_index(&self) -> Option<i32> {
        self.0.parallel.map(|(number, _)| int(number))
    }

    /// How many parallel jobs its step has.
    async fn parallel_group_total(&self) -> Option<i32> {
        self.0.parallel.map(|(_, count)| int(count))
    }

    /// Whether it ended well.
    async fn passed(&self) -> bool {
        has_passed(&self.0)
    }

    /// Its pipeline.
    async fn pipeline(&self, ctx: &Context<'_>) -> Nullable<Pipeline> {
        answered(pipeline(Call::of(ctx), &self.0).await)
    }

    /// How much it is preferred.
    async fn priority(&self) -> JobPriority {
        JobPriority { number: Some(int(self.0.priority)) }
    }

    /// Whether it was run again as another job.
    async fn retried(&self) -> bool {
        self.0.retried_in.is_some()
    }

    /// How often it had been run before.
    async fn retries_count(&self) -> Option<i32> {
        Some(int(self.0.retries_count))
    }

    /// Why it is another one's successor.
    async fn retry_type(&self) -> Option<JobRetryTypes> {
        self.0.retry_type.map(|it| match it {
            RetryType::Automatic => JobRetryTypes::Automatic,
            RetryType::Manual => JobRetryTypes::Manual,
        })
    }

    /// Since when an agent could take it.
    async fn runnable_at(&self) -> Option<DateTime> {
        time(self.0.runnable_at)
    }

    /// When it was put in its queue.
    async fn scheduled_at(&self) -> Option<DateTime> {
        time(self.0.runnable_at)
    }

    /// The signal that ended it.
    async fn signal(&self) -> Option<&str> {
        self.0.signal.as_deref()
    }

    /// Why a signal ended it.
    async fn signal_reason(&self) -> Option<JobEventSignalReason> {
        self.0.signal_reason.as_deref().and_then(signal_reason)
    }

    /// Whether it failed in a way that does not fail the build.
    async fn soft_failed(&self) -> bool {
        self.0.soft_failed
    }

    /// When its command started.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }

    /// Where it stands.
    async fn state(&self) -> JobStates {
        self.0.state.into()
    }

    /// Its step.
    async fn step(&self) -> Option<StepCommand> {
        Some(StepCommand::of(self.0.step_key.clone(), self.0.step))
    }

    /// The uuid.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }

    /// The job that it was run again as.
    async fn retried_in(&self, ctx: &Context<'_>) -> Nullable<JobTypeCommand> {
        match self.0.retried_in {
            Some(id) => found(by_id(Call::of(ctx), id).await.map(Some)),
            None => None,
        }
    }

    /// Its step's key.
    async fn step_key(&self) -> Option<&str> {
        self.0.step_key.as_deref()
    }

    /// The queue that it waits in.
    async fn queue(&self) -> &str {
        &self.0.queue
    }

    /// The deployment that it runs in.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        found(deployment::by_id(Call::of(ctx), self.0.deployment).await)
    }

    /// A part of its log, from a position in bytes on: 0, or what the part before called `next`.
    async fn log_part(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(0)")] from: Option<i32>,
    ) -> Nullable<JobLogPart> {
        answered(log_part(Call::of(ctx), self.0.id, from.unwrap_or(0)).await)
    }
}

/// What a job asks of an agent's tags.
pub(crate) fn rules_of(job: &jobs::Job) -> Vec<String> {
    let mut rules = vec![format!("queue={}", job.queue)];
    rules.extend(job.rules.words());
    rules
}

/// Whether a job ended well.
pub(crate) fn has_passed(job: &jobs::Job) -> bool {
    let exit_status = job.exit_status.as_deref().and_then(|text| text.parse().ok());
    job.state.outcome(exit_status) == Some(JobOutcome::Passed)
}

async fn pipeline(call: &Call, job: &jobs::Job) -> Result<Pipeline> {
    let build = call.control.build(&call.may()?, job.build).await?;
    Ok(Pipeline::of(&build))
}

async fn log_part(call: &Call, id: JobId, from: i32) -> Result<JobLogPart> {
    if from < 0 {
        return Err(Error::invalid("from", "must be 0 or more"));
    }
    let part = call.control.job_log(&call.may()?, id, from.into()).await?;
    Ok(JobLogPart {
        content: String::from_utf8_lossy(&part.content).into_owned(),
        content_base64: STANDARD.encode(&part.content),
        // A log is at most 64 MiB, so positions fit.
        next: int(part.next),
        is_complete: part.is_complete,
    })
}

/// One of the organization's jobs, of whatever kind.
pub(crate) async fn any(call: &Call, id: JobId) -> Result<Job> {
    match by_id(call, id).await {
        Ok(job) => Ok(Job::Command(job)),
        // What is no command is shown under its step's id.
        Err(Error::NotFound(_)) => step_job::by_id(call, id.cast()).await,
        Err(error) => Err(error),
    }
}

/// One of the organization's commands.
pub(crate) async fn by_id(call: &Call, id: JobId) -> Result<JobTypeCommand> {
    Ok(call.control.job(&call.may()?, id).await?.into())
}

async fn env_of(call: &Call, job: &jobs::Job) -> Result<Vec<String>> {
    let mut env = call.control.build_env(&call.may()?, job.build).await?;
    env.extend(job.env.clone());
    Ok(env.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
}
