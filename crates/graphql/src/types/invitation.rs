//! Invitations to an organization.

use async_graphql::{Context, Enum, ID, Object};
use countersign_control::invitations::{self, InvitationReference, State};
use countersign_control::{Error, Result};
use countersign_domain::Id;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::Nullable;

use super::connection::{Count, connection};
use super::date_time::{DateTime, time};
use super::member::OrganizationMemberRole;
use super::page_info::Window;
use super::user::{User, person};

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum InvitationState {
    /// It can be accepted.
    Pending,
    /// It was.
    Accepted,
    /// It was taken back before.
    Withdrawn,
    /// Its time has run out.
    Expired,
}

pub(crate) struct OrganizationInvitation(pub invitations::Invitation);

connection! {
    /// Invitations, newest first.
    OrganizationInvitationConnection, OrganizationInvitationEdge of OrganizationInvitation
}

/// What makes its holder a member of an organization, once. Its value is shown when it is made and never again.
#[Object]
impl OrganizationInvitation {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::OrganizationInvitation, self.0.id)
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// The public part of its value.
    async fn public_id(&self) -> &str {
        self.0.public_id.as_str()
    }

    /// The address that it is for.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// What its holder becomes.
    async fn role(&self) -> OrganizationMemberRole {
        self.0.role.into()
    }

    /// Where it stands.
    async fn state(&self, ctx: &Context<'_>) -> InvitationState {
        match self.0.state(Call::of(ctx).control.now()) {
            State::Pending => InvitationState::Pending,
            State::Accepted => InvitationState::Accepted,
            State::Withdrawn => InvitationState::Withdrawn,
            State::Expired => InvitationState::Expired,
        }
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Who made it; null when they are no member any more.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), Some(self.0.created_by)).await
    }

    /// From when on it is refused.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// When it was accepted.
    async fn accepted_at(&self) -> Option<DateTime> {
        time(self.0.accepted_at)
    }

    /// Who has become a member by it; null when they are none any more.
    async fn accepted_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.accepted_by).await
    }

    /// When it was taken back.
    async fn withdrawn_at(&self) -> Option<DateTime> {
        time(self.0.withdrawn_at)
    }

    /// By whom; null when they are no member any more.
    async fn withdrawn_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.withdrawn_by).await
    }
}

/// The organization's invitations.
pub(crate) async fn list(
    call: &Call,
    pending: Option<bool>,
    window: Window,
) -> Result<OrganizationInvitationConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.list_invitations(grant, pending, page), |it| it.id).await?;
    Ok(OrganizationInvitationConnection::new(slice, OrganizationInvitation, Count::Invitations(pending)))
}

/// One of the organization's invitations.
pub(crate) async fn by_reference(call: &Call, wanted: InvitationReference) -> Result<OrganizationInvitation> {
    Ok(OrganizationInvitation(call.control.invitation(&call.may()?, wanted).await?))
}

/// What an argument names: by global id, uuid or public id.
pub(crate) fn reference(id: &ID) -> Result<InvitationReference> {
    match global_id::decode(id) {
        Some((Sort::OrganizationInvitation, uuid)) => Ok(InvitationReference::Id(Id::from_uuid(uuid))),
        Some(_) => Err(Error::NotFound("invitation")),
        None => InvitationReference::parse(id),
    }
}
