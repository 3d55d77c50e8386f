//! Builds.

use async_graphql::{Context, Enum, ID, Interface, Object, SimpleObject};
use countersign_control::{Error, Result, builds};
use countersign_domain::build::BuildState;
use countersign_domain::id::BuildId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::annotation::{self, BuildAnnotation};
use super::connection::int;
use super::date_time::{DateTime, time};
use super::deployment::{self, Deployment};
use super::job::JobConnection;
use super::job_filter::{self, JobFilter, JobStates, JobTypes};
use super::organization::{Organization, own};
use super::page_info::Window;
use super::pipeline::Pipeline;
use super::step_job::{self, JobTypeTrigger};
use super::user::{User, person};

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum BuildStates {
    /// Nothing runs, and somebody is asked.
    Blocked,
    /// Canceled, and nothing works on it any more.
    Canceled,
    /// Canceled, while an agent still works on a job.
    Canceling,
    /// Being made. Not used by this server.
    Creating,
    /// Every job ended and one failed.
    Failed,
    /// A job failed and others go on.
    Failing,
    /// Conditions left every step out.
    NotRun,
    /// Every job passed.
    Passed,
    /// A job has started.
    Running,
    /// No job has started.
    Scheduled,
    /// Left out. Not used by this server.
    Skipped,
}

impl From<BuildState> for BuildStates {
    fn from(state: BuildState) -> Self {
        match state {
            BuildState::Scheduled => Self::Scheduled,
            BuildState::Running => Self::Running,
            BuildState::Passed => Self::Passed,
            BuildState::Failed => Self::Failed,
            BuildState::Canceling => Self::Canceling,
            BuildState::Canceled => Self::Canceled,
            BuildState::Blocked => Self::Blocked,
            BuildState::Failing => Self::Failing,
            BuildState::Skipped => Self::Skipped,
            BuildState::NotRun => Self::NotRun,
        }
    }
}

impl BuildStates {
    /// The state behind it; none for one that no build of this server is ever in.
    pub(super) fn of_rows(self) -> Option<BuildState> {
        BuildState::ALL.iter().copied().find(|state| Self::from(*state) == self)
    }
}

/// What a build is called while it waits for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum BuildBlockedStates {
    /// As if it had failed.
    Failed,
    /// As if it had passed.
    Passed,
    /// As if it ran.
    Running,
}

/// Why a build was made.
#[derive(SimpleObject)]
pub(crate) struct BuildOrigin {
    /// `api`, `ui` for a page, or `trigger_job` for a trigger step.
    name: &'static str,
}

/// Why a build was made.
#[derive(Interface)]
#[graphql(field(name = "name", ty = "&&str", desc = "In a word."))]
pub(crate) enum BuildSource {
    Origin(BuildOrigin),
}

/// A word that the jobs of a build share.
#[derive(SimpleObject)]
pub(crate) struct BuildMetaData {
    /// Its key.
    key: String,
    /// Its value.
    value: String,
}

pub(crate) struct Build(pub builds::Build);

/// A run of a pipeline.
#[Object]
impl Build {
    /// What it is called while it waits for somebody.
    async fn blocked_state(&self) -> Option<BuildBlockedStates> {
        match self.0.blocked_state.as_str() {
            "failed" => Some(BuildBlockedStates::Failed),
            "running" => Some(BuildBlockedStates::Running),
            _ => Some(BuildBlockedStates::Passed),
        }
    }

    /// Its branch.
    async fn branch(&self) -> &str {
        &self.0.branch
    }

    /// When it was canceled.
    async fn canceled_at(&self) -> Option<DateTime> {
        time(self.0.canceled_at)
    }

    /// Its commit.
    async fn commit(&self) -> &str {
        &self.0.commit
    }

