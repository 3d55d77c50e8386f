//! What the mutations on agent tokens take, and what they answer.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use countersign_control::agent_tokens::{AgentToken as Token, TokenReference};
use countersign_control::{Error, Result, dagster};
use countersign_domain::Id;
use countersign_domain::id::AgentId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered};
use crate::types::agent::Agent;
use crate::types::agent_token::{AgentToken, AgentTokenEdge, RevealPolicy};
use crate::types::connection::int;
use crate::types::dagster_agent::DagsterAgentName;
use crate::types::date_time::DateTime;
use crate::types::organization::Organization;
use crate::types::scope::AgentTokenScopeInput;

use super::reach::{self, ConnectedAgents};

/// The token that an input names: by global id, uuid, public id or, as the API's first documentation has it, by its own value. The text is
/// never repeated.
pub(super) fn reference(id: &ID) -> Result<TokenReference> {
    match global_id::decode(id) {
        Some((Sort::AgentToken, uuid)) => Ok(TokenReference::Id(Id::from_uuid(uuid))),
        Some(_) => Err(Error::NotFound("agent token")),
        None => TokenReference::parse(id),
    }
}

/// What a new agent token is to be.
#[derive(InputObject)]
pub(crate) struct AgentTokenCreateInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// What people will call it. It should name the environment that the token is for.
    pub description: Option<String>,
    /// The organization's global id.
    #[graphql(name = "organizationID")]
    pub organization_id: ID,
    /// Whether agents that register with it are marked as public.
    #[graphql(default_with = "Some(false)")]
    pub public: Option<bool>,
    /// From when on it is refused; null: never.
    pub expires_at: Option<DateTime>,
    /// What it reaches; null: everything in the organization.
    pub scope: Option<AgentTokenScopeInput>,
    /// Until when its value can be shown again; null: as the organization has it.
    pub reveal_policy: Option<RevealPolicy>,
}

/// A token that was made.
#[derive(SimpleObject)]
pub(crate) struct AgentTokenCreatePayload {
    /// The token.
    pub agent_token_edge: AgentTokenEdge,
    /// As in the input.
    pub client_mutation_id: Option<String>,
    /// Its organization.
    pub organization: Organization,
    /// Its value. Keep it in a safe place: it is shown again only while the reveal policy allows.
    pub token_value: String,
}

/// Which token is taken back, and why.
#[derive(InputObject)]
pub(crate) struct AgentTokenRevokeInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// The token's global id, uuid, public id, or its own value.
    pub id: ID,
    /// Why; kept with the token and in the audit log.
    pub reason: String,
    /// What becomes of agents that are connected with it.
    #[graphql(default_with = "Some(ConnectedAgents::Keep)")]
    pub connected_agents: Option<ConnectedAgents>,
}

/// What a change did to connected agents, and the token as it is now.
pub(crate) struct Touching {
    pub token: Token,
    pub touched: Vec<AgentId>,
    pub client_mutation_id: Option<String>,
}

pub(crate) struct AgentTokenRevokePayload(pub Touching, pub Vec<dagster::AgentName>);

/// A token that was taken back. No call with it is accepted any more.
#[Object]
impl AgentTokenRevokePayload {
    /// The token as it is now.
    async fn agent_token(&self) -> AgentToken {
        AgentToken(self.0.token.clone())
    }

    /// As in the input.
    async fn client_mutation_id(&self) -> Option<&str> {
        self.0.client_mutation_id.as_deref()
    }

    /// How many connected agents were told to leave, or cut off.
    async fn agents_touched(&self) -> i32 {
        int(i64::try_from(self.0.touched.len()).unwrap_or(i64::MAX))
    }

    /// Those agents, at most 500.
    async fn touched_agents(&self, ctx: &Context<'_>, first: Option<i32>) -> Nullable<Vec<Agent>> {
        answered(reach::touched(Call::of(ctx), &self.0.touched, first).await)
    }

    /// The Dagster+ agents that run with it, newest first, at most 500. They show the token with each call, so each is refused at its next one,
    /// whatever becomes of connected agents.
    async fn dagster_agents(&self) -> Vec<DagsterAgentName> {
        self.1.iter().cloned().map(DagsterAgentName::from).collect()
    }
}

/// What is to be different about a token. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct AgentTokenUpdateInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// The token's global id, uuid or public id.
    pub id: ID,
    /// null takes the description away.
    pub description: MaybeUndefined<String>,
    /// Whether agents that register with it are marked as public.
    pub public: Option<bool>,
    /// null: it does not expire.
    pub expires_at: MaybeUndefined<DateTime>,
    /// A tighter policy destroys the kept value at once; a wider one never brings it back.
    pub reveal_policy: Option<RevealPolicy>,
    /// Replaces the scope as a whole. It applies at once to new work.
    pub scope: MaybeUndefined<AgentTokenScopeInput>,
    /// What becomes of connected agents that the new scope lets in no more.
    #[graphql(default_with = "Some(ConnectedAgents::Keep)")]
    pub connected_agents: Option<ConnectedAgents>,
}

pub(crate) struct AgentTokenUpdatePayload(pub Touching);

/// A token that was changed.
#[Object]
impl AgentTokenUpdatePayload {
    /// The token as it is now.
    async fn agent_token(&self) -> AgentToken {
        AgentToken(self.0.token.clone())
    }

    /// As in the input.
    async fn client_mutation_id(&self) -> Option<&str> {
        self.0.client_mutation_id.as_deref()
    }

    /// How many connected agents outside the new scope were told to leave, or cut off.
    async fn agents_touched(&self) -> i32 {
        int(i64::try_from(self.0.touched.len()).unwrap_or(i64::MAX))
    }

    /// Those agents, at most 500.
    async fn touched_agents(&self, ctx: &Context<'_>, first: Option<i32>) -> Nullable<Vec<Agent>> {
        answered(reach::touched(Call::of(ctx), &self.0.touched, first).await)
    }
}

/// Which token's value is to be shown.
#[derive(InputObject)]
pub(crate) struct AgentTokenRevealInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// The token's global id, uuid or public id.
    pub id: ID,
}

/// A value. That it was shown is in the audit log.
#[derive(SimpleObject)]
pub(crate) struct AgentTokenRevealPayload {
    /// As in the input.
    pub client_mutation_id: Option<String>,
    /// The public part of the value.
    pub public_id: String,
    /// The newest value of the token.
    pub token_value: String,
}

/// Which token gets a new secret.
#[derive(InputObject)]
pub(crate) struct AgentTokenRotateInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// The token's global id, uuid or public id.
    pub id: ID,
    /// Until when the older values are accepted; null: for a day. A time that has passed ends them at once.
    pub old_valid_until: Option<DateTime>,
}

/// A token with a new secret. It keeps its ids, its scope, its history and its agents.
#[derive(SimpleObject)]
pub(crate) struct AgentTokenRotatePayload {
    /// The token.
    pub agent_token: AgentToken,
    /// As in the input.
    pub client_mutation_id: Option<String>,
    /// Until when the older values are accepted.
    pub old_valid_until: DateTime,
    /// The new value.
    pub token_value: String,
}
