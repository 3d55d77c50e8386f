//! Agent tokens, as people see them.

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};
use countersign_control::access::actions::{RevealAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{AgentToken, Liveness, Permission, Reaching, TokenReference};
use countersign_control::{Error, MAX_PAGE, PageRequest, revealing};

use crate::call::Call;
use crate::failure::Failure;
use crate::heartbeat::seconds;

use super::problem::results;
use super::user::{DagsterCloudUser, int, person};

/// The most tokens of one answer, the newest: their API has no pages.
pub const MAX_TOKENS: u32 = MAX_PAGE;

results! {
    /// A token that was made, or why there is none.
    CreateAgentTokenResult of DagsterCloudAgentToken;
    /// A token that was taken back, or why it was not.
    RevokeAgentTokenResult of DagsterCloudAgentToken or DagsterCloudTokenNotFoundError;
    /// A token with another description, or why it has none.
    EditDescAgentTokenResult of DagsterCloudAgentToken or DagsterCloudTokenNotFoundError;
    /// A token with other permissions, or why it has none.
    ModifyAgentTokenResult of DagsterCloudAgentToken;
    /// Agent tokens, or why they are not shown.
    AgentTokensOrError of DagsterCloudAgentTokens;
    /// An agent token, or why it is not shown.
    AgentTokenOrError of DagsterCloudAgentToken;
}

/// The organization's agent tokens.
#[derive(SimpleObject)]
pub(crate) struct DagsterCloudAgentTokens {
    /// The newest first, revoked ones too.
    tokens: Vec<DagsterCloudAgentToken>,
}

/// An agent token.
pub(crate) struct DagsterCloudAgentToken {
    it: Box<AgentToken>,
    /// The value of one that was made just now.
    value: Option<String>,
}

impl From<AgentToken> for DagsterCloudAgentToken {
    fn from(it: AgentToken) -> Self {
        Self { it: Box::new(it), value: None }
    }
}

impl DagsterCloudAgentToken {
    pub(crate) fn made(it: AgentToken, value: String) -> Self {
        Self { it: Box::new(it), value: Some(value) }
    }

    async fn value(&self, call: &Call) -> countersign_control::Result<String> {
        if let Some(value) = &self.value {
            return Ok(value.clone());
        }
        let token = &self.it.token;
        // Asked first, so that listing tokens writes nothing for those whose window has closed.
        if !revealing::is_open(token, call.control.now()) {
            return Ok(masked(token.public_id.as_str()));
        }
        let revealed = match call.control.grant_own::<RevealAgentToken>(&call.caller) {
            Ok(grant) => call.control.reveal_agent_token(&grant, TokenReference::Id(token.id)).await,
            Err(error) => Err(error),
        };
        match revealed {
            Ok(secret) => Ok(secret.reveal().to_owned()),
            Err(Error::Denied { .. } | Error::Conflict(_) | Error::NotFound(_)) => Ok(masked(token.public_id.as_str())),
            Err(error) => Err(error),
        }
    }
}

/// In the place of a value that is not shown: the public id of its token, and what is none of a value.
pub(super) fn masked(public_id: &str) -> String {
    format!("{public_id}_********")
}

#[Object]
impl DagsterCloudAgentToken {
    /// Its number in the organization.
    async fn id(&self) -> Result<i32> {
        Ok(number(self.it.token.number)?)
    }

    /// Its value, while its reveal policy allows and the caller may reveal it: each look is in the audit log. Else its public id and asterisks.
    async fn token(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.value(Call::of(ctx)).await.map_err(Failure::Person)?)
    }

    /// Who made it; null for the organization's default token.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<DagsterCloudUser>> {
        Ok(person(Call::of(ctx), self.it.token.created_by).await.map_err(Failure::Person)?)
    }

    /// When it was made, in seconds since the epoch.
    async fn create_timestamp(&self) -> Option<f64> {
        Some(seconds(self.it.token.created_at))
    }

    /// Whether it was taken back.
    async fn revoked(&self) -> bool {
        self.it.token.revoked_at.is_some()
    }

    /// Who took it back.
    async fn revoked_by(&self, ctx: &Context<'_>) -> Result<Option<DagsterCloudUser>> {
        Ok(person(Call::of(ctx), self.it.token.revoked_by).await.map_err(Failure::Person)?)
    }

    /// When it was taken back, in seconds since the epoch.
    async fn revoke_timestamp(&self) -> Option<f64> {
        self.it.token.revoked_at.map(seconds)
    }

    /// What people call it.
    async fn description(&self) -> Option<&str> {
        self.it.token.description.as_deref()
    }

    /// The deployments that it reaches.
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Option<DagsterCloudScopedPermissionGrants>> {
        Ok(Some(permissions(Call::of(ctx), &self.it).await.map_err(Failure::Person)?))
    }
}

/// A token's number.
pub(super) fn number(number: Option<i64>) -> std::result::Result<i32, Failure> {
    let known = number.ok_or_else(|| Error::internal("a token has no number"));
    known.and_then(int).map_err(Failure::Person)
}

/// What somebody may do. Agent tokens have only the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PermissionGrant {
    /// See the catalog.
    CatalogViewer,
    /// See.
    Viewer,
    /// Launch runs.
    Launcher,
    /// Change.
    Editor,
    /// Administer.
    Admin,
    /// Serve, as an agent.
    Agent,
    /// What a role of the organization's own says.
    Custom,
}

/// Where somebody may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PermissionDeploymentScope {
    /// In one deployment.
    Deployment,
    /// In every deployment, branch deployments too.
    Organization,
    /// In all branch deployments.
    AllBranchDeployments,
}

