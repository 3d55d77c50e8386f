//! User tokens: one's own, and for Organization Admins those of others, which they see and revoke and never reveal.

pub(crate) mod create;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod reveal;
pub(crate) mod revoke;

use countersign_control::access::actions::ViewUserTokens;
use countersign_control::agent_tokens::Token;
use countersign_control::user_tokens::UserTokenReference;
use countersign_domain::id::TokenId;

use crate::failure::Failure;
use crate::frame::Frame;
use crate::visit::{Tab, Visit};

/// What a user token is called on pages.
pub(crate) fn title(token: &Token) -> String {
    token.description.clone().unwrap_or_else(|| "No description".to_owned())
}

impl Visit {
    /// One of one's own user tokens, the one in the address.
    async fn own_token(&self) -> Result<Token, Failure> {
        let reference = UserTokenReference::Id(self.token_id()?);
        Ok(self.control().user_token(&self.may::<ViewUserTokens>()?, reference).await?)
    }

    /// A path of a user token.
    pub(crate) fn user_token_path(&self, id: TokenId, below: &str) -> String {
        self.path(&format!("/settings/user-tokens/{id}{below}"))
    }

    /// Around a page of one user token.
    fn user_token_frame(&self, words: &str, token: &Token) -> Frame {
        let list = self.settings(Tab::UserTokens, words).crumb("User tokens", self.path("/settings/user-tokens"));
        list.crumb(title(token), self.user_token_path(token.id, ""))
    }
}
