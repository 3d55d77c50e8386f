//! What an agent token is, asked by its holder.

use countersign_domain::QueueScope;
use countersign_store::organizations::{self, Deployment, Organization};
use countersign_store::tokens::{self, Token, scopes};

use crate::access::actions::IdentifyAgentToken;
use crate::{Caller, Control, Error, Grant, Result};

/// What an agent token is.
#[derive(Debug, Clone)]
pub struct TokenIdentity {
    /// The token.
    pub token: Token,
    /// Its organization.
    pub organization: Organization,
    /// The deployment that it is for, when it is for one.
    pub deployment: Option<Deployment>,
    /// The queue that it is for, when it is for one.
    pub queue: Option<String>,
}

impl Control {
    /// What the grant's agent token is.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn identify_agent_token(&self, grant: &Grant<IdentifyAgentToken>) -> Result<TokenIdentity> {
        let Caller::AgentToken(caller) = grant.caller() else {
            return Err(Error::internal("an identity was granted to no agent token"));
        };
        self.read(grant, caller.token, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let token = tokens::find(tx, of, scene.input).await?.ok_or_else(Error::unknown)?;
                let organization = organizations::find(tx, of).await?.ok_or_else(Error::unknown)?;
                let scope = scopes::find(tx, of, token.id).await?.ok_or_else(Error::unknown)?;
                let deployment = match scope.deployments.only_one() {
                    Some(id) => organizations::find_deployment(tx, of, id).await?,
                    None => None,
                };
                let queue = match &scope.queues {
                    QueueScope::Only(queues) if queues.len() == 1 => queues.first().map(|it| it.as_str().to_owned()),
                    _ => None,
                };
                Ok(TokenIdentity { token, organization, deployment, queue })
            })
        })
        .await
    }
}
