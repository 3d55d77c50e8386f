//! Members of an organization.

use async_graphql::{Context, Enum, ID, Object};
use countersign_control::Result;
use countersign_control::deployment_roles::Place;
use countersign_control::members::{self, MemberReference, Wanted};
use countersign_domain::id::UserId;
use countersign_domain::{Id, Role};

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};

use super::connection::{Count, connection};
use super::date_time::DateTime;
use super::deployment_role::{self, DeploymentRole, DeploymentRoleGrantConnection};
use super::organization::{Organization, own};
use super::page_info::Window;
use super::team::{self, TeamConnection};
use super::user::User;
use super::user_token::{UserTokenConnection, tokens_of};

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum OrganizationMemberRole {
    /// Organization Admin: issues and revokes agent tokens, manages members.
    Admin,
    /// Sees what the organization has; manages tokens of their own.
    Member,
}

impl From<Role> for OrganizationMemberRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
        }
    }
}

impl From<OrganizationMemberRole> for Role {
    fn from(role: OrganizationMemberRole) -> Self {
        match role {
            OrganizationMemberRole::Admin => Self::Admin,
            OrganizationMemberRole::Member => Self::Member,
        }
    }
}

pub(crate) struct OrganizationMember(pub members::Member);

connection! {
    /// Members; those whom this server has known for the shortest time come first.
    OrganizationMemberConnection, OrganizationMemberEdge of OrganizationMember
}

/// Somebody in an organization: a person, or a service user, which is a program.
#[Object]
impl OrganizationMember {
    /// When they became a member.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.joined_at)
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::OrganizationMember, self.0.user.id)
    }

    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> async_graphql::Result<Organization> {
        Ok(own(Call::of(ctx)).await?)
    }

    /// What they may do.
    async fn role(&self) -> OrganizationMemberRole {
        self.0.role.into()
    }

    /// Who.
    async fn user(&self) -> User {
        User(self.0.user.clone())
    }

    /// The uuid: that of the user.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.user.id)
    }

    /// Their number in the organization, as Dagster's API names them.
    async fn number(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<i32>> {
        let call = Call::of(ctx);
        let numbers = call.control.numbers(&call.may()?, vec![self.0.user.id]).await?;
        Ok(numbers.get(&self.0.user.id).and_then(|number| i32::try_from(*number).ok()))
    }

    /// Whether this is a service user, which never signs in and whose tokens Organization Admins make.
    async fn is_service_user(&self) -> bool {
        self.0.user.is_service
    }

    /// What a service user is for.
    async fn description(&self) -> Option<&str> {
        self.0.user.description.as_deref()
    }

    /// What they were given of their own in deployments, the oldest first.
    async fn deployment_roles(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<DeploymentRoleGrantConnection> {
        let window = Window { first, last, after, before };
        answered(deployment_role::of_holder(Call::of(ctx), deployment_role::by_member(self.0.user.id), &window).await)
    }

    /// The teams that they are in, by name: they hold what those were given too.
    async fn teams(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<TeamConnection> {
        answered(team::of_member(Call::of(ctx), self.0.user.id, &Window { first, last, after, before }).await)
    }

    /// What they hold in a deployment, of all that they hold the most permissive.
    async fn role_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The deployment's global id or uuid.")] deployment_id: ID,
    ) -> Nullable<DeploymentRole> {
        answered(role_in(Call::of(ctx), self.0.user.id, &deployment_id).await)
    }

    /// Their user tokens in this organization, newest first, without values: for Organization Admins.
    async fn user_tokens(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<UserTokenConnection> {
        let window = Window { first, last, after, before };
        answered(tokens_of(Call::of(ctx), self.0.user.id, window).await)
    }
}

async fn role_in(call: &Call, member: UserId, deployment: &ID) -> Result<DeploymentRole> {
    let Place::Deployment(at) = deployment_role::place(Some(deployment), None)? else {
        return Err(countersign_control::Error::NotFound("deployment"));
    };
    let held = call.control.held_in(&call.may()?, MemberReference::Id(member), at).await?;
    Ok(held.role.into())
}

/// The organization's members.
pub(crate) async fn list(call: &Call, wanted: Wanted, window: Window) -> Result<OrganizationMemberConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.members(grant, wanted.clone(), page), |it| it.user.id).await?;
    Ok(OrganizationMemberConnection::new(slice, OrganizationMember, Count::Members(wanted)))
}

/// One of the organization's members.
pub(crate) async fn by_id(call: &Call, id: UserId) -> Result<OrganizationMember> {
    Ok(OrganizationMember(call.control.find_member(&call.may()?, MemberReference::Id(id)).await?))
}

/// The member that an argument names: by global id, uuid or address, a service user by its name too.
pub(crate) async fn named(call: &Call, id: &ID) -> Result<OrganizationMember> {
    Ok(OrganizationMember(call.control.find_member(&call.may()?, reference(id)?).await?))
}

/// What an argument names.
pub(crate) fn reference(id: &ID) -> Result<MemberReference> {
    match global_id::decode(id) {
        Some((Sort::OrganizationMember | Sort::User, uuid)) => Ok(MemberReference::Id(Id::from_uuid(uuid))),
        Some(_) => Err(countersign_control::Error::NotFound("member")),
        None => MemberReference::parse(id),
    }
}
