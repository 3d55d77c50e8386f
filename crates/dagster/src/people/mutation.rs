//! What people do. Each is the operation that the other faces call, with what their API does not ask for filled in.

use async_graphql::{Context, Object, Result};
use countersign_control::access::actions::{
    CreateAgentToken, CreateUserToken, RevokeAgentToken, UpdateAgentToken, UpdateUserToken,
};
use countersign_control::agent_tokens::{AgentTokenChange, NewAgentToken, Permission, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::user_tokens::{NewUserToken, UserTokenChange, UserTokenReference};

use crate::call::Call;

use super::locations::{self, AddOrUpdateLocationResult, DeleteLocationResult, GenericScalar};
use super::runs::{self, ExecutionParams, LaunchRunResult};
use super::tokens::{
    CreateAgentTokenResult, CreateOrUpdateCloudAgentPermissionsInput, DagsterCloudAgentToken, EditDescAgentTokenResult,
    ModifyAgentTokenResult, RemoveAgentPermissionsInput, RevokeAgentTokenResult,
};
use super::user_tokens::{
    self, CreateUserTokenResult, DagsterCloudUserToken, EditDescUserTokenResult, RevokeUserTokenResult, own,
};

/// Why a token was revoked that was revoked here, where nobody is asked for a reason.
const REASON: &str = "Revoked over the Dagster+ API, which asks for no reason";

/// The fields of the mutation that are for people.
#[derive(Default)]
pub(crate) struct ByPeople;

#[Object]
impl ByPeople {
    /// Makes an agent token that reaches every deployment.
    async fn create_agent_token(
        &self,
        ctx: &Context<'_>,
        description: Option<String>,
    ) -> Result<CreateAgentTokenResult> {
        CreateAgentTokenResult::of(create(Call::of(ctx), description).await)
    }

    /// Takes an agent token back, for every call that starts after the answer. Buildkite agents that are connected with it stay so.
    async fn revoke_agent_token(&self, ctx: &Context<'_>, token_id: i32) -> Result<RevokeAgentTokenResult> {
        RevokeAgentTokenResult::of(revoke(Call::of(ctx), token_id).await)
    }

    /// Says what an agent token is for.
    async fn edit_agent_token_description(
        &self,
        ctx: &Context<'_>,
        token_id: i32,
        description: Option<String>,
    ) -> Result<EditDescAgentTokenResult> {
        let change = AgentTokenChange {
            description: Some(given(description)),
            ..AgentTokenChange::nothing(TokenReference::Number(token_id.into()))
        };
        EditDescAgentTokenResult::of(update(Call::of(ctx), change).await)
    }

    /// Gives an agent token a permission.
    async fn create_or_update_agent_permissions(
        &self,
        ctx: &Context<'_>,
        agent_permission: CreateOrUpdateCloudAgentPermissionsInput,
    ) -> Result<ModifyAgentTokenResult> {
        let permission = agent_permission.read();
        ModifyAgentTokenResult::of(permit(Call::of(ctx), agent_permission.agent_token_id, permission).await)
    }

    /// Takes a permission from an agent token, but not the last one.
    async fn remove_agent_permissions(
        &self,
        ctx: &Context<'_>,
        agent_permission: RemoveAgentPermissionsInput,
    ) -> Result<ModifyAgentTokenResult> {
        let permission = agent_permission.read();
        ModifyAgentTokenResult::of(permit(Call::of(ctx), agent_permission.agent_token_id, permission).await)
    }

    /// Says how a code location is loaded, of a new one or one that is there; agents load it then.
    async fn add_or_update_location_from_document(
        &self,
        ctx: &Context<'_>,
        document: GenericScalar,
    ) -> Result<AddOrUpdateLocationResult> {
        AddOrUpdateLocationResult::of(locations::set(Call::of(ctx), &document).await)
    }

    /// Removes a code location; agents let it go.
    async fn delete_location(&self, ctx: &Context<'_>, location_name: String) -> Result<DeleteLocationResult> {
        DeleteLocationResult::of(locations::remove(Call::of(ctx), &location_name).await)
    }

    /// Launches a run of a job of the deployment that the call is about. A call that comes again with its `Idempotency-Key` answers the same run.
    async fn launch_run(&self, ctx: &Context<'_>, execution_params: ExecutionParams) -> Result<LaunchRunResult> {
        LaunchRunResult::of(runs::launch(Call::of(ctx), execution_params).await)
    }

    /// Makes a user token for the caller.
    async fn create_user_token(
        &self,
        ctx: &Context<'_>,
        description: Option<String>,
        user_id: Option<i32>,
    ) -> Result<CreateUserTokenResult> {
        CreateUserTokenResult::of(create_for_user(Call::of(ctx), description, user_id).await)
    }

    /// Takes a user token back: one of the caller's own, which may be the very one of the call, or for an Organization Admin another member's.
    async fn revoke_user_token(
        &self,
        ctx: &Context<'_>,
        token_id: i32,
        user_id: Option<i32>,
    ) -> Result<RevokeUserTokenResult> {
        RevokeUserTokenResult::of(user_tokens::revoke(Call::of(ctx), token_id, user_id, REASON).await)
    }

    /// Says what one of the caller's own user tokens is for.
    async fn edit_user_token_description(
        &self,
        ctx: &Context<'_>,
        token_id: i32,
        description: Option<String>,
        user_id: Option<i32>,
    ) -> Result<EditDescUserTokenResult> {
        EditDescUserTokenResult::of(describe_of_user(Call::of(ctx), token_id, description, user_id).await)
    }
}

/// Their programs send an empty text for none.
fn given(description: Option<String>) -> Option<String> {
    description.filter(|text| !text.is_empty())
}

type Outcome<T> = countersign_control::Result<T>;

async fn create(call: &Call, description: Option<String>) -> Outcome<DagsterCloudAgentToken> {
    let grant = call.control.grant_own::<CreateAgentToken>(&call.caller)?;
    let new = NewAgentToken { description: given(description), ..NewAgentToken::default() };
    let issued = call.control.create_agent_token(&grant, new).await?;
    Ok(DagsterCloudAgentToken::made(issued.token, issued.secret.reveal().to_owned()))
}

async fn revoke(call: &Call, number: i32) -> Outcome<DagsterCloudAgentToken> {
    let grant = call.control.grant_own::<RevokeAgentToken>(&call.caller)?;
    let revocation = Revocation {
        token: TokenReference::Number(number.into()),
        reason: REASON.to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    Ok(call.control.revoke_agent_token(&grant, revocation).await?.token.into())
}

async fn update(call: &Call, change: AgentTokenChange) -> Outcome<DagsterCloudAgentToken> {
    let grant = call.control.grant_own::<UpdateAgentToken>(&call.caller)?;
    Ok(call.control.update_agent_token(&grant, change).await?.token.into())
}

async fn permit(call: &Call, number: i32, permission: Outcome<Permission>) -> Outcome<DagsterCloudAgentToken> {
    // Whoever may not is told so before what is wrong with the input.
    call.control.grant_own::<UpdateAgentToken>(&call.caller)?;
    let permission = Some(permission?);
    let token = TokenReference::Number(number.into());
    update(call, AgentTokenChange { permission, ..AgentTokenChange::nothing(token) }).await
}

async fn create_for_user(
    call: &Call,
    description: Option<String>,
    user: Option<i32>,
) -> Outcome<DagsterCloudUserToken> {
    let grant = own::<CreateUserToken>(call, user).await?;
    let new = NewUserToken { description: given(description), ..NewUserToken::default() };
    let issued = call.control.create_user_token(&grant, new).await?;
    Ok(DagsterCloudUserToken::made(issued.token, issued.secret.reveal().to_owned()))
}

async fn describe_of_user(
    call: &Call,
    number: i32,
    description: Option<String>,
    user: Option<i32>,
) -> Outcome<DagsterCloudUserToken> {
    let grant = own::<UpdateUserToken>(call, user).await?;
    let token = UserTokenReference::Number(number.into());
    let change = UserTokenChange { token, description: Some(given(description)), expires_at: None };
    Ok(call.control.update_user_token(&grant, change).await?.into())
}
