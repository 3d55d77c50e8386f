//! Which of a build's jobs are wanted.

use async_graphql::Enum;
use countersign_control::Result;
use countersign_control::builds::Part;
use countersign_control::steps::{StepRow, job_state};
use countersign_domain::build::JobState;
use countersign_domain::graph::Kind;
use countersign_domain::id::{BuildId, JobId};

use crate::call::Call;

use super::connection::Count;
use super::job::{Job, JobConnection, has_passed, rules_of};
use super::page_info::Window;

macro_rules! states {
    ($($(#[doc = $doc:literal])+ $name:ident),* $(,)?) => {
        /// Where a job stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        pub(crate) enum JobStates { $($(#[doc = $doc])+ $name),* }
    };
}

states! {
    /// Taken by an agent that prepares to run it.
    Accepted,
    /// Offered to an agent.
    Assigned,
    /// Waits for somebody to go on.
    Blocked,
    /// Waits behind a failed step for somebody to go on.
    BlockedFailed,
    /// Cannot be run.
    Broken,
    /// Canceled and stopped.
    Canceled,
    /// Canceled; its agent has yet to say that it has stopped.
    Canceling,
    /// Waited too long for an agent.
    Expired,
    /// Ended.
    Finished,
    /// Held back by a limit.
    Limited,
    /// Asks whether a limit holds it back.
    Limiting,
    /// Waits for other steps.
    Pending,
    /// Held back by a limit of the server.
    PlatformLimited,
    /// Asks whether a limit of the server holds it back.
    PlatformLimiting,
    /// Kept for a stack.
    Reserved,
    /// Its command runs.
    Running,
    /// Waits for an agent.
    Scheduled,
    /// Left out.
    Skipped,
    /// Ran too long and was ended.
    TimedOut,
    /// Ran too long; its agent has yet to say that it has stopped.
    TimingOut,
    /// Somebody went on.
    Unblocked,
    /// Somebody went on behind a failed step.
    UnblockedFailed,
    /// Waits for the steps before it.
    Waiting,
    /// The steps before it failed.
    WaitingFailed,
}

impl From<JobState> for JobStates {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Pending => Self::Pending,
            JobState::Waiting => Self::Waiting,
            JobState::WaitingFailed => Self::WaitingFailed,
            JobState::Blocked => Self::Blocked,
            JobState::BlockedFailed => Self::BlockedFailed,
            JobState::Unblocked => Self::Unblocked,
            JobState::Limiting => Self::Limiting,
            JobState::Limited => Self::Limited,
            JobState::TimingOut => Self::TimingOut,
            JobState::TimedOut => Self::TimedOut,
            JobState::Skipped => Self::Skipped,
            JobState::Broken => Self::Broken,
            JobState::Expired => Self::Expired,
            JobState::Scheduled => Self::Scheduled,
            JobState::Assigned => Self::Assigned,
            JobState::Accepted => Self::Accepted,
            JobState::Running => Self::Running,
            JobState::Canceling => Self::Canceling,
            JobState::Canceled => Self::Canceled,
            JobState::Finished => Self::Finished,
        }
    }
}

/// What kind of step a job is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum JobTypes {
    /// Asks somebody: a block or an input.
    Block,
    /// Runs a command.
    Command,
    /// Makes a build of another pipeline.
    Trigger,
    /// Waits for the steps before it.
    Wait,
}

/// Which jobs are wanted. What is `None` lets every job through.
#[derive(Debug)]
pub(crate) struct JobFilter {
    pub agent_query_rules: Option<Vec<String>>,
    pub passed: Option<bool>,
    pub state: Option<Vec<JobStates>>,
    pub kind: Option<Vec<JobTypes>>,
}

impl JobFilter {
    fn lets_through(&self, part: &Part) -> bool {
        let rules = self.agent_query_rules.as_deref().unwrap_or_default();
        let (kind, state, fits) = match part {
            Part::Command(job) => {
                let own = rules_of(job);
                let passed = self.passed.is_none_or(|wanted| has_passed(job) == wanted);
                (JobTypes::Command, job.state, passed && rules.iter().all(|it| own.contains(it)))
            }
            // Only commands ask anything of agents, and only of them it is said that they passed.
            Part::Step(row) => (kind_of(row), job_state(row), self.passed.is_none() && rules.is_empty()),
        };
        fits && self.state.as_ref().is_none_or(|wanted| wanted.contains(&state.into()))
            && self.kind.as_ref().is_none_or(|wanted| wanted.contains(&kind))
    }
}

fn kind_of(row: &StepRow) -> JobTypes {
    match row.step.kind {
        Kind::Command | Kind::Group => JobTypes::Command,
        Kind::Wait => JobTypes::Wait,
        Kind::Block | Kind::Input => JobTypes::Block,
        Kind::Trigger => JobTypes::Trigger,
    }
}

/// What a part of a build is known by as a job.
fn id_of(part: &Part) -> JobId {
    match part {
        Part::Command(job) => job.id,
        Part::Step(row) => row.id.cast(),
    }
}

/// The jobs of one of the organization's builds.
pub(crate) async fn jobs_of_build(
    call: &Call,
    id: BuildId,
    filter: &JobFilter,
    window: &Window,
) -> Result<JobConnection> {
    let mut parts = call.control.build_parts(&call.may()?, id).await?;
    parts.retain(|part| filter.lets_through(part));
    let count = Count::Known(parts.len());
    Ok(JobConnection::new(window.cut(parts, id_of)?, Job::of, count))
}
