//! Making service users, describing them, and making and revealing their tokens.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::service_users::{NewServiceUser, ServiceUserChange};
use countersign_control::user_tokens::NewUserToken;

use crate::call::Call;
use crate::nullable::{Nullable, answered};
use crate::types::agent_token::RevealPolicy;
use crate::types::date_time::DateTime;
use crate::types::member::{OrganizationMember, OrganizationMemberRole, reference};
use crate::types::user_token::UserToken;

use super::agent_tokens::given;

/// What a new service user is to be.
#[derive(InputObject)]
pub(crate) struct ServiceUserCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// Its name, unique among the service users of the organization: letters, digits, `-`, `_` and `.`.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// What it may do.
    #[graphql(default_with = "Some(OrganizationMemberRole::Member)")]
    role: Option<OrganizationMemberRole>,
}

/// A service user that was made, without any token.
#[derive(SimpleObject)]
pub(crate) struct ServiceUserCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The service user.
    service_user: OrganizationMember,
}

/// What is to be different about a service user. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct ServiceUserUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The service user's global id, uuid or name.
    id: ID,
    /// Another name.
    name: Option<String>,
    /// null takes the description away.
    description: MaybeUndefined<String>,
}

/// A service user that was changed.
#[derive(SimpleObject)]
pub(crate) struct ServiceUserUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The service user as it is now.
    service_user: OrganizationMember,
}

/// What a new user token of a service user is to be.
#[derive(InputObject)]
pub(crate) struct ServiceUserTokenCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The service user's global id, uuid or name.
    service_user_id: ID,
    /// What people will call it.
    description: Option<String>,
    /// From when on it is refused; null: never.
    expires_at: Option<DateTime>,
    /// Until when its value can be shown again; null: as the organization has it.
    reveal_policy: Option<RevealPolicy>,
}

/// A user token that was made for a service user.
#[derive(SimpleObject)]
pub(crate) struct ServiceUserTokenCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The token.
    user_token: UserToken,
    /// Its value.
    token_value: String,
}

/// Which token of which service user is to be shown.
#[derive(InputObject)]
pub(crate) struct ServiceUserTokenRevealInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The service user's global id, uuid or name.
    service_user_id: ID,
    /// The token's global id, uuid or public id.
    id: ID,
}

/// A value. That it was shown is in the audit log.
#[derive(SimpleObject)]
pub(crate) struct ServiceUserTokenRevealPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The public part of the value.
    public_id: String,
    /// The value.
    token_value: String,
}

#[derive(Default)]
pub(crate) struct ServiceUserMutations;

#[Object]
impl ServiceUserMutations {
    /// Creates a service user: a member that is a program. It is removed like any member.
    async fn service_user_create(
        &self,
        ctx: &Context<'_>,
        input: ServiceUserCreateInput,
    ) -> Nullable<ServiceUserCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Changes a service user's name, and what it is for.
    async fn service_user_update(
        &self,
        ctx: &Context<'_>,
        input: ServiceUserUpdateInput,
    ) -> Nullable<ServiceUserUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Creates a user token for a service user. Its tokens are revoked like those of any member.
    async fn service_user_token_create(
        &self,
        ctx: &Context<'_>,
        input: ServiceUserTokenCreateInput,
    ) -> Nullable<ServiceUserTokenCreatePayload> {
        answered(create_token(Call::of(ctx), input).await)
    }

    /// Shows the value of a service user's token again, while its reveal policy allows.
    async fn service_user_token_reveal(
        &self,
        ctx: &Context<'_>,
        input: ServiceUserTokenRevealInput,
    ) -> Nullable<ServiceUserTokenRevealPayload> {
        answered(reveal(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: ServiceUserCreateInput) -> Result<ServiceUserCreatePayload> {
    let new = NewServiceUser {
        name: input.name,
        description: input.description,
        role: input.role.unwrap_or(OrganizationMemberRole::Member).into(),
    };
    let service_user = OrganizationMember(call.control.create_service_user(&call.may()?, new).await?);
    Ok(ServiceUserCreatePayload { client_mutation_id: input.client_mutation_id, service_user })
}

async fn update(call: &Call, input: ServiceUserUpdateInput) -> Result<ServiceUserUpdatePayload> {
    let change = ServiceUserChange {
        service_user: reference(&input.id)?,
        name: input.name,
        description: given(input.description),
    };
    let service_user = OrganizationMember(call.control.update_service_user(&call.may()?, change).await?);
    Ok(ServiceUserUpdatePayload { client_mutation_id: input.client_mutation_id, service_user })
}

async fn create_token(call: &Call, input: ServiceUserTokenCreateInput) -> Result<ServiceUserTokenCreatePayload> {
    let new = NewUserToken {
        description: input.description,
        expires_at: input.expires_at.map(|at| at.0),
        reveal_policy: input.reveal_policy.map(Into::into),
    };
    let owner = reference(&input.service_user_id)?;
    let issued = call.control.create_service_user_token(&call.may()?, owner, new).await?;
    Ok(ServiceUserTokenCreatePayload {
        client_mutation_id: input.client_mutation_id,
        user_token: UserToken(issued.token),
        token_value: issued.secret.reveal().to_owned(),
    })
}

async fn reveal(call: &Call, input: ServiceUserTokenRevealInput) -> Result<ServiceUserTokenRevealPayload> {
    let (owner, token) = (reference(&input.service_user_id)?, super::user_token_inputs::reference(&input.id)?);
    let secret = call.control.reveal_service_user_token(&call.may()?, owner, token).await?;
    Ok(ServiceUserTokenRevealPayload {
        client_mutation_id: input.client_mutation_id,
        public_id: secret.public_id().to_string(),
        token_value: secret.reveal().to_owned(),
    })
}