    /// When it was made.
    async fn created_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.created_at))
    }

    /// The variables that every job of it begins with, as `NAME=value`: the pipeline's, and over them its own.
    async fn env(&self, ctx: &Context<'_>) -> Nullable<Vec<String>> {
        answered(env(Call::of(ctx), self.0.id).await)
    }

    /// When its last job ended.
    async fn finished_at(&self) -> Option<DateTime> {
        time(self.0.finished_at)
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Build, self.0.id)
    }

    /// Its jobs, in the order of the pipeline's steps.
    #[expect(clippy::too_many_arguments, reason = "the arguments of Buildkite's field")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        #[graphql(desc = "Only jobs that ask for all of these tags of an agent.")] agent_query_rules: Option<
            Vec<String>,
        >,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "Only jobs that passed, or only those that did not.")] passed: Option<bool>,
        state: Option<Vec<JobStates>>,
        #[graphql(name = "type")] kind: Option<Vec<JobTypes>>,
    ) -> Nullable<JobConnection> {
        let filter = JobFilter { agent_query_rules, passed, state, kind };
        let window = Window { first, last, after, before };
        answered(job_filter::jobs_of_build(Call::of(ctx), self.0.id, &filter, &window).await)
    }

    /// What it is for, in words.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// From 1, per pipeline.
    async fn number(&self) -> i32 {
        int(self.0.number)
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> async_graphql::Result<Organization> {
        Ok(own(Call::of(ctx)).await?)
    }

    /// Its pipeline.
    async fn pipeline(&self) -> Pipeline {
        Pipeline::of(&self.0)
    }

    /// The build that it repeats.
    async fn rebuilt_from(&self, ctx: &Context<'_>) -> Nullable<Build> {
        match self.0.rebuilt_from {
            Some(id) => found(by_id(Call::of(ctx), id).await.map(Some)),
            None => None,
        }
    }

    /// When its jobs could be taken.
    async fn scheduled_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.created_at))
    }

    /// Why it was made.
    async fn source(&self) -> BuildSource {
        BuildSource::Origin(BuildOrigin { name: self.0.source.as_str() })
    }

    /// When its first job started.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }

    /// Where it stands.
    async fn state(&self) -> BuildStates {
        self.0.state.into()
    }

    /// The step that made it.
    async fn triggered_from(&self, ctx: &Context<'_>) -> Nullable<JobTypeTrigger> {
        match self.0.trigger_step {
            Some(id) => found(step_job::trigger(Call::of(ctx), id).await),
            None => None,
        }
    }

    /// The uuid.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }

    /// Who made it.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.created_by).await
    }

    /// The notes that its jobs left: highest priority first, oldest first within it.
    async fn annotations(&self, ctx: &Context<'_>) -> Nullable<Vec<BuildAnnotation>> {
        answered(annotation::of_build(Call::of(ctx), self.0.id).await)
    }

    /// What its jobs share, by key.
    async fn meta_data(&self, ctx: &Context<'_>) -> Nullable<Vec<BuildMetaData>> {
        answered(meta_data(Call::of(ctx), self.0.id).await)
    }

    /// The deployment that its jobs run in.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        found(deployment::by_id(Call::of(ctx), self.0.deployment).await)
    }
}

async fn meta_data(call: &Call, id: BuildId) -> Result<Vec<BuildMetaData>> {
    let all = call.control.build_meta_data(&call.may()?, id).await?;
    Ok(all.into_iter().map(|(key, value)| BuildMetaData { key, value }).collect())
}

async fn env(call: &Call, id: BuildId) -> Result<Vec<String>> {
    let env = call.control.build_env(&call.may()?, id).await?;
    Ok(env.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
}

/// One of the organization's builds.
pub(crate) async fn by_id(call: &Call, id: BuildId) -> Result<Build> {
    Ok(Build(call.control.build(&call.may()?, id).await?))
}

/// One of the organization's builds, by `organization/pipeline/number`.
pub(crate) async fn by_slug(call: &Call, slug: &str) -> Result<Option<Build>> {
    let mut parts = slug.split('/');
    let (Some(organization), Some(pipeline), Some(number), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(None);
    };
    let Ok(number) = number.parse::<i64>() else { return Ok(None) };
    if super::slug::own_organization(call, organization).await?.is_none() {
        return Ok(None);
    }
    match call.control.build_by_number(&call.may()?, pipeline, number).await {
        Ok(build) => Ok(Some(Build(build))),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
