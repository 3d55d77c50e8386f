//! The agent tokens of a cluster: those that were made for one deployment and stay with it.

use async_graphql::{Context, ID, Object};
use countersign_control::{Result, agent_tokens};
use countersign_domain::id::{DeploymentId, TokenId};

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, found};

use super::agent_token::{self, TokenState};
use super::cluster::{self, Cluster};
use super::connection::{Count, connection};
use super::date_time::{DateTime, time};
use super::page_info::Window;
use super::user::{User, person};

pub(crate) struct ClusterToken(pub agent_tokens::AgentToken);

connection! {
    /// Agent tokens of a cluster, newest first.
    ClusterAgentTokenConnection, ClusterAgentTokenEdge of ClusterToken
}

/// An agent token that was made for one cluster. The same token is an `AgentToken` too, under the same uuid.
#[Object]
impl ClusterToken {
    /// Where it may be used from, as CIDR with blanks between; `0.0.0.0/0 ::/0` for anywhere.
    async fn allowed_ip_addresses(&self) -> Option<String> {
        Some(self.0.scope.network_texts().join(" "))
    }

    /// Its cluster; null when that was deleted.
    async fn cluster(&self, ctx: &Context<'_>) -> Nullable<Cluster> {
        match self.0.cluster() {
            Some(id) => found(cluster::by_id(Call::of(ctx), id).await),
            None => None,
        }
    }

    /// Who made it.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.token.created_by).await
    }

    /// What people call it.
    async fn description(&self) -> Option<&str> {
        self.0.token.description.as_deref()
    }

    /// From when on it is refused; null: never.
    async fn expires_at(&self) -> Option<DateTime> {
        time(self.0.token.expires_at)
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::ClusterToken, self.0.token.id)
    }

    /// The value, while its reveal policy allows and the caller may reveal it; else empty. Each look is in the audit log.
    #[graphql(deprecation = "Use tokenValue of clusterAgentTokenCreate, or agentTokenReveal.")]
    async fn token(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        Ok(agent_token::value(Call::of(ctx), &self.0.token).await?)
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.token.id)
    }

    /// When it was made.
    async fn created_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.token.created_at))
    }

    /// When it was last accepted.
    async fn last_used_at(&self) -> Option<DateTime> {
        time(self.0.token.last_used_at)
    }

    /// The public part of its first value: in pages, logs, audit and refusals.
    async fn public_id(&self) -> &str {
        self.0.token.public_id.as_str()
    }

    /// Where it stands.
    async fn state(&self, ctx: &Context<'_>) -> TokenState {
        TokenState::of(&self.0.token, Call::of(ctx))
    }
}

/// The tokens of a cluster that were not revoked.
pub(crate) async fn list(call: &Call, of: DeploymentId, window: Window) -> Result<ClusterAgentTokenConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.cluster_tokens(grant, of, page), |it| it.token.id).await?;
    Ok(ClusterAgentTokenConnection::new(slice, ClusterToken, Count::ClusterTokens(of)))
}

/// One of them.
pub(crate) async fn by_id(call: &Call, id: TokenId) -> Result<ClusterToken> {
    Ok(ClusterToken(call.control.cluster_token(&call.may()?, id).await?))
}
