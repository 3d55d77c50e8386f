//! Creating and canceling builds.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::builds::NewBuild;
use countersign_control::{Error, Result};

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::build::Build;

/// What is to be built.
#[derive(InputObject)]
pub(crate) struct BuildCreateFromDefinitionInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The organization's global id.
    #[graphql(name = "organizationID")]
    organization_id: ID,
    /// The pipeline's steps, as YAML or JSON.
    definition: String,
    /// The pipeline's slug; it is made by its first build.
    pipeline: String,
    /// The queue of steps that name none; null: `default`.
    queue: Option<String>,
    /// The name of the deployment that its jobs run in; null: the organization's default.
    deployment: Option<String>,
    /// What it is for, in words.
    message: Option<String>,
}

/// A build that was made.
#[derive(SimpleObject)]
pub(crate) struct BuildCreateFromDefinitionPayload {
    /// The build.
    build: Build,
    /// As in the input.
    client_mutation_id: Option<String>,
}

/// Which build is to be canceled.
#[derive(InputObject)]
pub(crate) struct BuildCancelInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The build's global id.
    id: ID,
}

/// A build that was canceled.
#[derive(SimpleObject)]
pub(crate) struct BuildCancelPayload {
    /// The build.
    build: Build,
    /// As in the input.
    client_mutation_id: Option<String>,
}

#[derive(Default)]
pub(crate) struct BuildMutations;

#[Object]
impl BuildMutations {
    /// Creates a build from the text of a pipeline, without a repository.
    async fn build_create_from_definition(
        &self,
        ctx: &Context<'_>,
        input: BuildCreateFromDefinitionInput,
    ) -> Nullable<BuildCreateFromDefinitionPayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Cancels a build: jobs that wait end at once, jobs that run are ended by their agents.
    async fn build_cancel(&self, ctx: &Context<'_>, input: BuildCancelInput) -> Nullable<BuildCancelPayload> {
        answered(cancel(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: BuildCreateFromDefinitionInput) -> Result<BuildCreateFromDefinitionPayload> {
    let grant = call.may_in(&input.organization_id)?;
    // An empty text would stand for the steps that the pipeline has; who brings a text along means that text.
    if input.definition.trim().is_empty() {
        return Err(Error::invalid("definition", "is empty; write a pipeline with at least one step"));
    }
    let new = NewBuild {
        definition: input.definition,
        pipeline: input.pipeline,
        queue: input.queue,
        deployment: input.deployment,
        message: input.message,
        ..NewBuild::default()
    };
    let build = Build(call.control.create_build(&grant, new).await?);
    Ok(BuildCreateFromDefinitionPayload { build, client_mutation_id: input.client_mutation_id })
}

async fn cancel(call: &Call, input: BuildCancelInput) -> Result<BuildCancelPayload> {
    let id = expect(&input.id, Sort::Build)?;
    let build = Build(call.control.cancel_build(&call.may()?, id).await?);
    Ok(BuildCancelPayload { build, client_mutation_id: input.client_mutation_id })
}
