//! Creating, renaming and deleting deployments.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::deployments::{Deletion, DeploymentChange, NewDeployment};

use crate::call::Call;
use crate::global_id::{self, Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::connection::int;
use crate::types::date_time::DateTime;
use crate::types::deployment::Deployment;

/// What a new deployment is to be.
#[derive(InputObject)]
pub(crate) struct DeploymentCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// Its name, unique in the organization: letters, digits, `-`, `_`, `.` and blanks.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// The global id of the full deployment that it belongs to, for a branch deployment.
    parent_id: Option<ID>,
    /// From when on it is removed with all that it holds: for branch deployments alone. null: it stays.
    expires_at: Option<DateTime>,
}

/// A deployment that was made.
#[derive(SimpleObject)]
pub(crate) struct DeploymentCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The deployment.
    deployment: Deployment,
}

/// Which deployment is to have another name.
#[derive(InputObject)]
pub(crate) struct DeploymentRenameInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The deployment's global id.
    id: ID,
    /// Its new name.
    name: String,
}

/// A deployment that was renamed.
#[derive(SimpleObject)]
pub(crate) struct DeploymentRenamePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The deployment.
    deployment: Deployment,
}

/// Which deployment is to go.
#[derive(InputObject)]
pub(crate) struct DeploymentDeleteInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The deployment's global id.
    id: ID,
    /// Also when it holds work: its builds are canceled, its agents told to leave once their job has ended, agent tokens that reach it alone
    /// revoked, and its branch deployments deleted.
    #[graphql(default_with = "Some(false)")]
    force: Option<bool>,
}

/// A deployment that is gone, and what it held.
#[derive(SimpleObject)]
pub(crate) struct DeploymentDeletePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The global id that it had.
    deleted_deployment_id: ID,
    /// The names of the branch deployments that went with it.
    deleted_branch_deployments: Vec<String>,
    /// How many builds had not ended, and are canceled.
    builds_canceled: i32,
    /// How many agents were there, and are told to leave.
    agents_told: i32,
    /// How many agent tokens reached it alone, and are revoked.
    agent_tokens_revoked: i32,
}

#[derive(Default)]
pub(crate) struct DeploymentMutations;

#[Object]
impl DeploymentMutations {
    /// Creates a deployment, full or branch.
    async fn deployment_create(
        &self,
        ctx: &Context<'_>,
        input: DeploymentCreateInput,
    ) -> Nullable<DeploymentCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Gives a deployment another name. Its id stays, and with it the scopes of tokens that name it.
    async fn deployment_rename(
        &self,
        ctx: &Context<'_>,
        input: DeploymentRenameInput,
    ) -> Nullable<DeploymentRenamePayload> {
        answered(rename(Call::of(ctx), input).await)
    }

    /// Deletes a deployment; one that holds work only by force. The default deployment stays.
    async fn deployment_delete(
        &self,
        ctx: &Context<'_>,
        input: DeploymentDeleteInput,
    ) -> Nullable<DeploymentDeletePayload> {
        answered(delete(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: DeploymentCreateInput) -> Result<DeploymentCreatePayload> {
    let parent = input.parent_id.map(|id| expect(&id, Sort::Deployment)).transpose()?;
    let new = NewDeployment {
        name: input.name,
        parent,
        description: input.description,
        expires_at: input.expires_at.map(|at| at.0),
        ..NewDeployment::default()
    };
    let deployment = Deployment(call.control.create_deployment(&call.may()?, new).await?);
    Ok(DeploymentCreatePayload { client_mutation_id: input.client_mutation_id, deployment })
}

async fn rename(call: &Call, input: DeploymentRenameInput) -> Result<DeploymentRenamePayload> {
    let change =
        DeploymentChange { name: Some(input.name), ..DeploymentChange::of(expect(&input.id, Sort::Deployment)?) };
    let deployment = Deployment(call.control.update_deployment(&call.may()?, change).await?);
    Ok(DeploymentRenamePayload { client_mutation_id: input.client_mutation_id, deployment })
}

async fn delete(call: &Call, input: DeploymentDeleteInput) -> Result<DeploymentDeletePayload> {
    let deletion = Deletion { deployment: expect(&input.id, Sort::Deployment)?, force: input.force.unwrap_or(false) };
    let deleted = call.control.delete_deployment(&call.may()?, deletion).await?;
    Ok(DeploymentDeletePayload {
        client_mutation_id: input.client_mutation_id,
        deleted_deployment_id: global_id::encode(Sort::Deployment, deleted.deployment.id),
        deleted_branch_deployments: deleted.branches.into_iter().map(|it| it.name).collect(),
        builds_canceled: int(deleted.held.builds),
        agents_told: int(deleted.held.agents),
        agent_tokens_revoked: int(deleted.held.tokens),
    })
}
