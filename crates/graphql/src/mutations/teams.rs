//! Making, changing and deleting teams, and who is in them.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::teams::{NewTeam, TeamChange};

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};
use crate::types::connection::int;
use crate::types::member::{self, OrganizationMember};
use crate::types::team::{Team, reference};

use super::agent_tokens::given;

/// What a new team is to be.
#[derive(InputObject)]
pub(crate) struct TeamCreateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The organization's global id.
    #[graphql(name = "organizationID")]
    organization_id: ID,
    /// Its name, unique in the organization: letters, digits, `-`, `_`, `.` and blanks.
    name: String,
    /// What it is for.
    description: Option<String>,
}

/// A team that was made, without members and roles.
#[derive(SimpleObject)]
pub(crate) struct TeamCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The team.
    team: Team,
}

/// What is to be different about a team. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct TeamUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The team's global id, uuid or name.
    id: ID,
    /// Another name.
    name: Option<String>,
    /// null takes the description away.
    description: MaybeUndefined<String>,
}

/// A team that was changed.
#[derive(SimpleObject)]
pub(crate) struct TeamUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The team as it is now.
    team: Team,
}

/// Which team is to go.
#[derive(InputObject)]
pub(crate) struct TeamDeleteInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The team's global id, uuid or name.
    id: ID,
}

/// A team that is gone, and with it what its members held by it.
#[derive(SimpleObject)]
pub(crate) struct TeamDeletePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The global id that it had.
    #[graphql(name = "deletedTeamID")]
    deleted_team_id: ID,
    /// The name that it had.
    name: String,
    /// How many members it had.
    members: i32,
    /// How many roles they held by it.
    deployment_roles: i32,
}

/// Who is to be in which team.
#[derive(InputObject)]
pub(crate) struct TeamMemberAddInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The team's global id, uuid or name.
    team_id: ID,
    /// The person's global id, uuid or e-mail address.
    member_id: ID,
}

/// Who is not to be in a team any more.
#[derive(InputObject)]
pub(crate) struct TeamMemberRemoveInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The team's global id, uuid or name.
    team_id: ID,
    /// The person's global id, uuid or e-mail address.
    member_id: ID,
}

/// Somebody who is in a team.
#[derive(SimpleObject)]
pub(crate) struct TeamMemberAddPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The team.
    team: Team,
    /// Who.
    organization_member: OrganizationMember,
}

/// Somebody who is not in a team any more.
#[derive(SimpleObject)]
pub(crate) struct TeamMemberRemovePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The team.
    team: Team,
    /// Who.
    organization_member: OrganizationMember,
}

#[derive(Default)]
pub(crate) struct TeamMutations;

#[Object]
impl TeamMutations {
    /// Creates a team.
    async fn team_create(&self, ctx: &Context<'_>, input: TeamCreateInput) -> Nullable<TeamCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Changes a team's name, and what it is for.
    async fn team_update(&self, ctx: &Context<'_>, input: TeamUpdateInput) -> Nullable<TeamUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Lets a person into a team.
    async fn team_member_add(&self, ctx: &Context<'_>, input: TeamMemberAddInput) -> Nullable<TeamMemberAddPayload> {
        answered(add(Call::of(ctx), input).await)
    }

    /// Takes a person out of a team.
    async fn team_member_remove(
        &self,
        ctx: &Context<'_>,
        input: TeamMemberRemoveInput,
    ) -> Nullable<TeamMemberRemovePayload> {
        answered(remove(Call::of(ctx), input).await)
    }

    /// Deletes a team, and with it what its members hold by it. They stay in the organization.
    async fn team_delete(&self, ctx: &Context<'_>, input: TeamDeleteInput) -> Nullable<TeamDeletePayload> {
        answered(delete(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: TeamCreateInput) -> Result<TeamCreatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let new = NewTeam { name: input.name, description: input.description };
    let team = Team(call.control.create_team(&grant, new).await?);
    Ok(TeamCreatePayload { client_mutation_id: input.client_mutation_id, team })
}

async fn update(call: &Call, input: TeamUpdateInput) -> Result<TeamUpdatePayload> {
    let change = TeamChange { team: reference(&input.id)?, name: input.name, description: given(input.description) };
    let team = Team(call.control.update_team(&call.may()?, change).await?);
    Ok(TeamUpdatePayload { client_mutation_id: input.client_mutation_id, team })
}

async fn delete(call: &Call, input: TeamDeleteInput) -> Result<TeamDeletePayload> {
    let deleted = call.control.delete_team(&call.may()?, reference(&input.id)?).await?;
    Ok(TeamDeletePayload {
        client_mutation_id: input.client_mutation_id,
        deleted_team_id: global_id::encode(Sort::Team, deleted.team.id),
        name: deleted.team.name,
        members: int(deleted.members),
        deployment_roles: int(i64::try_from(deleted.roles).unwrap_or(i64::MAX)),
    })
}

async fn add(call: &Call, input: TeamMemberAddInput) -> Result<TeamMemberAddPayload> {
    let (team, member) = (reference(&input.team_id)?, member::reference(&input.member_id)?);
    let (team, member) = call.control.add_team_member(&call.may()?, team, member).await?;
    Ok(TeamMemberAddPayload {
        client_mutation_id: input.client_mutation_id,
        team: Team(team),
        organization_member: OrganizationMember(member),
    })
}

async fn remove(call: &Call, input: TeamMemberRemoveInput) -> Result<TeamMemberRemovePayload> {
    let (team, member) = (reference(&input.team_id)?, member::reference(&input.member_id)?);
    let (team, member) = call.control.remove_team_member(&call.may()?, team, member).await?;
    Ok(TeamMemberRemovePayload {
        client_mutation_id: input.client_mutation_id,
        team: Team(team),
        organization_member: OrganizationMember(member),
    })
}
