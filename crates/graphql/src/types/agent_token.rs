//! Agent tokens.

use async_graphql::{Context, Enum, ID, Object};
use countersign_control::agent_tokens::{self, Liveness, TokenReference};
use countersign_control::{Error, Result, revealing};
use countersign_domain::RevealPolicy as Policy;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::agent::{Agent, AgentConnection};
use super::connection::{Count, connection};
use super::date_time::{DateTime, time};
use super::explanation::{self, AgentTokenExplanation};
use super::organization::{Organization, own};
use super::page_info::Window;
use super::permission::AgentTokenPermissions;
use super::scope::AgentTokenScope;
use super::token_history::{AgentTokenRefusal, AgentTokenSecret};
use super::user::{User, person};

/// Until when the value of a token can be shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RevealPolicy {
    /// For 10 minutes after it was made.
    Window,
    /// For as long as the token lives.
    Always,
    /// Never: it is shown once, when it is made.
    Never,
}

impl From<Policy> for RevealPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Window => Self::Window,
            Policy::Always => Self::Always,
            Policy::Never => Self::Never,
        }
    }
}

impl From<RevealPolicy> for Policy {
    fn from(policy: RevealPolicy) -> Self {
        match policy {
            RevealPolicy::Window => Self::Window,
            RevealPolicy::Always => Self::Always,
            RevealPolicy::Never => Self::Never,
        }
    }
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TokenState {
    /// It is accepted.
    Active,
    /// Its time has run out.
    Expired,
    /// It was taken back.
    Revoked,
}

impl TokenState {
    pub(crate) fn of(token: &agent_tokens::Token, call: &Call) -> Self {
        if token.revoked_at.is_some() {
            Self::Revoked
        } else if token.expires_at.is_some_and(|at| at <= call.control.now()) {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

#[derive(Debug)]
pub(crate) struct AgentToken(pub agent_tokens::AgentToken);

connection! {
    /// Agent tokens, newest first.
    AgentTokenConnection, AgentTokenEdge of AgentToken
}

/// A token that agents register with.
#[Object]
impl AgentToken {
    /// When it was made.
    async fn created_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.token.created_at))
    }

    /// Who made it; null for the organization's default token.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.token.created_by).await
    }

    /// What people call it.
    async fn description(&self) -> Option<&str> {
        self.0.token.description.as_deref()
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::AgentToken, self.0.token.id)
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Nullable<Organization> {
        answered(own(Call::of(ctx)).await)
    }

    /// What the caller may do with it.
    async fn permissions(&self) -> AgentTokenPermissions {
        AgentTokenPermissions
    }

    /// Whether agents that register with it are marked as public. This server shows no agent outside its organization.
    async fn public(&self) -> bool {
        self.0.token.is_public
    }

    /// When it was taken back.
    async fn revoked_at(&self) -> Option<DateTime> {
        time(self.0.token.revoked_at)
    }

