//! Inviting people, and becoming a member.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::invitations::NewInvitation;

use crate::call::Call;
use crate::nullable::{Nullable, answered};
use crate::types::date_time::DateTime;
use crate::types::invitation::{OrganizationInvitation, reference};
use crate::types::member::OrganizationMemberRole;
use crate::types::user::User;
use crate::types::user_token::UserToken;

/// Who is to be invited, and as what.
#[derive(InputObject)]
pub(crate) struct OrganizationInvitationCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The e-mail address of whoever is invited. Nothing is sent there.
    email: String,
    /// What they become.
    #[graphql(default_with = "Some(OrganizationMemberRole::Member)")]
    role: Option<OrganizationMemberRole>,
    /// From when on the invitation is refused, 30 days from now at most; null: 7 days from now.
    expires_at: Option<DateTime>,
}

/// An invitation that was made.
#[derive(SimpleObject)]
pub(crate) struct OrganizationInvitationCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The invitation.
    invitation: OrganizationInvitation,
    /// Its value, which is shown now and never again: give it to whoever is invited, and to nobody else.
    invitation_value: String,
}

/// Which invitation is taken back.
#[derive(InputObject)]
pub(crate) struct OrganizationInvitationWithdrawInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The invitation's global id, uuid or public id.
    id: ID,
}

/// An invitation that was taken back. Nobody becomes a member by it any more.
#[derive(SimpleObject)]
pub(crate) struct OrganizationInvitationWithdrawPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The invitation as it is now.
    invitation: OrganizationInvitation,
}

/// Who becomes a member. Which invitation it is is said by its value, in the place of a token.
#[derive(InputObject)]
pub(crate) struct OrganizationInvitationAcceptInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// What somebody is called whom this server does not know yet: 1 to 100 characters; null: the part of the address before the `@`.
    name: Option<String>,
}

/// Somebody who has become a member.
#[derive(SimpleObject)]
pub(crate) struct OrganizationInvitationAcceptPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The name in addresses of the organization.
    organization_slug: String,
    /// The organization's name for people.
    organization_name: String,
    /// They.
    user: User,
    /// What they may do.
    role: OrganizationMemberRole,
    /// Their first user token in the organization.
    user_token: UserToken,
    /// Its value.
    user_token_value: String,
}

#[derive(Default)]
pub(crate) struct InvitationMutations;

#[Object]
impl InvitationMutations {
    /// Invites somebody.
    async fn organization_invitation_create(
        &self,
        ctx: &Context<'_>,
        input: OrganizationInvitationCreateInput,
    ) -> Nullable<OrganizationInvitationCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Takes an invitation back.
    async fn organization_invitation_withdraw(
        &self,
        ctx: &Context<'_>,
        input: OrganizationInvitationWithdrawInput,
    ) -> Nullable<OrganizationInvitationWithdrawPayload> {
        answered(withdraw(Call::of(ctx), input).await)
    }

    /// Makes whoever holds an invitation a member of its organization, once. Needs no user token: the invitation's value stands in its
    /// place, as `Authorization: Bearer VALUE`.
    async fn organization_invitation_accept(
        &self,
        ctx: &Context<'_>,
        input: OrganizationInvitationAcceptInput,
    ) -> Nullable<OrganizationInvitationAcceptPayload> {
        answered(accept(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: OrganizationInvitationCreateInput) -> Result<OrganizationInvitationCreatePayload> {
    let new = NewInvitation {
        email: input.email,
        role: input.role.unwrap_or(OrganizationMemberRole::Member).into(),
        expires_at: input.expires_at.map(|at| at.0),
    };
    let issued = call.control.create_invitation(&call.may()?, new).await?;
    Ok(OrganizationInvitationCreatePayload {
        client_mutation_id: input.client_mutation_id,
        invitation: OrganizationInvitation(issued.invitation),
        invitation_value: issued.secret.reveal().to_owned(),
    })
}

async fn withdraw(
    call: &Call,
    input: OrganizationInvitationWithdrawInput,
) -> Result<OrganizationInvitationWithdrawPayload> {
    let invitation = call.control.withdraw_invitation(&call.may()?, reference(&input.id)?).await?;
    Ok(OrganizationInvitationWithdrawPayload {
        client_mutation_id: input.client_mutation_id,
        invitation: OrganizationInvitation(invitation),
    })
}

async fn accept(call: &Call, input: OrganizationInvitationAcceptInput) -> Result<OrganizationInvitationAcceptPayload> {
    let joined = call.control.accept_invitation(&call.may()?, input.name).await?;
    Ok(OrganizationInvitationAcceptPayload {
        client_mutation_id: input.client_mutation_id,
        organization_slug: joined.organization.slug,
        organization_name: joined.organization.name,
        role: joined.member.role.into(),
        user: User(joined.member.user),
        user_token: UserToken(joined.user_token),
        user_token_value: joined.user_secret.reveal().to_owned(),
    })
}
