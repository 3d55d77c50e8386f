//! User tokens: everyone's own.

use async_graphql::{Context, Object, Result, SimpleObject};
use countersign_control::access::actions::{RevealUserToken, ViewUserTokens};
use countersign_control::user_tokens::UserTokenReference;
use countersign_control::{Action, Error, Grant, PageRequest, revealing};

use crate::call::Call;
use crate::failure::Failure;
use crate::heartbeat::seconds;

use super::problem::results;
use super::tokens::{MAX_TOKENS, masked, number};
use super::user::{DagsterCloudUser, number_of, person};

results! {
    /// A token that was made, or why there is none.
    CreateUserTokenResult of DagsterCloudUserToken;
    /// A token that was taken back, or why it was not.
    RevokeUserTokenResult of DagsterCloudUserToken or DagsterCloudTokenNotFoundError;
    /// A token with another description, or why it has none.
    EditDescUserTokenResult of DagsterCloudUserToken or DagsterCloudTokenNotFoundError;
    /// User tokens, or why they are not shown.
    UserTokensOrError of DagsterCloudUserTokens;
}

/// A person's user tokens.
#[derive(SimpleObject)]
pub(crate) struct DagsterCloudUserTokens {
    /// The newest first, revoked ones too.
    tokens: Vec<DagsterCloudUserToken>,
}

/// The rows that operations answer with.
type Token = countersign_control::agent_tokens::Token;

/// A user token.
pub(crate) struct DagsterCloudUserToken {
    it: Box<Token>,
    /// The value of one that was made just now.
    value: Option<String>,
}

impl From<Token> for DagsterCloudUserToken {
    fn from(it: Token) -> Self {
        Self { it: Box::new(it), value: None }
    }
}

impl DagsterCloudUserToken {
    pub(crate) fn made(it: Token, value: String) -> Self {
        Self { it: Box::new(it), value: Some(value) }
    }

    async fn value(&self, call: &Call) -> countersign_control::Result<String> {
        if let Some(value) = &self.value {
            return Ok(value.clone());
        }
        let masked = || masked(self.it.public_id.as_str());
        if !revealing::is_open(&self.it, call.control.now()) {
            return Ok(masked());
        }
        let grant = call.control.grant_own::<RevealUserToken>(&call.caller)?;
        match call.control.reveal_user_token(&grant, UserTokenReference::Id(self.it.id)).await {
            Ok(secret) => Ok(secret.reveal().to_owned()),
            Err(Error::Denied { .. } | Error::Conflict(_) | Error::NotFound(_)) => Ok(masked()),
            Err(error) => Err(error),
        }
    }
}

#[Object]
impl DagsterCloudUserToken {
    /// Its number in the organization.
    async fn id(&self) -> Result<i32> {
        Ok(number(self.it.number)?)
    }

    /// Its value, while its reveal policy allows: each look is in the audit log. Else its public id and asterisks.
    async fn token(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.value(Call::of(ctx)).await.map_err(Failure::Person)?)
    }

    /// Whose it is.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<DagsterCloudUser>> {
        Ok(person(Call::of(ctx), self.it.user).await.map_err(Failure::Person)?)
    }

    /// When it was made, in seconds since the epoch.
    async fn create_timestamp(&self) -> Option<f64> {
        Some(seconds(self.it.created_at))
    }

    /// Whether it was taken back.
    async fn revoked(&self) -> bool {
        self.it.revoked_at.is_some()
    }

    /// Who took it back.
    async fn revoked_by(&self, ctx: &Context<'_>) -> Result<Option<DagsterCloudUser>> {
        Ok(person(Call::of(ctx), self.it.revoked_by).await.map_err(Failure::Person)?)
    }

    /// When it was taken back, in seconds since the epoch.
    async fn revoke_timestamp(&self) -> Option<f64> {
        self.it.revoked_at.map(seconds)
    }

    /// What its owner calls it.
    async fn description(&self) -> Option<&str> {
        self.it.description.as_deref()
    }
}

/// A grant over one's own user tokens: another person's number is refused before anything is looked for.
pub(crate) async fn own<A: Action>(call: &Call, user: Option<i32>) -> countersign_control::Result<Grant<A>> {
    let grant = call.control.grant_own::<A>(&call.caller)?;
    if let (Some(asked), Some(own)) = (user, call.caller.user())
        && number_of(call, own).await? != Some(asked)
    {
        return Err(Error::Denied { action: A::NAME, needs: "the person whose tokens they are" });
    }
    Ok(grant)
}

/// One's own user tokens.
pub(crate) async fn list(call: &Call, user: Option<i32>) -> countersign_control::Result<DagsterCloudUserTokens> {
    let grant = own::<ViewUserTokens>(call, user).await?;
    let page = call.control.user_tokens(&grant, PageRequest::first(MAX_TOKENS)).await?;
    Ok(DagsterCloudUserTokens { tokens: page.items.into_iter().map(Into::into).collect() })
}
