//! Creating and changing pipelines.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::pipelines::{NewPipeline, PipelineChange};

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::organization::{Organization, own};
use crate::types::pipeline::{Pipeline, PipelineEdge};

/// Where a pipeline's source is.
#[derive(InputObject)]
pub(crate) struct PipelineRepositoryInput {
    /// The address that agents check it out from; empty for none.
    url: String,
}

/// The steps of builds that bring none.
#[derive(InputObject)]
pub(crate) struct PipelineStepsInput {
    /// As YAML or JSON.
    yaml: String,
}

/// A pipeline that is to be made.
#[derive(InputObject)]
pub(crate) struct PipelineCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The branch of builds that name none.
    #[graphql(default_with = "Some(String::from(\"main\"))")]
    default_branch: Option<String>,
    /// Its name for people.
    name: String,
    /// The organization's global id.
    organization_id: ID,
    /// Where its source is.
    repository: PipelineRepositoryInput,
    /// The steps of builds that bring none.
    steps: Option<PipelineStepsInput>,
    /// Its name in addresses; null: made from its name.
    slug: Option<String>,
}

/// A pipeline that was made.
#[derive(SimpleObject)]
pub(crate) struct PipelineCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// Its organization.
    organization: Organization,
    /// The pipeline.
    pipeline: Pipeline,
    /// The same, as an entry of the list of pipelines.
    pipeline_edge: PipelineEdge,
}

/// What is to be different about a pipeline. What is null stays.
#[derive(InputObject)]
pub(crate) struct PipelineUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The branch of builds that name none.
    default_branch: Option<String>,
    /// The pipeline's global id.
    id: ID,
    /// Its name for people.
    name: Option<String>,
    /// Where its source is.
    repository: Option<PipelineRepositoryInput>,
    /// The steps of builds that bring none; an empty text for none.
    steps: Option<PipelineStepsInput>,
}

/// A pipeline that was changed.
#[derive(SimpleObject)]
pub(crate) struct PipelineUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The pipeline.
    pipeline: Pipeline,
}

#[derive(Default)]
pub(crate) struct PipelineMutations;

#[Object]
impl PipelineMutations {
    /// Creates a pipeline.
    async fn pipeline_create(&self, ctx: &Context<'_>, input: PipelineCreateInput) -> Nullable<PipelineCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Changes a pipeline. Builds that there are stay as they are.
    async fn pipeline_update(&self, ctx: &Context<'_>, input: PipelineUpdateInput) -> Nullable<PipelineUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: PipelineCreateInput) -> Result<PipelineCreatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let new = NewPipeline {
        name: input.name,
        slug: input.slug,
        repository: Some(input.repository.url),
        default_branch: input.default_branch,
        // An empty text is none, as a change has it.
        steps: input.steps.map(|steps| steps.yaml).filter(|text| !text.is_empty()),
    };
    let row = call.control.create_pipeline(&grant, new).await?;
    Ok(PipelineCreatePayload {
        client_mutation_id: input.client_mutation_id,
        organization: own(call).await?,
        pipeline: row.clone().into(),
        pipeline_edge: PipelineEdge::of_new(row),
    })
}

async fn update(call: &Call, input: PipelineUpdateInput) -> Result<PipelineUpdatePayload> {
    let grant = call.may()?;
    let pipeline = call.control.pipeline_by_id(&call.may()?, expect(&input.id, Sort::Pipeline)?).await?;
    let change = PipelineChange {
        slug: pipeline.slug,
        name: input.name,
        repository: input.repository.map(|it| it.url),
        default_branch: input.default_branch,
        steps: input.steps.map(|it| it.yaml),
    };
    let pipeline = call.control.update_pipeline(&grant, change).await?.into();
    Ok(PipelineUpdatePayload { client_mutation_id: input.client_mutation_id, pipeline })
}
