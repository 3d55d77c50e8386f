//! User tokens: everyone's own; what an Organization Admin may do of another member's too.

use async_graphql::{Context, Object, Result, SimpleObject};
use countersign_control::access::actions::{
    RevealUserToken, RevokeMemberToken, RevokeUserToken, ViewMemberTokens, ViewUserTokens,
};
use countersign_control::members::MemberReference;
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
        // Asked first: of another's token nothing is revealed, and asking for it would be a write.
        if self.it.user != call.caller.user() || !revealing::is_open(&self.it, call.control.now()) {
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

/// Which other member a call names; none when it names nobody, or the caller.
async fn another(call: &Call, user: Option<i32>) -> countersign_control::Result<Option<MemberReference>> {
    match (user, call.caller.user()) {
        (Some(asked), Some(own)) if number_of(call, own).await? != Some(asked) => {
            Ok(Some(MemberReference::Number(asked.into())))
        }
        _ => Ok(None),
    }
}

/// A grant over one's own user tokens, for what nobody does to another's: their number is refused before anything is looked for.
pub(crate) async fn own<A: Action>(call: &Call, user: Option<i32>) -> countersign_control::Result<Grant<A>> {
    let grant = call.control.grant_own::<A>(&call.caller)?;
    match another(call, user).await? {
        None => Ok(grant),
        Some(_) => Err(Error::Denied { action: A::NAME, needs: "the person whose tokens they are" }),
    }
}

/// A member's user tokens: one's own, or for an Organization Admin anybody's.
pub(crate) async fn list(call: &Call, user: Option<i32>) -> countersign_control::Result<DagsterCloudUserTokens> {
    let own = call.control.grant_own::<ViewUserTokens>(&call.caller)?;
    let page = PageRequest::first(MAX_TOKENS);
    let page = match another(call, user).await? {
        None => call.control.user_tokens(&own, page).await?,
        Some(member) => {
            let grant = call.control.grant_own::<ViewMemberTokens>(&call.caller)?;
            call.control.member_tokens(&grant, member, page).await?
        }
    };
    Ok(DagsterCloudUserTokens { tokens: page.items.into_iter().map(Into::into).collect() })
}

/// Takes a user token back: one's own, or for an Organization Admin anybody's.
pub(crate) async fn revoke(
    call: &Call,
    number: i32,
    user: Option<i32>,
    reason: &str,
) -> countersign_control::Result<DagsterCloudUserToken> {
    let own = call.control.grant_own::<RevokeUserToken>(&call.caller)?;
    let (token, reason) = (UserTokenReference::Number(number.into()), Some(reason.to_owned()));
    let revoked = match another(call, user).await? {
        None => call.control.revoke_user_token(&own, token, reason).await?,
        Some(member) => {
            let grant = call.control.grant_own::<RevokeMemberToken>(&call.caller)?;
            call.control.revoke_member_token(&grant, member, token, reason).await?
        }
    };
    Ok(revoked.into())
}
