//! The ways to name an agent token: by its id, by its number, by the public id of one of its secrets, or by the value itself.

use std::sync::Arc;

use countersign_domain::id::TokenId;
use countersign_domain::{Kind, PublicId, TokenSecret};
use countersign_store::tokens::{self, Token, secrets};
use countersign_store::{Tx, numbers};

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Error, Grant, Result, Scene};

use super::AgentToken;
use super::list::with_scope;

/// How a caller names an agent token.
#[derive(Debug, Clone)]
pub enum TokenReference {
    /// By its id.
    Id(TokenId),
    /// By its number, as Dagster's API has it.
    Number(i64),
    /// By the public id of one of its secrets.
    PublicId(PublicId),
    /// By one of its values, as the first documentation of the API has it. The secret is verified: its public part alone names nothing here.
    Value(Arc<TokenSecret>),
}

impl TokenReference {
    /// Reads a UUID, a public id or a value. Global ids are the face's to decode.
    ///
    /// # Errors
    /// [`Error::NotFound`] for anything else, worded as for a token that is not there; the text is never repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if let Ok(id) = text.parse() {
            return Ok(Self::PublicId(id));
        }
        match TokenSecret::parse(text) {
            Ok(secret) if secret.kind() == Kind::AgentToken => Ok(Self::Value(Arc::new(secret))),
            _ => Err(Error::NotFound("agent token")),
        }
    }
}

impl Control {
    /// One of the organization's agent tokens, by any of its names.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn find_agent_token(
        &self,
        grant: &Grant<ViewAgentTokens>,
        reference: TokenReference,
    ) -> Result<AgentToken> {
        let mut found = self
            .read(grant, reference, |tx, scene| {
                Box::pin(async move {
                    let id = id_of(tx, scene, &scene.input).await?;
                    let found = tokens::find(tx, scene.organization, id).await?;
                    with_scope(tx, scene, only_agent_token(found)?).await
                })
            })
            .await?;
        self.overlay(&mut found.token);
        Ok(found)
    }
}

/// The organization's agent token of that name, kept still until the transaction ends.
pub(super) async fn resolve<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &TokenReference) -> Result<Token> {
    let id = id_of(tx, scene, reference).await?;
    only_agent_token(tokens::find_for_update(tx, scene.organization, id).await?)
}

fn only_agent_token(found: Option<Token>) -> Result<Token> {
    found.filter(|it| it.kind == Kind::AgentToken).ok_or(NOT_FOUND)
}

const NOT_FOUND: Error = Error::NotFound("agent token");

/// The id of what the organization has under that name; whether there is an agent token with it is for the caller to ask.
pub(super) async fn id_of<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &TokenReference) -> Result<TokenId> {
    let of = scene.organization;
    Ok(match reference {
        TokenReference::Id(id) => *id,
        TokenReference::Number(number) => numbers::subject(tx, of, *number).await?.ok_or(NOT_FOUND)?,
        TokenReference::PublicId(id) => tokens::find_by_public_id(tx, of, id).await?.ok_or(NOT_FOUND)?.id,
        TokenReference::Value(secret) => {
            let found = secrets::credential_by_public_id(tx, secret.public_id()).await?;
            match found {
                Some(it) if it.organization == of && scene.keys.verify(secret, &it.digest).unwrap_or(false) => it.token,
                _ => return Err(NOT_FOUND),
            }
        }
    })
}