    /// Who took it back.
    async fn revoked_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.token.revoked_by).await
    }

    /// Why it was taken back.
    async fn revoked_reason(&self) -> Option<&str> {
        self.0.token.revoked_reason.as_deref()
    }

    /// The value, while its reveal policy allows and the caller may reveal it; else empty. Each look is in the audit log.
    #[graphql(deprecation = "Use tokenValue of agentTokenCreate, or agentTokenReveal.")]
    async fn token(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        Ok(value(Call::of(ctx), &self.0.token).await?)
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.token.id)
    }

    /// The public part of its first value: in pages, logs, audit and refusals. Knowing it gives nothing.
    async fn public_id(&self) -> &str {
        self.0.token.public_id.as_str()
    }

    /// Where it stands.
    async fn state(&self, ctx: &Context<'_>) -> TokenState {
        TokenState::of(&self.0.token, Call::of(ctx))
    }

    /// From when on it is refused; null: never.
    async fn expires_at(&self) -> Option<DateTime> {
        time(self.0.token.expires_at)
    }

    /// What it reaches.
    async fn scope(&self) -> AgentTokenScope {
        AgentTokenScope(self.0.scope.clone())
    }

    /// Until when its value can be shown again.
    async fn reveal_policy(&self) -> RevealPolicy {
        self.0.token.reveal_policy.into()
    }

    /// The end of the window in which its value can be shown again, with the policy `WINDOW`.
    async fn reveal_until(&self) -> Option<DateTime> {
        time(self.0.token.reveal_until)
    }

    /// When it was last accepted.
    async fn last_used_at(&self) -> Option<DateTime> {
        time(self.0.token.last_used_at)
    }

    /// From which address it was last accepted.
    async fn last_used_ip(&self) -> Option<&str> {
        self.0.token.last_used_ip.as_deref()
    }

    /// The agents that registered with it and are connected now, newest first.
    async fn agents(&self, ctx: &Context<'_>, first: Option<i32>, after: Option<String>) -> Nullable<AgentConnection> {
        answered(agents(Call::of(ctx), &self.0.token, Window::forward(first, after)).await)
    }

    /// Its secrets, newest first: during a rotation one sees here who still uses the old one.
    async fn secrets(&self, ctx: &Context<'_>) -> Nullable<Vec<AgentTokenSecret>> {
        answered(secrets(Call::of(ctx), &self.0.token).await)
    }

    /// Attempts with one of its values that were refused, newest first.
    async fn refusals(&self, ctx: &Context<'_>) -> Nullable<Vec<AgentTokenRefusal>> {
        answered(refusals(Call::of(ctx), &self.0.token).await)
    }

    /// Whether an agent that came with it would be let in, and which rule decides.
    async fn explain(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where it would work, by name; left out: where an agent without the tag does.")]
        deployment: Option<String>,
        #[graphql(desc = "The queue that it would serve; left out: `default`.")] queue: Option<String>,
        #[graphql(desc = "The address that it would come from; left out: the networks are not asked.")] address: Option<
            String,
        >,
    ) -> Nullable<AgentTokenExplanation> {
        let (deployment, queue) = (deployment.as_deref(), queue.as_deref());
        answered(explanation::explain(Call::of(ctx), self.0.token.id, deployment, queue, address.as_deref()).await)
    }
}

pub(crate) async fn value(call: &Call, token: &agent_tokens::Token) -> Result<String> {
    // Asked first, so that listing tokens writes nothing for those whose window has closed.
    if !revealing::is_open(token, call.control.now()) {
        return Ok(String::new());
    }
    let revealed = match call.may() {
        Ok(grant) => call.control.reveal_agent_token(&grant, TokenReference::Id(token.id)).await,
        Err(error) => Err(error),
    };
    match revealed {
        Ok(secret) => Ok(secret.reveal().to_owned()),
        Err(Error::Denied { .. } | Error::Conflict(_) | Error::NotFound(_)) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

async fn agents(call: &Call, token: &agent_tokens::Token, window: Window) -> Result<AgentConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.agent_token_agents(grant, token.id, page), |it| it.id).await?;
    Ok(AgentConnection::new(slice, Agent, Count::AgentsOfToken(token.id)))
}

async fn secrets(call: &Call, token: &agent_tokens::Token) -> Result<Vec<AgentTokenSecret>> {
    let all = call.control.agent_token_secrets(&call.may()?, token.id).await?;
    Ok(all.into_iter().map(AgentTokenSecret).collect())
}

async fn refusals(call: &Call, token: &agent_tokens::Token) -> Result<Vec<AgentTokenRefusal>> {
    let all = call.control.agent_token_refusals(&call.may()?, token.id).await?;
    Ok(all.into_iter().map(AgentTokenRefusal).collect())
}

/// The organization's agent tokens.
pub(crate) async fn list(call: &Call, which: Liveness, window: Window) -> Result<AgentTokenConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.agent_tokens(grant, which, page), |it| it.token.id).await?;
    Ok(AgentTokenConnection::new(slice, AgentToken, Count::AgentTokens(which)))
}

/// One of them.
pub(crate) async fn by_slug(call: &Call, slug: &str) -> Nullable<AgentToken> {
    found(find(call, slug).await.map(Some))
}

async fn find(call: &Call, slug: &str) -> Result<AgentToken> {
    let id = super::slug::id_of(call, slug, "agent token").await?;
    Ok(AgentToken(call.control.agent_token(&call.may()?, id).await?))
}

impl AgentTokenEdge {
    /// The edge of a token that was made just now: the newest of its list.
    pub(crate) fn of_new(token: agent_tokens::AgentToken) -> Self {
        Self { cursor: super::page_info::cursor(token.token.id), node: Some(AgentToken(token)) }
    }
}
