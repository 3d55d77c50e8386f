//! Creating, changing and revoking the agent tokens of a cluster.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::agent_tokens::{AgentTokenChange, NewAgentToken, Revocation, TokenReference};
use countersign_control::{Error, Result};
use countersign_domain::id::TokenId;
use countersign_domain::{Network, Scope};

use crate::call::Call;
use crate::global_id::{self, Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::cluster::read_id;
use crate::types::cluster_token::{self, ClusterToken};
use crate::types::date_time::DateTime;

use super::reach::{self, ConnectedAgents};

/// Why a token was revoked, where Buildkite's clients say nothing.
const REASON: &str = "Revoked as a token of its cluster; no reason was given.";

/// An agent token of a cluster that is to be made.
#[derive(InputObject)]
pub(crate) struct ClusterAgentTokenCreateInput {
    /// Where it may be used from: CIDRs with blanks between; null or empty: from anywhere.
    allowed_ip_addresses: Option<String>,
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The cluster's global id.
    cluster_id: ID,
    /// What people will call it.
    description: String,
    /// From when on it is refused; null: never.
    expires_at: Option<DateTime>,
    /// The organization's global id.
    organization_id: ID,
}

/// A token that was made.
#[derive(SimpleObject)]
pub(crate) struct ClusterAgentTokenCreatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The token.
    cluster_agent_token: ClusterToken,
    /// Its value. Keep it in a safe place: it is shown again only while the reveal policy allows.
    token_value: String,
}

/// What is to be different about a token of a cluster.
#[derive(InputObject)]
pub(crate) struct ClusterAgentTokenUpdateInput {
    /// Where it may be used from; null: as before; empty: from anywhere.
    allowed_ip_addresses: Option<String>,
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// What people call it.
    description: String,
    /// The token's global id.
    id: ID,
    /// The organization's global id.
    organization_id: ID,
}

/// A token that was changed.
#[derive(SimpleObject)]
pub(crate) struct ClusterAgentTokenUpdatePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The token.
    cluster_agent_token: ClusterToken,
}

/// Which token of a cluster is taken back.
#[derive(InputObject)]
pub(crate) struct ClusterAgentTokenRevokeInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The token's global id.
    id: ID,
    /// The organization's global id.
    organization_id: ID,
    /// Why; kept with the token and in the audit log.
    reason: Option<String>,
    /// What becomes of agents that are connected with it.
    #[graphql(default_with = "Some(ConnectedAgents::Keep)")]
    connected_agents: Option<ConnectedAgents>,
}

/// A token that was taken back. No call with it is accepted any more.
#[derive(SimpleObject)]
pub(crate) struct ClusterAgentTokenRevokePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The token's global id.
    deleted_cluster_agent_token_id: ID,
}

#[derive(Default)]
pub(crate) struct ClusterTokenMutations;

#[Object]
impl ClusterTokenMutations {
    /// Creates an agent token of a cluster. It stays with that cluster.
    async fn cluster_agent_token_create(
        &self,
        ctx: &Context<'_>,
        input: ClusterAgentTokenCreateInput,
    ) -> Nullable<ClusterAgentTokenCreatePayload> {
        answered(create(Call::of(ctx), input).await)
    }

    /// Changes an agent token of a cluster.
    async fn cluster_agent_token_update(
        &self,
        ctx: &Context<'_>,
        input: ClusterAgentTokenUpdateInput,
    ) -> Nullable<ClusterAgentTokenUpdatePayload> {
        answered(update(Call::of(ctx), input).await)
    }

    /// Takes an agent token of a cluster back. Saying it again changes nothing.
    async fn cluster_agent_token_revoke(
        &self,
        ctx: &Context<'_>,
        input: ClusterAgentTokenRevokeInput,
    ) -> Nullable<ClusterAgentTokenRevokePayload> {
        answered(revoke(Call::of(ctx), input).await)
    }
}

/// Networks as Buildkite's clients write them.
fn networks(text: &str) -> Result<Vec<Network>> {
    let read = |text: &str| text.parse().map_err(|why| Error::invalid("allowedIpAddresses", why));
    text.split_whitespace().map(read).collect()
}

async fn create(call: &Call, input: ClusterAgentTokenCreateInput) -> Result<ClusterAgentTokenCreatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let networks = networks(input.allowed_ip_addresses.as_deref().unwrap_or_default())?;
    let new = NewAgentToken {
        description: Some(input.description),
        expires_at: input.expires_at.map(|at| at.0),
        scope: Some(Scope { networks, ..Scope::widest() }),
        ..NewAgentToken::default()
    };
    let issued = call.control.create_cluster_token(&grant, read_id(&input.cluster_id)?, new).await?;
    Ok(ClusterAgentTokenCreatePayload {
        client_mutation_id: input.client_mutation_id,
        cluster_agent_token: ClusterToken(issued.token),
        token_value: issued.secret.reveal().to_owned(),
    })
}

/// A token of this family: others are not to be had under these names.
async fn known(call: &Call, id: &ID) -> Result<TokenReference> {
    let id: TokenId = expect(id, Sort::ClusterToken)?;
    Ok(TokenReference::Id(cluster_token::by_id(call, id).await?.0.token.id))
}

async fn update(call: &Call, input: ClusterAgentTokenUpdateInput) -> Result<ClusterAgentTokenUpdatePayload> {
    let grant = call.may_in(&input.organization_id)?;
    // Looked for first: who may not know of it is told nothing of the rest.
    let token = known(call, &input.id).await?;
    let change = AgentTokenChange {
        description: Some(Some(input.description)),
        networks: input.allowed_ip_addresses.as_deref().map(networks).transpose()?,
        connected_agents: reach::chosen(None),
        ..AgentTokenChange::nothing(token)
    };
    let changed = call.control.update_agent_token(&grant, change).await?;
    Ok(ClusterAgentTokenUpdatePayload {
        client_mutation_id: input.client_mutation_id,
        cluster_agent_token: ClusterToken(changed.token),
    })
}

async fn revoke(call: &Call, input: ClusterAgentTokenRevokeInput) -> Result<ClusterAgentTokenRevokePayload> {
    let grant = call.may_in(&input.organization_id)?;
    let revocation = Revocation {
        token: known(call, &input.id).await?,
        reason: input.reason.unwrap_or_else(|| REASON.to_owned()),
        connected_agents: reach::chosen(input.connected_agents),
        expected: None,
    };
    let revoked = call.control.revoke_agent_token(&grant, revocation).await?;
    Ok(ClusterAgentTokenRevokePayload {
        client_mutation_id: input.client_mutation_id,
        deleted_cluster_agent_token_id: global_id::encode(Sort::ClusterToken, revoked.token.token.id),
    })
}
