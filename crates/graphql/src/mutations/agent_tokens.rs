//! Creating, changing, revealing, rotating and revoking agent tokens.

use async_graphql::{Context, MaybeUndefined, Object};
use countersign_control::agent_tokens::{AgentTokenChange, NewAgentToken, Revocation, Rotation};
use countersign_control::{Error, Result};

use crate::call::Call;
use crate::nullable::{Nullable, answered};
use crate::types::agent_token::{AgentToken, AgentTokenEdge};
use crate::types::date_time::DateTime;
use crate::types::organization::own;

use super::agent_token_inputs::{
    AgentTokenCreateInput, AgentTokenCreatePayload, AgentTokenRevealInput, AgentTokenRevealPayload,
    AgentTokenRevokeInput, AgentTokenRevokePayload, AgentTokenRotateInput, AgentTokenRotatePayload,
    AgentTokenUpdateInput, AgentTokenUpdatePayload, Touching, reference,
};
use super::reach;

#[derive(Default)]
pub(crate) struct AgentTokenMutations;

#[Object]
impl AgentTokenMutations {
    /// Creates an agent token.
    async fn agent_token_create(
        &self,
        ctx: &Context<'_>,
        input: AgentTokenCreateInput,
    ) -> Nullable<AgentTokenCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Takes an agent token back, for every call that starts after the answer. Unless `connectedAgents` says otherwise, agents that are
    /// connected stay so.
    async fn agent_token_revoke(
        &self,
        ctx: &Context<'_>,
        input: AgentTokenRevokeInput,
    ) -> Nullable<AgentTokenRevokePayload> {
        answered(revoke(Call::of(ctx), input).await)
    }

    /// Changes an agent token.
    async fn agent_token_update(
        &self,
        ctx: &Context<'_>,
        input: AgentTokenUpdateInput,
    ) -> Nullable<AgentTokenUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Shows the value of an agent token again, while its reveal policy allows.
    async fn agent_token_reveal(
        &self,
        ctx: &Context<'_>,
        input: AgentTokenRevealInput,
    ) -> Nullable<AgentTokenRevealPayload> {
        answered(reveal(Call::of(ctx), input).await)
    }

    /// Gives an agent token a new secret; the older ones stay valid for a while.
    async fn agent_token_rotate(
        &self,
        ctx: &Context<'_>,
        input: AgentTokenRotateInput,
    ) -> Nullable<AgentTokenRotatePayload> {
        answered(rotate(Call::of(ctx), input).await)
    }
}

async fn create(call: &Call, input: AgentTokenCreateInput) -> Result<AgentTokenCreatePayload> {
    let new = NewAgentToken {
        description: input.description,
        is_public: input.public.unwrap_or(false),
        expires_at: input.expires_at.map(|at| at.0),
        reveal_policy: input.reveal_policy.map(Into::into),
        scope: input.scope.map(|scope| scope.read()).transpose()?,
    };
    let grant = call.may_in(&input.organization_id)?;
    // Read before the token is made: what comes after must not fail, or its value would be lost.
    let organization = own(call).await?;
    let issued = call.control.create_agent_token(&grant, new).await?;
    Ok(AgentTokenCreatePayload {
        agent_token_edge: AgentTokenEdge::of_new(issued.token),
        client_mutation_id: input.client_mutation_id,
        organization,
        token_value: issued.secret.reveal().to_owned(),
    })
}

async fn revoke(call: &Call, input: AgentTokenRevokeInput) -> Result<AgentTokenRevokePayload> {
    let revocation = Revocation {
        token: reference(&input.id)?,
        reason: input.reason,
        connected_agents: reach::chosen(input.connected_agents),
        expected: None,
    };
    let revoked = call.control.revoke_agent_token(&call.may()?, revocation).await?;
    let client_mutation_id = input.client_mutation_id;
    let touching = Touching { token: revoked.token, touched: revoked.touched, client_mutation_id };
    Ok(AgentTokenRevokePayload(touching, revoked.dagster_agents))
}

async fn update(call: &Call, input: AgentTokenUpdateInput) -> Result<AgentTokenUpdatePayload> {
    let scope = match input.scope {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Value(scope) => Some(scope.read()?),
        // Null would widen the token to everything by accident.
        MaybeUndefined::Null => {
            return Err(Error::invalid("scope", "cannot be null; leave it out to keep it, or give {} for the widest"));
        }
    };
    let change = AgentTokenChange {
        token: reference(&input.id)?,
        description: given(input.description),
        is_public: input.public,
        expires_at: given(input.expires_at).map(|at: Option<DateTime>| at.map(|at| at.0)),
        reveal_policy: input.reveal_policy.map(Into::into),
        scope,
        networks: None,
        permission: None,
        connected_agents: reach::chosen(input.connected_agents),
        expected: None,
    };
    let changed = call.control.update_agent_token(&call.may()?, change).await?;
    let client_mutation_id = input.client_mutation_id;
    Ok(AgentTokenUpdatePayload(Touching { token: changed.token, touched: changed.touched, client_mutation_id }))
}

/// Left out, null and a value, as operations want them.
pub(super) fn given<T>(field: MaybeUndefined<T>) -> Option<Option<T>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

async fn reveal(call: &Call, input: AgentTokenRevealInput) -> Result<AgentTokenRevealPayload> {
    let secret = call.control.reveal_agent_token(&call.may()?, reference(&input.id)?).await?;
    Ok(AgentTokenRevealPayload {
        client_mutation_id: input.client_mutation_id,
        public_id: secret.public_id().to_string(),
        token_value: secret.reveal().to_owned(),
    })
}

async fn rotate(call: &Call, input: AgentTokenRotateInput) -> Result<AgentTokenRotatePayload> {
    let rotation = Rotation {
        token: reference(&input.id)?,
        old_valid_until: input.old_valid_until.map(|at| at.0),
        expected: None,
    };
    let rotated = call.control.rotate_agent_token(&call.may()?, rotation).await?;
    Ok(AgentTokenRotatePayload {
        agent_token: AgentToken(rotated.token),
        client_mutation_id: input.client_mutation_id,
        old_valid_until: DateTime(rotated.old_valid_until),
        token_value: rotated.secret.reveal().to_owned(),
    })
}
