//! Pipelines.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use countersign_control::{Error, Result, builds};
use countersign_domain::Id;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};

use super::build::BuildStates;
use super::build_list::{self, BuildConnection, BuildFilter};
use super::connection::{Count, connection};
use super::date_time::DateTime;
use super::organization::{Organization, own};
use super::page_info::Window;
use super::yaml::Yaml;

/// Who may see a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PipelineVisibility {
    /// Members of its organization.
    Private,
    /// Anybody. Not used by this server.
    Public,
}

/// Where a pipeline's source is.
#[derive(SimpleObject)]
pub(crate) struct Repository {
    /// The address that agents check it out from.
    url: String,
}

/// The steps of builds that bring none.
#[derive(SimpleObject)]
pub(crate) struct PipelineSteps {
    /// As they were written: YAML or JSON.
    yaml: Option<Yaml>,
}

pub(crate) struct Pipeline {
    id: Id<builds::Pipeline>,
    slug: String,
    name: String,
    /// The row, where it is at hand.
    row: Option<builds::Pipeline>,
}

impl From<builds::Pipeline> for Pipeline {
    fn from(row: builds::Pipeline) -> Self {
        Self { id: row.id, slug: row.slug.clone(), name: row.name.clone(), row: Some(row) }
    }
}

connection! {
    /// Pipelines, newest first.
    PipelineConnection, PipelineEdge of Pipeline
}

impl PipelineEdge {
    /// An entry of no list: what was just made.
    pub(crate) fn of_new(row: builds::Pipeline) -> Self {
        Self { cursor: super::page_info::cursor(row.id), node: Some(row.into()) }
    }
}

impl Pipeline {
    /// The pipeline of a build.
    pub(crate) fn of(build: &builds::Build) -> Self {
        let (slug, name) = (build.pipeline_slug.clone(), build.pipeline_name.clone());
        Self { id: build.pipeline, slug, name, row: None }
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<builds::Pipeline> {
        match &self.row {
            Some(row) => Ok(row.clone()),
            None => {
                let call = Call::of(ctx);
                call.control.pipeline_by_id(&call.may()?, self.id).await
            }
        }
    }
}

/// What builds are runs of.
#[Object]
impl Pipeline {
    /// Whether its builds can be run again: all can.
    async fn allow_rebuilds(&self) -> Option<bool> {
        Some(true)
    }

    /// Whether it is put away: this server puts none away.
    async fn archived(&self) -> bool {
        false
    }

    /// Its builds, newest first.
    #[expect(clippy::too_many_arguments, reason = "the arguments of Buildkite's field")]
    async fn builds(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        #[graphql(desc = "Only builds on one of these branches.")] branch: Option<Vec<String>>,
        #[graphql(desc = "Only builds of one of these commits.")] commit: Option<Vec<String>>,
        created_at_from: Option<DateTime>,
        created_at_to: Option<DateTime>,
        first: Option<i32>,
        last: Option<i32>,
        #[graphql(desc = "Only builds in one of these states.")] state: Option<Vec<BuildStates>>,
    ) -> Nullable<BuildConnection> {
        let pipeline = Some(self.id);
        let filter = BuildFilter { branch, commit, created_at_from, created_at_to, state, pipeline };
        let window = Window { first, last, after, before };
        answered(build_list::list(Call::of(ctx), filter, window).await)
    }

    /// A colour: null, none is kept.
    async fn color(&self) -> Option<&str> {
        None
    }

    /// When it was made.
    async fn created_at(&self, ctx: &Context<'_>) -> Nullable<DateTime> {
        answered(self.row(ctx).await.map(|row| DateTime(row.created_at)))
    }

    /// The branch of builds that name none.
    async fn default_branch(&self, ctx: &Context<'_>) -> Nullable<String> {
        answered(self.row(ctx).await.map(|row| row.default_branch))
    }

    /// What it is for: null, none is kept.
    async fn description(&self) -> Option<&str> {
        None
    }

    /// What stands before its name: null, none is kept.
    async fn emoji(&self) -> Option<&str> {
        None
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Pipeline, self.id)
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> async_graphql::Result<Organization> {
        Ok(own(Call::of(ctx)).await?)
    }

    /// Where its source is; null when it has none.
    async fn repository(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Repository>> {
        Ok(self.row(ctx).await?.repository.map(|url| Repository { url }))
    }

    /// Its name in addresses.
    async fn slug(&self) -> &str {
        &self.slug
    }

    /// The steps of builds that bring none; null when every build brings its own.
    async fn steps(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PipelineSteps>> {
        Ok(self.row(ctx).await?.steps.map(|text| PipelineSteps { yaml: Some(Yaml(text)) }))
    }

    /// The uuid.
    async fn uuid(&self) -> String {
        self.id.to_string()
    }

    /// Who may see it: members of its organization.
    async fn visibility(&self) -> PipelineVisibility {
        PipelineVisibility::Private
    }
}

/// The organization's pipelines.
pub(crate) async fn list(call: &Call, search: Option<String>, window: Window) -> Result<PipelineConnection> {
    let grant = &call.may()?;
    let search = search.unwrap_or_default();
    let slice = window.read(|page| call.control.pipelines(grant, search.clone(), page), |it| it.id).await?;
    Ok(PipelineConnection::new(slice, Pipeline::from, Count::Pipelines(search)))
}

/// One of the organization's pipelines.
pub(crate) async fn by_id(call: &Call, id: Id<builds::Pipeline>) -> Result<Pipeline> {
    Ok(call.control.pipeline_by_id(&call.may()?, id).await?.into())
}

/// One of the organization's pipelines, by `organization/pipeline`.
pub(crate) async fn by_slug(call: &Call, slug: &str) -> Result<Option<Pipeline>> {
    let Some((organization, pipeline)) = slug.split_once('/') else { return Ok(None) };
    if super::slug::own_organization(call, organization).await?.is_none() {
        return Ok(None);
    }
    match call.control.pipeline(&call.may()?, pipeline).await {
        Ok(row) => Ok(Some(row.into())),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
