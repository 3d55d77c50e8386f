//! Creating, changing, revealing and revoking one's own user tokens.

use async_graphql::{Context, Object};
use countersign_control::Result;
use countersign_control::user_tokens::{NewUserToken, UserTokenChange};

use crate::call::Call;
use crate::nullable::{Nullable, answered};
use crate::types::user_token::UserToken;

use super::agent_tokens::given;
use super::user_token_inputs::{
    UserTokenCreateInput, UserTokenCreatePayload, UserTokenRevealInput, UserTokenRevealPayload, UserTokenRevokeInput,
    UserTokenRevokePayload, UserTokenUpdateInput, UserTokenUpdatePayload, reference,
};

#[derive(Default)]
pub(crate) struct UserTokenMutations;

#[Object]
impl UserTokenMutations {
    /// Creates a user token for the caller.
    async fn user_token_create(
        &self,
        ctx: &Context<'_>,
        input: UserTokenCreateInput,
    ) -> Nullable<UserTokenCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Shows the value of one of the caller's user tokens again, while its reveal policy allows.
    async fn user_token_reveal(
        &self,
        ctx: &Context<'_>,
        input: UserTokenRevealInput,
    ) -> Nullable<UserTokenRevealPayload> {
        answered(reveal(Call::of(ctx), input).await)
    }

    /// Changes one of the caller's user tokens.
    async fn user_token_update(
        &self,
        ctx: &Context<'_>,
        input: UserTokenUpdateInput,
    ) -> Nullable<UserTokenUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Takes one of the caller's user tokens back.
    async fn user_token_revoke(
        &self,
        ctx: &Context<'_>,
        input: UserTokenRevokeInput,
    ) -> Nullable<UserTokenRevokePayload> {
        answered(revoke(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: UserTokenCreateInput) -> Result<UserTokenCreatePayload> {
    let new = NewUserToken {
        description: input.description,
        expires_at: input.expires_at.map(|at| at.0),
        reveal_policy: input.reveal_policy.map(Into::into),
    };
    let issued = call.control.create_user_token(&call.may()?, new).await?;
    Ok(UserTokenCreatePayload {
        client_mutation_id: input.client_mutation_id,
        user_token: UserToken(issued.token),
        token_value: issued.secret.reveal().to_owned(),
    })
}

async fn reveal(call: &Call, input: UserTokenRevealInput) -> Result<UserTokenRevealPayload> {
    let secret = call.control.reveal_user_token(&call.may()?, reference(&input.id)?).await?;
    Ok(UserTokenRevealPayload {
        client_mutation_id: input.client_mutation_id,
        public_id: secret.public_id().to_string(),
        token_value: secret.reveal().to_owned(),
    })
}

async fn update(call: &Call, input: UserTokenUpdateInput) -> Result<UserTokenUpdatePayload> {
    let change = UserTokenChange {
        token: reference(&input.id)?,
        description: given(input.description),
        expires_at: given(input.expires_at).map(|at| at.map(|at| at.0)),
    };
    let token = call.control.update_user_token(&call.may()?, change).await?;
    Ok(UserTokenUpdatePayload { client_mutation_id: input.client_mutation_id, user_token: UserToken(token) })
}

async fn revoke(call: &Call, input: UserTokenRevokeInput) -> Result<UserTokenRevokePayload> {
    let token = call.control.revoke_user_token(&call.may()?, reference(&input.id)?, input.reason).await?;
    Ok(UserTokenRevokePayload { client_mutation_id: input.client_mutation_id, user_token: UserToken(token) })
}
