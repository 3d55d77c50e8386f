//! Agent tokens: the list, a token's own page, and what is done with one.

pub(crate) mod create;
pub(crate) mod describe;
mod ended;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod one;
pub(crate) mod permit;
pub(crate) mod reveal;
pub(crate) mod revoke;
pub(crate) mod rotate;
mod rows;
mod ways;

use countersign_control::Error;
use countersign_control::access::actions::{ViewAgentTokens, ViewOrganization};
use countersign_control::agent_tokens::AgentToken;
use countersign_control::deployments::Deployment;
use countersign_domain::id::TokenId;

use crate::failure::Failure;
use crate::frame::Frame;
use crate::visit::{Tab, Visit};

/// What an agent token without a description is called.
const UNNAMED: &str = "No description";

/// What a token is called on pages.
pub(crate) fn title(token: &AgentToken) -> String {
    title_of(token.token.description.clone())
}

/// The same by its description.
pub(crate) fn title_of(description: Option<String>) -> String {
    description.unwrap_or_else(|| UNNAMED.to_owned())
}

impl Visit {
    /// The id of the token in the address.
    pub(crate) fn token_id(&self) -> Result<TokenId, Failure> {
        Ok(self.param("token").parse().map_err(|_| Error::NotFound("agent token"))?)
    }

    /// The agent token in the address.
    async fn agent_token(&self) -> Result<AgentToken, Failure> {
        Ok(self.control().agent_token(&self.may::<ViewAgentTokens>()?, self.token_id()?).await?)
    }

    /// The organization's deployments, by name.
    pub(crate) async fn deployments(&self) -> Result<Vec<Deployment>, Failure> {
        Ok(self.control().deployments(&self.may::<ViewOrganization>()?).await?)
    }

    /// A path of an agent token.
    pub(crate) fn token_path(&self, id: TokenId, below: &str) -> String {
        self.path(&format!("/settings/tokens/{id}{below}"))
    }

    /// Around a page of one agent token.
    fn token_frame(&self, words: &str, token: &AgentToken) -> Frame {
        let list = self.settings(Tab::AgentTokens, words).crumb("Agent tokens", self.path("/settings/tokens"));
        list.crumb(title(token), self.token_path(token.token.id, ""))
    }
}
