//! Changing members, and taking their user tokens back.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::members::RoleChange;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};
use crate::types::connection::int;
use crate::types::member::{OrganizationMember, OrganizationMemberRole, reference};
use crate::types::user::User;
use crate::types::user_token::UserToken;

/// Who is to have which role.
#[derive(InputObject)]
pub(crate) struct OrganizationMemberUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The member's global id, uuid or e-mail address; a service user's name.
    id: ID,
    /// The role.
    role: OrganizationMemberRole,
    /// Whether the user tokens of an Organization Admin who becomes a plain member stay good. Otherwise they are revoked.
    #[graphql(default_with = "Some(false)")]
    keep_tokens: Option<bool>,
}

/// A member who has another role.
#[derive(SimpleObject)]
pub(crate) struct OrganizationMemberUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The member as they are now.
    organization_member: OrganizationMember,
    /// How many of their user tokens were revoked.
    user_tokens_revoked: i32,
    /// How many invitations that they had made were withdrawn.
    invitations_withdrawn: i32,
}

/// Who is to go.
#[derive(InputObject)]
pub(crate) struct OrganizationMemberDeleteInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The member's global id, uuid or e-mail address; a service user's name.
    id: ID,
}

/// Somebody who is no member any more.
#[derive(SimpleObject)]
pub(crate) struct OrganizationMemberDeletePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The global id that the member had.
    #[graphql(name = "deletedOrganizationMemberID")]
    deleted_organization_member_id: ID,
    /// Who.
    user: User,
    /// How many of their user tokens were revoked.
    user_tokens_revoked: i32,
    /// How many invitations that they had made were withdrawn.
    invitations_withdrawn: i32,
}

/// Which user token of which member is taken back.
#[derive(InputObject)]
pub(crate) struct OrganizationMemberTokenRevokeInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The member's global id, uuid or e-mail address; a service user's name.
    member_id: ID,
    /// The token's global id, uuid or public id.
    id: ID,
    /// Why.
    reason: Option<String>,
}

/// A member's user token that was taken back. No call with it is accepted any more.
#[derive(SimpleObject)]
pub(crate) struct OrganizationMemberTokenRevokePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The token as it is now.
    user_token: UserToken,
}

#[derive(Default)]
pub(crate) struct MemberMutations;

#[Object]
impl MemberMutations {
    /// Gives a member another role. The last Organization Admin stays one.
    async fn organization_member_update(
        &self,
        ctx: &Context<'_>,
        input: OrganizationMemberUpdateInput,
    ) -> Nullable<OrganizationMemberUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Takes a member, person or service user, out of the organization, and all their user tokens in it back. The last Organization Admin
    /// stays.
    async fn organization_member_delete(
        &self,
        ctx: &Context<'_>,
        input: OrganizationMemberDeleteInput,
    ) -> Nullable<OrganizationMemberDeletePayload> {
        answered(delete(Call::of(ctx), input).await)
    }

    /// Takes a user token of a member back.
    async fn organization_member_token_revoke(
        &self,
        ctx: &Context<'_>,
        input: OrganizationMemberTokenRevokeInput,
    ) -> Nullable<OrganizationMemberTokenRevokePayload> {
        answered(revoke(Call::of(ctx), input).await)
    }
}

/// A count as GraphQL's `Int`.
fn count(number: u64) -> i32 {
    int(i64::try_from(number).unwrap_or(i64::MAX))
}

async fn update(call: &Call, input: OrganizationMemberUpdateInput) -> Result<OrganizationMemberUpdatePayload> {
    let change = RoleChange {
        member: reference(&input.id)?,
        role: input.role.into(),
        keep_tokens: input.keep_tokens.unwrap_or_default(),
    };
    let changed = call.control.change_member_role(&call.may()?, change).await?;
    Ok(OrganizationMemberUpdatePayload {
        client_mutation_id: input.client_mutation_id,
        organization_member: OrganizationMember(changed.member),
        user_tokens_revoked: count(changed.tokens_revoked),
        invitations_withdrawn: count(changed.invitations_withdrawn),
    })
}

async fn delete(call: &Call, input: OrganizationMemberDeleteInput) -> Result<OrganizationMemberDeletePayload> {
    let removal = call.control.remove_member(&call.may()?, reference(&input.id)?).await?;
    Ok(OrganizationMemberDeletePayload {
        client_mutation_id: input.client_mutation_id,
        deleted_organization_member_id: global_id::encode(Sort::OrganizationMember, removal.member.user.id),
        user: User(removal.member.user),
        user_tokens_revoked: count(removal.tokens_revoked),
        invitations_withdrawn: count(removal.invitations_withdrawn),
    })
}

async fn revoke(
    call: &Call,
    input: OrganizationMemberTokenRevokeInput,
) -> Result<OrganizationMemberTokenRevokePayload> {
    let (member, token) = (reference(&input.member_id)?, super::user_token_inputs::reference(&input.id)?);
    let token = call.control.revoke_member_token(&call.may()?, member, token, input.reason).await?;
    Ok(OrganizationMemberTokenRevokePayload {
        client_mutation_id: input.client_mutation_id,
        user_token: UserToken(token),
    })
}
