//! Whoever calls.

use async_graphql::{Context, ID, Object};
use countersign_control::Result;
use countersign_domain::id::UserId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::connection::Count;
use super::organization::{Organization, OrganizationConnection};
use super::page_info::Window;
use super::user::{User, member};
use super::user_token::{UserTokenConnection, own_tokens};

pub(crate) struct Viewer(pub UserId);

/// Whoever calls.
#[Object]
impl Viewer {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::Viewer, self.0)
    }

    /// The organizations that the caller's token is for: a user token is for one.
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Nullable<OrganizationConnection> {
        answered(organizations(Call::of(ctx), Window { first, last, ..Window::default() }).await)
    }

    /// The person.
    async fn user(&self, ctx: &Context<'_>) -> Nullable<User> {
        found(member(Call::of(ctx), self.0).await.map(Some))
    }

    /// The caller's own user tokens, newest first.
    async fn user_tokens(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Nullable<UserTokenConnection> {
        answered(own_tokens(Call::of(ctx), Window { first, last, after, before }).await)
    }
}

async fn organizations(call: &Call, window: Window) -> Result<OrganizationConnection> {
    let own = vec![call.control.organization(&call.may()?).await?];
    Ok(OrganizationConnection::new(window.cut(own, |it| it.id)?, Organization, Count::Known(1)))
}
