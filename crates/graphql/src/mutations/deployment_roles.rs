//! Giving roles in deployments, and taking them away.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::deployment_roles::{NewRole, RoleRemoval};

use crate::call::Call;
use crate::nullable::{Nullable, answered};
use crate::types::deployment_role::{DeploymentRole, DeploymentRoleGrant, holder, place};
use crate::types::organization::{Organization, own};

/// Who is to hold which role, and where.
#[derive(InputObject)]
pub(crate) struct DeploymentRoleGiveInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The member's global id, uuid or e-mail address; a service user's name.
    member_id: Option<ID>,
    /// In the place of a member: the team's global id, uuid or name.
    team_id: Option<ID>,
    /// The deployment's global id or uuid.
    deployment_id: Option<ID>,
    /// In the place of a deployment: all branch deployments, also those made later.
    #[graphql(default_with = "Some(false)")]
    all_branch_deployments: Option<bool>,
    /// The role. It takes the place of the one that they were given there before.
    role: DeploymentRole,
    /// Whether an Admin manages the agent tokens that reach nothing else. Only an Organization Admin gives this.
    #[graphql(default_with = "Some(false)")]
    manage_agent_tokens: Option<bool>,
}

/// A role that was given.
#[derive(SimpleObject)]
pub(crate) struct DeploymentRoleGivePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// What they hold there now, of their own.
    deployment_role_grant: DeploymentRoleGrant,
}

/// Who is to hold nothing of their own any more, and where.
#[derive(InputObject)]
pub(crate) struct DeploymentRoleTakeInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The member's global id, uuid or e-mail address; a service user's name.
    member_id: Option<ID>,
    /// In the place of a member: the team's global id, uuid or name.
    team_id: Option<ID>,
    /// The deployment's global id or uuid.
    deployment_id: Option<ID>,
    /// In the place of a deployment: what was given for all branch deployments.
    #[graphql(default_with = "Some(false)")]
    all_branch_deployments: Option<bool>,
}

/// A role that was taken away.
#[derive(SimpleObject)]
pub(crate) struct DeploymentRoleTakePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// What they held there.
    deployment_role_grant: DeploymentRoleGrant,
}

/// What all members are to have.
#[derive(InputObject)]
pub(crate) struct MembersRoleUpdateInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The role that every member has in every deployment.
    role: DeploymentRole,
}

/// What all members have now.
#[derive(SimpleObject)]
pub(crate) struct MembersRoleUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The organization.
    organization: Organization,
}

#[derive(Default)]
pub(crate) struct DeploymentRoleMutations;

#[Object]
impl DeploymentRoleMutations {
    /// Gives a member or a team a role in a deployment. Of all that somebody holds the most permissive counts.
    async fn deployment_role_give(
        &self,
        ctx: &Context<'_>,
        input: DeploymentRoleGiveInput,
    ) -> Nullable<DeploymentRoleGivePayload> {
        answered(give(Call::of(ctx), input).await)
    }

    /// Takes away what a member or a team was given in a deployment.
    async fn deployment_role_take(
        &self,
        ctx: &Context<'_>,
        input: DeploymentRoleTakeInput,
    ) -> Nullable<DeploymentRoleTakePayload> {
        answered(take(Call::of(ctx), input).await)
    }

    /// Says which role every member has in every deployment.
    async fn members_role_update(
        &self,
        ctx: &Context<'_>,
        input: MembersRoleUpdateInput,
    ) -> Nullable<MembersRoleUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }
}

async fn give(call: &Call, input: DeploymentRoleGiveInput) -> Result<DeploymentRoleGivePayload> {
    let grant = call.may()?;
    let new = NewRole {
        holder: holder(input.member_id.as_ref(), input.team_id.as_ref())?,
        place: place(input.deployment_id.as_ref(), input.all_branch_deployments)?,
        role: input.role.into(),
        tokens: input.manage_agent_tokens.unwrap_or_default(),
    };
    let given = call.control.give_deployment_role(&grant, new).await?;
    Ok(DeploymentRoleGivePayload {
        client_mutation_id: input.client_mutation_id,
        deployment_role_grant: DeploymentRoleGrant(given),
    })
}

async fn take(call: &Call, input: DeploymentRoleTakeInput) -> Result<DeploymentRoleTakePayload> {
    let grant = call.may()?;
    let removal = RoleRemoval {
        holder: holder(input.member_id.as_ref(), input.team_id.as_ref())?,
        place: place(input.deployment_id.as_ref(), input.all_branch_deployments)?,
    };
    let taken = call.control.take_deployment_role(&grant, removal).await?;
    Ok(DeploymentRoleTakePayload {
        client_mutation_id: input.client_mutation_id,
        deployment_role_grant: DeploymentRoleGrant(taken),
    })
}

async fn update(call: &Call, input: MembersRoleUpdateInput) -> Result<MembersRoleUpdatePayload> {
    call.control.change_members_role(&call.may()?, input.role.into()).await?;
    Ok(MembersRoleUpdatePayload { client_mutation_id: input.client_mutation_id, organization: own(call).await? })
}
