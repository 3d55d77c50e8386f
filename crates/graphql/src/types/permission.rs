//! Permissions as data: what the caller may do, asked of the same place that decides.

use async_graphql::{Context, Object, SimpleObject};
use countersign_control::access::actions::{
    ChangeMemberRole, ChangeTeamMembers, CreateAgentToken, CreateInvitation, CreatePipeline, CreateTeam, PauseAgent,
    RevokeAgentToken, StopAgent, UpdateOrganization, ViewAgentTokens, ViewAgents, ViewAudit, ViewBuilds, ViewMembers,
    ViewTeams,
};
use countersign_control::{Action, Error};

use crate::call::Call;

/// Whether the caller may do something, and why not.
#[derive(SimpleObject)]
pub(crate) struct Permission {
    /// Whether they may.
    allowed: bool,
    /// A word for why not.
    code: Option<String>,
    /// A sentence for why not.
    message: Option<String>,
}

/// Asks for one action.
fn ask<A: Action>(ctx: &Context<'_>) -> Option<Permission> {
    let refusal = Call::of(ctx).may::<A>().err();
    let code = refusal.as_ref().map(|error| match error {
        Error::Denied { .. } => "not_permitted".to_owned(),
        _ => "not_authenticated".to_owned(),
    });
    Some(Permission { allowed: refusal.is_none(), code, message: refusal.map(|error| error.to_string()) })
}

/// What this server does not have can be done by nobody.
fn not_here(what: &str) -> Option<Permission> {
    let message = format!("This server has no {what}.");
    Some(Permission { allowed: false, code: Some("not_supported".to_owned()), message: Some(message) })
}

pub(crate) struct AgentTokenPermissions;

/// What the caller may do with an agent token.
#[Object]
impl AgentTokenPermissions {
    /// Take it back.
    async fn agent_token_revoke(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<RevokeAgentToken>(ctx)
    }
}

pub(crate) struct AgentPermissions;

/// What the caller may do with an agent.
#[Object]
impl AgentPermissions {
    /// Keep jobs from it.
    async fn agent_pause(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<PauseAgent>(ctx)
    }

    /// Let it take jobs again.
    async fn agent_resume(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<PauseAgent>(ctx)
    }

    /// Ask it to leave.
    async fn agent_stop(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<StopAgent>(ctx)
    }
}

pub(crate) struct OrganizationPermissions;

/// What the caller may do in the organization.
#[Object]
impl OrganizationPermissions {
    /// Create agent tokens.
    async fn agent_token_create(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<CreateAgentToken>(ctx)
    }

    /// See agent tokens.
    async fn agent_token_view(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ViewAgentTokens>(ctx)
    }

    /// See agents.
    async fn agent_view(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ViewAgents>(ctx)
    }

    /// See the audit log.
    async fn audit_events_view(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ViewAudit>(ctx)
    }

    /// Change notification services.
    async fn notification_service_update(&self) -> Option<Permission> {
        not_here("notification services")
    }

    /// Change billing.
    async fn organization_billing_update(&self) -> Option<Permission> {
        not_here("billing")
    }

    /// Invite people.
    async fn organization_invitation_create(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<CreateInvitation>(ctx)
    }

    /// Change members.
    async fn organization_member_update(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ChangeMemberRole>(ctx)
    }

    /// See members.
    async fn organization_member_view(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ViewMembers>(ctx)
    }

    /// See what is private about members.
    async fn organization_member_view_sensitive(&self) -> Option<Permission> {
        not_here("private data of members")
    }

    /// Change the organization.
    async fn organization_update(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<UpdateOrganization>(ctx)
    }

    /// Create pipelines.
    async fn pipeline_create(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<CreatePipeline>(ctx)
    }

    /// Create pipelines that belong to no team.
    async fn pipeline_create_without_teams(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<CreatePipeline>(ctx)
    }

    /// See pipelines and their builds.
    async fn pipeline_view(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ViewBuilds>(ctx)
    }

    /// Add sign-in providers.
    async fn sso_provider_create(&self) -> Option<Permission> {
        not_here("sign-in providers")
    }

    /// Change sign-in providers.
    async fn sso_provider_update(&self) -> Option<Permission> {
        not_here("sign-in providers")
    }

    /// See test suites.
    async fn suite_view(&self) -> Option<Permission> {
        not_here("test suites")
    }

    /// Manage every team.
    async fn team_admin(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ChangeTeamMembers>(ctx)
    }

    /// Create teams.
    async fn team_create(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<CreateTeam>(ctx)
    }

    /// Switch teams on and off.
    async fn team_enabled_change(&self) -> Option<Permission> {
        not_here("way to switch teams off")
    }

    /// See teams.
    async fn team_view(&self, ctx: &Context<'_>) -> Option<Permission> {
        ask::<ViewTeams>(ctx)
    }
}
