//! User tokens: what a person's programs call this API with.

use async_graphql::{Context, ID, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::agent_tokens::Token;
use countersign_control::members::MemberReference;
use countersign_control::user_tokens::UserTokenReference;
use countersign_domain::id::{TokenId, UserId};

use crate::call::Call;
use crate::global_id::{self, Sort};

use super::agent_token::{RevealPolicy, TokenState};
use super::date_time::{DateTime, time};
use super::page_info::{PageInfo, Slice, Window};

#[derive(Debug)]
pub(crate) struct UserToken(pub Token);

/// A token that a person's programs call this API with. Its owner sees it, and an Organization Admin sees that it is there.
#[Object(name = "APIAccessToken")]
impl UserToken {
    /// From when on it is refused; null: never.
    async fn expires_at(&self) -> Option<DateTime> {
        time(self.0.expires_at)
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::UserToken, self.0.id)
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// What its owner calls it.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The public part of its value: in pages, logs, audit and refusals.
    async fn public_id(&self) -> &str {
        self.0.public_id.as_str()
    }

    /// Where it stands.
    async fn state(&self, ctx: &Context<'_>) -> TokenState {
        TokenState::of(&self.0, Call::of(ctx))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was taken back.
    async fn revoked_at(&self) -> Option<DateTime> {
        time(self.0.revoked_at)
    }

    /// Why it was taken back.
    async fn revoked_reason(&self) -> Option<&str> {
        self.0.revoked_reason.as_deref()
    }

    /// Until when its value can be shown again.
    async fn reveal_policy(&self) -> RevealPolicy {
        self.0.reveal_policy.into()
    }

    /// The end of the window in which its value can be shown again, with the policy `WINDOW`.
    async fn reveal_until(&self) -> Option<DateTime> {
        time(self.0.reveal_until)
    }

    /// When it was last accepted.
    async fn last_used_at(&self) -> Option<DateTime> {
        time(self.0.last_used_at)
    }

    /// From which address it was last accepted.
    async fn last_used_ip(&self) -> Option<&str> {
        self.0.last_used_ip.as_deref()
    }
}

/// A user token, and its place in the list.
#[derive(SimpleObject)]
pub(crate) struct UserTokenEdge {
    /// Names the place: for `after` and `before`.
    cursor: String,
    /// The token.
    node: Option<UserToken>,
}

/// User tokens of one member, newest first.
#[derive(SimpleObject)]
pub(crate) struct UserTokenConnection {
    /// The entries of this page.
    edges: Option<Vec<Option<UserTokenEdge>>>,
    /// Where this page stands.
    page_info: Option<PageInfo>,
}

/// The caller's own user tokens.
pub(crate) async fn own_tokens(call: &Call, window: Window) -> Result<UserTokenConnection> {
    let grant = &call.may()?;
    let slice = window.read(|page| call.control.user_tokens(grant, page), |it| it.id).await?;
    Ok(connection(slice))
}

/// The user tokens of a member.
pub(crate) async fn tokens_of(call: &Call, member: UserId, window: Window) -> Result<UserTokenConnection> {
    let grant = &call.may()?;
    let of = || MemberReference::Id(member);
    Ok(connection(window.read(|page| call.control.member_tokens(grant, of(), page), |it| it.id).await?))
}

fn connection(slice: Slice<Token>) -> UserTokenConnection {
    let edge = |(cursor, token)| Some(UserTokenEdge { cursor, node: Some(UserToken(token)) });
    let edges = slice.entries.into_iter().map(edge).collect();
    UserTokenConnection { edges: Some(edges), page_info: Some(slice.info) }
}

/// One of the caller's own user tokens.
pub(crate) async fn by_id(call: &Call, id: TokenId) -> Result<UserToken> {
    Ok(UserToken(call.control.user_token(&call.may()?, UserTokenReference::Id(id)).await?))
}
