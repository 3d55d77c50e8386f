//! User tokens: what a person's programs call the API with. Everyone manages their own and nobody else's.

mod change;
mod create;
mod list;
mod reveal;
mod revoke;

use countersign_domain::PublicId;
use countersign_domain::id::TokenId;
use countersign_domain::Kind;
use countersign_store::Tx;
use countersign_store::tokens::{self, Token};

use crate::{Caller, Error, Result, Scene};

pub use change::UserTokenChange;
pub use create::{IssuedUserToken, NewUserToken};

/// How a caller names one of their own user tokens.
#[derive(Debug, Clone)]
pub enum UserTokenReference {
    /// By its id.
    Id(TokenId),
    /// By its public id.
    PublicId(PublicId),
}

impl UserTokenReference {
    /// Reads a UUID or a public id. Global ids are the face's to decode.
    ///
    /// # Errors
    /// [`Error::NotFound`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::PublicId).map_err(|_| Error::NotFound("user token"))
    }
}

/// The caller's own user token of that name. Another person's is not found, whoever asks.
async fn own<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &UserTokenReference) -> Result<Token> {
    let not_found = Error::NotFound("user token");
    let Caller::User(user) = &scene.caller else { return Err(not_found) };
    let id = match reference {
        UserTokenReference::Id(id) => *id,
        UserTokenReference::PublicId(id) => {
            tokens::find_by_public_id(tx, scene.organization, id).await?.ok_or(not_found.clone())?.id
        }
    };
    match tokens::find_for_update(tx, scene.organization, id).await? {
        Some(token) if token.kind == Kind::UserToken && token.user == Some(user.user) => Ok(token),
        _ => Err(not_found),
    }
}
