//! What the mutations on user tokens take, and what they answer.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use countersign_control::user_tokens::UserTokenReference;
use countersign_control::{Error, Result};
use countersign_domain::Id;

use crate::global_id::{self, Sort};
use crate::types::agent_token::RevealPolicy;
use crate::types::date_time::DateTime;
use crate::types::user_token::UserToken;

/// The token that an input names: by global id, uuid or public id.
pub(super) fn reference(id: &ID) -> Result<UserTokenReference> {
    match global_id::decode(id) {
        Some((Sort::UserToken, uuid)) => Ok(UserTokenReference::Id(Id::from_uuid(uuid))),
        Some(_) => Err(Error::NotFound("user token")),
        None => UserTokenReference::parse(id),
    }
}

/// What a new user token is to be.
#[derive(InputObject)]
pub(crate) struct UserTokenCreateInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// What its owner will call it.
    pub description: Option<String>,
    /// From when on it is refused; null: never.
    pub expires_at: Option<DateTime>,
    /// Until when its value can be shown again; null: as the organization has it.
    pub reveal_policy: Option<RevealPolicy>,
}

/// A user token that was made.
#[derive(SimpleObject)]
pub(crate) struct UserTokenCreatePayload {
    /// As in the input.
    pub client_mutation_id: Option<String>,
    /// The token.
    pub user_token: UserToken,
    /// Its value.
    pub token_value: String,
}

/// Which user token's value is to be shown.
#[derive(InputObject)]
pub(crate) struct UserTokenRevealInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// The token's global id, uuid or public id.
    pub id: ID,
}

/// A value. That it was shown is in the audit log.
#[derive(SimpleObject)]
pub(crate) struct UserTokenRevealPayload {
    /// As in the input.
    pub client_mutation_id: Option<String>,
    /// The public part of the value.
    pub public_id: String,
    /// The value.
    pub token_value: String,
}

/// What is to be different about a user token. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct UserTokenUpdateInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// The token's global id, uuid or public id.
    pub id: ID,
    /// null takes the description away.
    pub description: MaybeUndefined<String>,
    /// null: it does not expire.
    pub expires_at: MaybeUndefined<DateTime>,
}

/// A user token that was changed.
#[derive(SimpleObject)]
pub(crate) struct UserTokenUpdatePayload {
    /// As in the input.
    pub client_mutation_id: Option<String>,
    /// The token as it is now.
    pub user_token: UserToken,
}

/// Which user token is taken back.
#[derive(InputObject)]
pub(crate) struct UserTokenRevokeInput {
    /// Comes back with the answer.
    pub client_mutation_id: Option<String>,
    /// The token's global id, uuid or public id. It may be the very token that the call is made with.
    pub id: ID,
    /// Why.
    pub reason: Option<String>,
}

/// A user token that was taken back. No call with it is accepted any more.
#[derive(SimpleObject)]
pub(crate) struct UserTokenRevokePayload {
    /// As in the input.
    pub client_mutation_id: Option<String>,
    /// The token as it is now.
    pub user_token: UserToken,
}
