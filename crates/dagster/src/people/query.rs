//! What people ask.

use async_graphql::{Context, ID, Object, Result};
use countersign_control::access::actions::ViewOrganization;

use crate::call::Call;
use crate::failure::Failure;

use super::deployments::{self, DagsterCloudDeployment, DeploymentOrError};
use super::locations::{self, LocationsAsDocument, WorkspaceOrError};
use super::runs::{self, RunOrError};
use super::settings::{DeploymentSettings, OrganizationSettings};
use super::tokens::{self, AgentTokenOrError, AgentTokensOrError};
use super::user_tokens::{self, UserTokensOrError};
use super::workspace::{self, WorkspaceQuery};

/// The fields of the query that are for people.
#[derive(Default)]
pub(crate) struct OfPeople;

#[Object]
impl OfPeople {
    /// The organization's agent tokens.
    async fn agent_tokens_or_error(&self, ctx: &Context<'_>) -> Result<AgentTokensOrError> {
        AgentTokensOrError::of(tokens::list(Call::of(ctx)).await)
    }

    /// One of them, by its number.
    async fn agent_token_or_error(&self, ctx: &Context<'_>, token_id: i32) -> Result<AgentTokenOrError> {
        AgentTokenOrError::of(tokens::find(Call::of(ctx), token_id).await)
    }

    /// A member's user tokens: the caller's own, or for an Organization Admin those of the member whose number this is.
    async fn user_tokens_or_error(&self, ctx: &Context<'_>, user_id: Option<i32>) -> Result<UserTokensOrError> {
        UserTokensOrError::of(user_tokens::list(Call::of(ctx), user_id).await)
    }

    /// The organization's full deployments, by name.
    async fn full_deployments(&self, ctx: &Context<'_>) -> Result<Vec<DagsterCloudDeployment>> {
        Ok(deployments::full(Call::of(ctx)).await.map_err(Failure::Person)?)
    }

    /// One of the organization's deployments, by its name.
    async fn deployment_by_name(&self, ctx: &Context<'_>, name: String) -> Result<DeploymentOrError> {
        DeploymentOrError::of(deployments::named(Call::of(ctx), &name).await)
    }

    /// The deployment that the call is about.
    async fn current_deployment(&self, ctx: &Context<'_>) -> Result<DagsterCloudDeployment> {
        Ok(deployments::current(Call::of(ctx)).await.map_err(Failure::Person)?)
    }

    /// Settings of the organization: none.
    async fn organization_settings(&self, ctx: &Context<'_>) -> Result<Option<OrganizationSettings>> {
        Call::of(ctx).person::<ViewOrganization>()?;
        Ok(Some(OrganizationSettings::default()))
    }

    /// Settings of the deployment that the call is about: none.
    async fn deployment_settings(&self, ctx: &Context<'_>) -> Result<Option<DeploymentSettings>> {
        deployments::current(Call::of(ctx)).await.map_err(Failure::Person)?;
        Ok(Some(DeploymentSettings::default()))
    }

    /// What is to be loaded in the deployment that the call is about.
    async fn workspace(&self, ctx: &Context<'_>) -> Result<Option<WorkspaceQuery>> {
        Ok(Some(workspace::of_current(Call::of(ctx)).await.map_err(Failure::Person)?))
    }

    /// The same, and where each code location stands.
    async fn workspace_or_error(&self, ctx: &Context<'_>) -> Result<WorkspaceOrError> {
        WorkspaceOrError::of(locations::workspace(Call::of(ctx)).await)
    }

    /// The same as one document.
    async fn locations_as_document(&self, ctx: &Context<'_>) -> Result<LocationsAsDocument> {
        Ok(locations::as_document(Call::of(ctx)).await.map_err(Failure::Person)?)
    }

    /// One of the organization's runs.
    async fn run_or_error(&self, ctx: &Context<'_>, run_id: ID) -> Result<RunOrError> {
        RunOrError::of(runs::find(Call::of(ctx), &run_id).await)
    }
}
