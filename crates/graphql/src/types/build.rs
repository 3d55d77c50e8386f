//! Builds.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use countersign_control::builds::Annotation;
use countersign_control::{Error, Result, builds};
use countersign_domain::build::BuildState;
use countersign_domain::id::BuildId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};

use super::connection::int;
use super::date_time::{DateTime, time};
use super::job::JobConnection;
use super::job_filter::{self, JobFilter, JobStates, JobTypes};
use super::organization::{Organization, own};
use super::page_info::{PageInfo, Window};
use super::pipeline::Pipeline;
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

/// A word that the jobs of a build share.
#[derive(SimpleObject)]
pub(crate) struct BuildMetaData {
    /// Its key.
    key: String,
    /// Its value.
    value: String,
}

pub(crate) struct BuildAnnotation(Annotation);

/// A note that a job left on its build.
#[Object]
impl BuildAnnotation {
    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// Names it within the build.
    async fn context(&self) -> &str {
        &self.0.context
    }

    /// How it looks: `default`, `success`, `info`, `warning` or `error`.
    async fn style(&self) -> &str {
        self.0.content.style.as_str()
    }

    /// Markdown, as the job wrote it. Not to be trusted.
    async fn body(&self) -> &str {
        &self.0.content.body
    }

    /// 1 to 10, 10 first.
    async fn priority(&self) -> i32 {
        int(self.0.content.priority)
    }

    /// `build` or `job`.
    async fn scope(&self) -> &str {
        &self.0.scope
    }

    /// The job that wrote it last.
    async fn job_uuid(&self) -> ID {
        global_id::uuid(self.0.job)
    }

    /// When it was first written.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was last written.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

pub(crate) struct Build(pub builds::Build);

/// A run of a pipeline.
#[Object]
impl Build {
    /// What it is called while it waits for somebody: `passed`, `failed` or `running`.
    async fn blocked_state(&self) -> &str {
        &self.0.blocked_state
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
        Pipeline { id: self.0.pipeline, slug: self.0.pipeline_slug.clone(), name: self.0.pipeline_name.clone() }
    }

    /// When its jobs could be taken.
    async fn scheduled_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.created_at))
    }

    /// When its first job started.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }

    /// Where it stands.
    async fn state(&self) -> BuildStates {
        self.0.state.into()
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
        answered(annotations(Call::of(ctx), self.0.id).await)
    }

    /// What its jobs share, by key.
    async fn meta_data(&self, ctx: &Context<'_>) -> Nullable<Vec<BuildMetaData>> {
        answered(meta_data(Call::of(ctx), self.0.id).await)
    }
}

async fn annotations(call: &Call, id: BuildId) -> Result<Vec<BuildAnnotation>> {
    Ok(call.control.build_annotations(&call.may()?, id).await?.into_iter().map(BuildAnnotation).collect())
}

async fn meta_data(call: &Call, id: BuildId) -> Result<Vec<BuildMetaData>> {
    let all = call.control.build_meta_data(&call.may()?, id).await?;
    Ok(all.into_iter().map(|(key, value)| BuildMetaData { key, value }).collect())
}

/// A build, and its place in a list.
#[derive(SimpleObject)]
pub(crate) struct BuildEdge {
    /// Names the place: for `after` and `before`.
    cursor: String,
    /// The build.
    node: Option<Build>,
}

/// An organization's builds, newest first.
#[derive(SimpleObject)]
pub(crate) struct OrganizationBuildConnection {
    /// The entries of this page.
    edges: Option<Vec<Option<BuildEdge>>>,
    /// Where this page stands.
    page_info: Option<PageInfo>,
}

/// The organization's builds.
pub(crate) async fn list(call: &Call, window: Window) -> Result<OrganizationBuildConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.builds(grant, page), |it| it.id).await?;
    let edge = |(cursor, build)| Some(BuildEdge { cursor, node: Some(Build(build)) });
    let edges = slice.entries.into_iter().map(edge).collect();
    Ok(OrganizationBuildConnection { edges: Some(edges), page_info: Some(slice.info) })
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