/// What a token reaches. Permissions for single deployments and for branch deployments stay beside the one for the organization, and count once
/// that is taken away.
#[derive(SimpleObject)]
pub(crate) struct DagsterCloudScopedPermissionGrants {
    /// *Org Agent*: null when it is off.
    organization_permission_grant: Option<DagsterCloudScopedPermissionGrant>,
    /// All branch deployments.
    all_branch_deployments_permission_grant: Option<DagsterCloudScopedPermissionGrant>,
    /// Single deployments.
    deployment_permission_grants: Vec<DagsterCloudScopedPermissionGrant>,
}

/// A permission.
#[derive(SimpleObject)]
pub(crate) struct DagsterCloudScopedPermissionGrant {
    /// The deployment's number, of a permission for one.
    deployment_id: Option<i32>,
    /// What for.
    grant: PermissionGrant,
    /// Where.
    deployment_scope: PermissionDeploymentScope,
}

async fn permissions(
    call: &Call,
    token: &AgentToken,
) -> countersign_control::Result<DagsterCloudScopedPermissionGrants> {
    let grant = call.control.grant_own::<ViewAgentTokens>(&call.caller)?;
    let found = call.control.agent_token_permissions(&grant, token.token.id).await?;
    let one = |deployment_id, deployment_scope| DagsterCloudScopedPermissionGrant {
        deployment_id,
        grant: PermissionGrant::Agent,
        deployment_scope,
    };
    let deployments = found.deployments.into_iter();
    let deployments = deployments.map(|id| Ok(one(Some(int(id)?), PermissionDeploymentScope::Deployment)));
    Ok(DagsterCloudScopedPermissionGrants {
        organization_permission_grant: found.organization.then(|| one(None, PermissionDeploymentScope::Organization)),
        all_branch_deployments_permission_grant: found
            .all_branches
            .then(|| one(None, PermissionDeploymentScope::AllBranchDeployments)),
        deployment_permission_grants: deployments.collect::<countersign_control::Result<_>>()?,
    })
}

/// A permission that a token is to have.
#[derive(InputObject)]
pub(crate) struct CreateOrUpdateCloudAgentPermissionsInput {
    /// The token's number.
    pub agent_token_id: i32,
    /// The deployment's number, for a permission for one.
    pub deployment_id: Option<i32>,
    /// `AGENT`; agent tokens have no other.
    pub grant: PermissionGrant,
    /// Where.
    pub deployment_scope: PermissionDeploymentScope,
}

/// A permission that a token is to have no longer.
#[derive(InputObject)]
pub(crate) struct RemoveAgentPermissionsInput {
    /// The token's number.
    pub agent_token_id: i32,
    /// The deployment's number, for a permission for one.
    pub deployment_id: Option<i32>,
    /// Where.
    pub deployment_scope: PermissionDeploymentScope,
}

impl CreateOrUpdateCloudAgentPermissionsInput {
    pub(crate) fn read(&self) -> countersign_control::Result<Permission> {
        if self.grant != PermissionGrant::Agent {
            return Err(Error::invalid("grant", "must be AGENT: an agent token has no other permission"));
        }
        Ok(Permission { reaching: reaching(self.deployment_scope, self.deployment_id)?, is_given: true })
    }
}

impl RemoveAgentPermissionsInput {
    pub(crate) fn read(&self) -> countersign_control::Result<Permission> {
        Ok(Permission { reaching: reaching(self.deployment_scope, self.deployment_id)?, is_given: false })
    }
}

fn reaching(scope: PermissionDeploymentScope, id: Option<i32>) -> countersign_control::Result<Reaching> {
    match (scope, id) {
        (PermissionDeploymentScope::Deployment, Some(id)) => Ok(Reaching::Deployment(i64::from(id))),
        (PermissionDeploymentScope::Deployment, None) => {
            Err(Error::invalid("deploymentId", "is missing; a permission of the scope DEPLOYMENT is for one"))
        }
        (_, Some(_)) => Err(Error::invalid("deploymentId", "is only for a permission of the scope DEPLOYMENT")),
        (PermissionDeploymentScope::Organization, None) => Ok(Reaching::Organization),
        (PermissionDeploymentScope::AllBranchDeployments, None) => Ok(Reaching::AllBranches),
    }
}

/// The organization's agent tokens.
pub(crate) async fn list(call: &Call) -> countersign_control::Result<DagsterCloudAgentTokens> {
    let grant = call.control.grant_own::<ViewAgentTokens>(&call.caller)?;
    let page = call.control.agent_tokens(&grant, Liveness::Any, PageRequest::first(MAX_TOKENS)).await?;
    Ok(DagsterCloudAgentTokens { tokens: page.items.into_iter().map(Into::into).collect() })
}

/// One of them, by its number.
pub(crate) async fn find(call: &Call, number: i32) -> countersign_control::Result<DagsterCloudAgentToken> {
    let grant = call.control.grant_own::<ViewAgentTokens>(&call.caller)?;
    let found = call.control.find_agent_token(&grant, TokenReference::Number(i64::from(number))).await?;
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_names_a_deployment_or_none() {
        use PermissionDeploymentScope::{AllBranchDeployments, Deployment, Organization};
        assert_eq!(reaching(Deployment, Some(7)).ok(), Some(Reaching::Deployment(7)));
        assert_eq!(reaching(Organization, None).ok(), Some(Reaching::Organization));
        assert_eq!(reaching(AllBranchDeployments, None).ok(), Some(Reaching::AllBranches));
        for (scope, id) in [(Deployment, None), (Organization, Some(1)), (AllBranchDeployments, Some(1))] {
            assert!(matches!(reaching(scope, id), Err(Error::Invalid(_))), "{scope:?} {id:?}");
        }
    }

    #[test]
    fn what_is_masked_is_no_value() {
        assert!(!countersign_http::holds_a_token(&masked("4f9Kd0aZ81b")));
    }
}
