//! User tokens: what a person's programs call the API with. Everyone manages their own and nobody else's; what an Organization Admin may do
//! of another member's is in [`crate::members`].

mod change;
mod create;
mod list;
mod reveal;
mod revoke;

use countersign_domain::Kind;
use countersign_domain::PublicId;
use countersign_domain::id::{TokenId, UserId};
use countersign_store::tokens::{self, Token};
use countersign_store::{Tx, numbers};

use crate::{Caller, Error, Result, Scene};

pub use change::UserTokenChange;
pub use create::{IssuedUserToken, NewUserToken};

/// The most user tokens of one member in one organization that were not revoked: when the member is removed, all are revoked at once.
pub const MAX_USER_TOKENS: i64 = 500;

/// How a caller names one of their own user tokens.
#[derive(Debug, Clone)]
pub enum UserTokenReference {
    /// By its id.
    Id(TokenId),
    /// By its number, as Dagster's API has it.
    Number(i64),
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

/// The caller's own user token of that name, kept still until the transaction ends. Another person's is not found, whoever asks.
async fn own<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &UserTokenReference) -> Result<Token> {
    let id = id_of(tx, scene, reference).await?;
    only_own(scene, tokens::find_for_update(tx, scene.organization, id).await?)
}

/// The same, to look at.
async fn own_seen<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &UserTokenReference) -> Result<Token> {
    let id = id_of(tx, scene, reference).await?;
    only_own(scene, tokens::find(tx, scene.organization, id).await?)
}

/// A user token of this owner, kept still until the transaction ends. Another owner's is not found.
pub(crate) async fn of_user<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    reference: &UserTokenReference,
    owner: UserId,
) -> Result<Token> {
    let id = id_of(tx, scene, reference).await?;
    of(owner, tokens::find_for_update(tx, scene.organization, id).await?)
}

/// The same to be looked at.
pub(crate) async fn seen_of_user<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    reference: &UserTokenReference,
    owner: UserId,
) -> Result<Token> {
    let id = id_of(tx, scene, reference).await?;
    of(owner, tokens::find(tx, scene.organization, id).await?)
}

const NOT_FOUND: Error = Error::NotFound("user token");

async fn id_of<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &UserTokenReference) -> Result<TokenId> {
    match reference {
        UserTokenReference::Id(id) => Ok(*id),
        UserTokenReference::Number(number) => numbers::subject(tx, scene.organization, *number).await?.ok_or(NOT_FOUND),
        UserTokenReference::PublicId(id) => {
            Ok(tokens::find_by_public_id(tx, scene.organization, id).await?.ok_or(NOT_FOUND)?.id)
        }
    }
}

fn only_own<I>(scene: &Scene<I>, found: Option<Token>) -> Result<Token> {
    let Caller::User(user) = &scene.caller else { return Err(NOT_FOUND) };
    of(user.user, found)
}

fn of(owner: UserId, found: Option<Token>) -> Result<Token> {
    found.filter(|it| it.kind == Kind::UserToken && it.user == Some(owner)).ok_or(NOT_FOUND)
}
