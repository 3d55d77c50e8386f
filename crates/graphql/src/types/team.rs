//! Teams: members who hold roles in deployments together.

use async_graphql::{Context, ID, Object};
use countersign_control::teams::{self, TeamReference};
use countersign_control::{Error, Result};
use countersign_domain::Id;
use countersign_domain::id::TeamId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};

use super::connection::{Count, connection};
use super::date_time::DateTime;
use super::deployment_role::{self, DeploymentRoleGrantConnection};
use super::elsewhere::{TeamMemberRole, TeamPrivacy};
use super::member::{OrganizationMember, OrganizationMemberConnection};
use super::organization::{Organization, own};
use super::page_info::Window;

pub(crate) struct Team(pub teams::Team);

connection! {
    /// Teams, by name.
    TeamConnection, TeamEdge of Team
}

/// Members who hold roles in deployments together. What Buildkite's teams may do with pipelines and packages, these may not.
#[Object]
impl Team {
    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// What new members are: there are no maintainers.
    async fn default_member_role(&self) -> TeamMemberRole {
        TeamMemberRole::Member
    }

    /// What it is for.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Team, self.0.id)
    }

    /// Whether new members of the organization join it: they join none.
    async fn is_default_team(&self) -> bool {
        false
    }

    /// Whether its members may by being in it.
    async fn members_can_create_pipelines(&self) -> bool {
        false
    }

    /// Whether its members may by being in it.
    async fn members_can_create_registries(&self) -> bool {
        false
    }

    /// Whether its members may by being in it.
    async fn members_can_create_suites(&self) -> bool {
        false
    }

    /// Whether its members may by being in it.
    async fn members_can_destroy_packages(&self) -> bool {
        false
    }

    /// Whether its members may by being in it.
    async fn members_can_destroy_registries(&self) -> bool {
        false
    }

    /// Its name, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Nullable<Organization> {
        answered(own(Call::of(ctx)).await)
    }

    /// Who sees it: every member of the organization.
    async fn privacy(&self) -> TeamPrivacy {
        TeamPrivacy::Visible
    }

    /// Its name in lower case, with `-` for what is no letter or digit.
    async fn slug(&self) -> String {
        self.0.name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// Who is in it; those whom this server has known for the shortest time come first.
    async fn organization_members(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<OrganizationMemberConnection> {
        answered(members(Call::of(ctx), self.0.id, Window { first, last, after, before }).await)
    }

    /// What it was given, the oldest first: each of its members holds it.
    async fn deployment_roles(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<DeploymentRoleGrantConnection> {
        let window = Window { first, last, after, before };
        answered(deployment_role::of_holder(Call::of(ctx), deployment_role::by_team(self.0.id), &window).await)
    }
}

async fn members(call: &Call, id: TeamId, window: Window) -> Result<OrganizationMemberConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.team_members(grant, id, page), |it| it.user.id).await?;
    Ok(OrganizationMemberConnection::new(slice, OrganizationMember, Count::TeamMembers(id)))
}

fn page(all: Vec<teams::Team>, window: &Window) -> Result<TeamConnection> {
    let count = Count::Known(all.len());
    Ok(TeamConnection::new(window.cut(all, |it| it.id)?, Team, count))
}

/// The organization's teams.
pub(crate) async fn list(call: &Call, window: &Window) -> Result<TeamConnection> {
    page(call.control.teams(&call.may()?).await?, window)
}

/// The teams that a member is in.
pub(crate) async fn of_member(
    call: &Call,
    id: countersign_domain::id::UserId,
    window: &Window,
) -> Result<TeamConnection> {
    page(call.control.teams_of_member(&call.may()?, id).await?, window)
}

/// One of the organization's teams.
pub(crate) async fn by_id(call: &Call, id: TeamId) -> Result<Team> {
    Ok(Team(call.control.team(&call.may()?, TeamReference::Id(id)).await?))
}

/// The team that an argument names.
pub(crate) async fn named(call: &Call, id: &ID) -> Result<Team> {
    Ok(Team(call.control.team(&call.may()?, reference(id)?).await?))
}

/// What an argument names: by global id, uuid or name.
pub(crate) fn reference(id: &ID) -> Result<TeamReference> {
    match global_id::decode(id) {
        Some((Sort::Team, uuid)) => Ok(TeamReference::Id(Id::from_uuid(uuid))),
        Some(_) => Err(Error::NotFound("team")),
        None => TeamReference::parse(id),
    }
}
