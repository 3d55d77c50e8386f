//! Roles in deployments, and who was given which.

use async_graphql::{Context, Enum, ID, Object};
use countersign_control::deployment_roles::{Holder, HolderReference, Place, RoleGrant};
use countersign_control::members::MemberReference;
use countersign_control::teams::TeamReference;
use countersign_control::{Error, Result};
use countersign_domain as domain;
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, found};

use super::connection::{Count, connection};
use super::date_time::DateTime;
use super::deployment::{self, Deployment};
use super::member::{self, OrganizationMember};
use super::page_info::Window;
use super::team::{self, Team};
use super::user::{User, person};

/// What a member may do in a deployment. Each may what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DeploymentRole {
    /// Sees what is there.
    Viewer,
    /// Starts and ends work.
    Launcher,
    /// Changes the deployment, its queues and agents.
    Editor,
    /// Gives roles in it.
    Admin,
}

impl From<domain::DeploymentRole> for DeploymentRole {
    fn from(role: domain::DeploymentRole) -> Self {
        match role {
            domain::DeploymentRole::Viewer => Self::Viewer,
            domain::DeploymentRole::Launcher => Self::Launcher,
            domain::DeploymentRole::Editor => Self::Editor,
            domain::DeploymentRole::Admin => Self::Admin,
        }
    }
}

impl From<DeploymentRole> for domain::DeploymentRole {
    fn from(role: DeploymentRole) -> Self {
        match role {
            DeploymentRole::Viewer => Self::Viewer,
            DeploymentRole::Launcher => Self::Launcher,
            DeploymentRole::Editor => Self::Editor,
            DeploymentRole::Admin => Self::Admin,
        }
    }
}

pub(crate) struct DeploymentRoleGrant(pub RoleGrant);

connection! {
    /// Roles that were given, the oldest first.
    DeploymentRoleGrantConnection, DeploymentRoleGrantEdge of DeploymentRoleGrant
}

/// A role that a member or a team was given in a deployment.
#[Object]
impl DeploymentRoleGrant {
    /// Whether it is for all branch deployments, also those made later.
    async fn all_branch_deployments(&self) -> bool {
        self.0.place == Place::AllBranches
    }

    /// The deployment that it is for; null for all branch deployments.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        match self.0.place {
            Place::Deployment(id) => found(deployment::by_id(Call::of(ctx), id).await),
            Place::AllBranches => None,
        }
    }

    /// The role.
    async fn role(&self) -> DeploymentRole {
        self.0.held.role.into()
    }

    /// Whether its holder manages the agent tokens that reach nothing else.
    async fn manages_agent_tokens(&self) -> bool {
        self.0.held.manages_tokens()
    }

    /// The member who holds it; null for a team.
    async fn member(&self, ctx: &Context<'_>) -> Nullable<OrganizationMember> {
        match self.0.holder {
            Holder::Member(id) => found(member::by_id(Call::of(ctx), id).await.map(Some)),
            Holder::Team(_) => None,
        }
    }

    /// The team that holds it; null for a member.
    async fn team(&self, ctx: &Context<'_>) -> Nullable<Team> {
        match self.0.holder {
            Holder::Team(id) => found(team::by_id(Call::of(ctx), id).await.map(Some)),
            Holder::Member(_) => None,
        }
    }

    /// When it was given.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// By whom; null when they are no member any more.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.created_by).await
    }
}

fn page(all: Vec<RoleGrant>, window: &Window) -> Result<DeploymentRoleGrantConnection> {
    let count = Count::Known(all.len());
    Ok(DeploymentRoleGrantConnection::new(window.cut(all, |it| it.id)?, DeploymentRoleGrant, count))
}

/// What was given to a member or a team.
pub(crate) async fn of_holder(
    call: &Call,
    holder: HolderReference,
    window: &Window,
) -> Result<DeploymentRoleGrantConnection> {
    page(call.control.deployment_roles_of(&call.may()?, holder).await?, window)
}

/// What was given in a deployment.
pub(crate) async fn in_deployment(
    call: &Call,
    deployment: DeploymentId,
    window: &Window,
) -> Result<DeploymentRoleGrantConnection> {
    page(call.control.deployment_roles_in(&call.may()?, deployment).await?, window)
}

/// Who is meant by one of two arguments.
///
/// # Errors
/// [`Error::Invalid`] for none and for both.
pub(crate) fn holder(member: Option<&ID>, team: Option<&ID>) -> Result<HolderReference> {
    match (member, team) {
        (Some(member), None) => Ok(HolderReference::Member(member::reference(member)?)),
        (None, Some(team)) => Ok(HolderReference::Team(team::reference(team)?)),
        (None, None) => Err(Error::invalid("memberId", "is missing; name a member, or a team by teamId")),
        (Some(_), Some(_)) => Err(Error::invalid("teamId", "cannot be combined with memberId; give one of them")),
    }
}

/// Where is meant by one of two arguments.
///
/// # Errors
/// [`Error::Invalid`] for none and for both.
pub(crate) fn place(deployment: Option<&ID>, all_branches: Option<bool>) -> Result<Place> {
    match (deployment, all_branches.unwrap_or_default()) {
        (Some(id), false) => {
            let known = global_id::parse_uuid(id).map_or_else(|| global_id::expect(id, Sort::Deployment), Ok);
            Ok(Place::Deployment(known?))
        }
        (None, true) => Ok(Place::AllBranches),
        (None, false) => {
            Err(Error::invalid("deploymentId", "is missing; name a deployment, or give allBranchDeployments"))
        }
        (Some(_), true) => {
            Err(Error::invalid("allBranchDeployments", "cannot be combined with deploymentId; give one of them"))
        }
    }
}

/// A member as a holder.
pub(crate) const fn by_member(id: domain::id::UserId) -> HolderReference {
    HolderReference::Member(MemberReference::Id(id))
}

/// A team as a holder.
pub(crate) const fn by_team(id: domain::id::TeamId) -> HolderReference {
    HolderReference::Team(TeamReference::Id(id))
}
