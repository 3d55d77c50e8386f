//! The sealed copy of a token's value: made with the value while the reveal policy keeps one, opened by reveal, destroyed by the rest.

use countersign_domain::sealing::{Place, WrappedKey};
use countersign_domain::{Entropy, KeyId, KeyRing, RevealPolicy, Timestamp, TokenSecret};
use countersign_store::tokens::{Token, secrets};
use countersign_store::{Tx, tokens};

use crate::{Error, Result};

/// What the rows of a new value hold besides its digest.
pub(crate) struct Sealed {
    pub data_key: Option<(Vec<u8>, KeyId)>,
    pub sealed: Option<Vec<u8>>,
    pub reveal_until: Option<Timestamp>,
}

/// Seals a new value as its policy asks.
pub(crate) fn seal(
    keys: &KeyRing,
    entropy: &dyn Entropy,
    policy: RevealPolicy,
    place: &Place,
    generation: i64,
    secret: &TokenSecret,
    now: Timestamp,
) -> Sealed {
    if policy == RevealPolicy::Never {
        return Sealed { data_key: None, sealed: None, reveal_until: None };
    }
    let (data_key, WrappedKey { bytes, key }) = keys.new_data_key(place, entropy);
    Sealed {
        data_key: Some((bytes, key)),
        sealed: Some(data_key.seal(secret, place, generation, entropy)),
        reveal_until: policy.closes_at(now),
    }
}

/// Whether a token's value may be revealed now, leaving aside by whom.
#[must_use]
pub fn is_open(token: &Token, now: Timestamp) -> bool {
    token.revoked_at.is_none()
        && token.expires_at.is_none_or(|at| now < at)
        && token.data_key.is_some()
        && match token.reveal_policy {
            RevealPolicy::Always => true,
            RevealPolicy::Window => token.reveal_until.is_some_and(|until| now < until),
            RevealPolicy::Never => false,
        }
}

/// Why a token's value cannot be revealed now, in words.
pub(crate) fn closed(token: &Token, now: Timestamp) -> Error {
    let why = if token.revoked_at.is_some() {
        "The token is revoked; its value was destroyed."
    } else if token.expires_at.is_some_and(|at| at <= now) {
        "The token has expired; its value was destroyed."
    } else {
        match token.reveal_policy {
            RevealPolicy::Never => {
                "The value was shown once, when it was made; the token's reveal policy is `never`. Rotate the token to get a new one."
            }
            RevealPolicy::Window => {
                "The 10 minutes in which the value can be revealed are over, and it was destroyed. Rotate the token to get a new one."
            }
            RevealPolicy::Always => {
                "No copy of the value is kept: it was made under another reveal policy. Rotate the token to get a new one."
            }
        }
    };
    Error::Conflict(why.to_owned())
}

/// Opens the sealed copy of a token's newest value.
pub(crate) async fn open(tx: &mut Tx, keys: &KeyRing, token: &Token) -> Result<TokenSecret> {
    let now = tx.now();
    if !is_open(token, now) {
        return Err(closed(token, now));
    }
    let newest = secrets::of_token(tx, token.id).await?.into_iter().next();
    let (Some(data_key), Some(key), Some((sealed, generation))) = (
        token.data_key.clone(),
        token.data_key_id.clone(),
        newest.and_then(|secret| secret.sealed.map(|sealed| (sealed, secret.generation))),
    ) else {
        return Err(closed(token, now));
    };
    let place = Place { organization: token.organization, token: token.id };
    let data_key = keys.unwrap_data_key(&WrappedKey { bytes: data_key, key }, &place).map_err(Error::internal)?;
    data_key.open(&sealed, &place, generation).map_err(Error::internal)
}

/// Destroys every sealed copy of a token.
pub(crate) async fn destroy(tx: &mut Tx, token: &Token) -> Result<()> {
    tokens::drop_sealed(tx, token.id).await?;
    Ok(())
}
