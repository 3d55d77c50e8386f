//! Creating, canceling and repeating builds.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::access::actions::CreateBuild;
use countersign_control::{Error, Grant};
use countersign_domain::id::BuildId;

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::build::{self, Build};

use super::build_inputs::{
    BuildCreateFromDefinitionInput, BuildCreateFromDefinitionPayload, BuildCreateInput, BuildCreatePayload,
};

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

/// Which build is to be made once more.
#[derive(InputObject)]
pub(crate) struct BuildRebuildInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The build's global id.
    id: ID,
}

/// A build that was made once more.
#[derive(SimpleObject)]
pub(crate) struct BuildRebuildPayload {
    /// The build that was there.
    build: Build,
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The new one.
    rebuild: Build,
}

#[derive(Default)]
pub(crate) struct BuildMutations;

#[Object]
impl BuildMutations {
    /// Creates a build of a pipeline that has steps of its own.
    async fn build_create(&self, ctx: &Context<'_>, input: BuildCreateInput) -> Nullable<BuildCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Creates a build from the text of a pipeline.
    async fn build_create_from_definition(
        &self,
        ctx: &Context<'_>,
        input: BuildCreateFromDefinitionInput,
    ) -> Nullable<BuildCreateFromDefinitionPayload> {
        answered(create_from_definition(Call::of(ctx), input).await)
    }

    /// Cancels a build: jobs that wait end at once, jobs that run are ended by their agents.
    async fn build_cancel(&self, ctx: &Context<'_>, input: BuildCancelInput) -> Nullable<BuildCancelPayload> {
        answered(cancel(Call::of(ctx), input).await)
    }

    /// Creates a build from what another was made from. Its meta-data do not come along.
    async fn build_rebuild(&self, ctx: &Context<'_>, input: BuildRebuildInput) -> Nullable<BuildRebuildPayload> {
        answered(rebuild(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, mut input: BuildCreateInput) -> Result<BuildCreatePayload> {
    let client_mutation_id = input.client_mutation_id.take();
    let grant: Grant<CreateBuild> = call.may()?;
    let pipeline = call.control.pipeline_by_id(&call.may()?, expect(&input.pipeline_id, Sort::Pipeline)?).await?;
    if pipeline.steps.is_none() {
        let why = "has no steps of its own; give it some with pipelineUpdate, or use buildCreateFromDefinition";
        return Err(Error::invalid("pipelineID", why));
    }
    let build = call.control.create_build(&grant, input.into_new(pipeline.slug)?).await?;
    Ok(BuildCreatePayload { build: Some(Build(build)), client_mutation_id })
}

async fn create_from_definition(
    call: &Call,
    mut input: BuildCreateFromDefinitionInput,
) -> Result<BuildCreateFromDefinitionPayload> {
    let client_mutation_id = input.client_mutation_id.take();
    let grant = call.may_in(&input.organization_id)?;
    let build = Build(call.control.create_build(&grant, input.into_new()?).await?);
    Ok(BuildCreateFromDefinitionPayload { build, client_mutation_id })
}

async fn cancel(call: &Call, input: BuildCancelInput) -> Result<BuildCancelPayload> {
    let id = expect(&input.id, Sort::Build)?;
    let build = Build(call.control.cancel_build(&call.may()?, id).await?);
    Ok(BuildCancelPayload { build, client_mutation_id: input.client_mutation_id })
}

async fn rebuild(call: &Call, input: BuildRebuildInput) -> Result<BuildRebuildPayload> {
    let id: BuildId = expect(&input.id, Sort::Build)?;
    let rebuild = Build(call.control.rebuild(&call.may()?, id).await?);
    let build = build::by_id(call, id).await?;
    Ok(BuildRebuildPayload { build, client_mutation_id: input.client_mutation_id, rebuild })
}
