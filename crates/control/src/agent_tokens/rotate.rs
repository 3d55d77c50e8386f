//! Rotating an agent token: a new secret on the same token, the old one valid until a given time.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::id::{SecretId, UserId};
use countersign_domain::sealing::Place;
use countersign_domain::{KeyId, Kind, Timestamp, TokenSecret};
use countersign_store::tokens::secrets::{self, NewSecret};
use countersign_store::{Lane, tokens};
use serde_json::json;

use crate::access::actions::RotateAgentToken;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, revealing};

use super::list::with_scope;
use super::reference::resolve;
use super::{AgentToken, TokenReference, told};

/// How long the old value stays valid when no time is given.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);
/// The most secrets a token may have that are valid at once.
pub const MAX_SECRETS: usize = 5;

/// Which token gets a new secret, and how long the old ones last.
#[derive(Debug)]
pub struct Rotation {
    /// Which token.
    pub token: TokenReference,
    /// Until when the old secrets are valid; [`OVERLAP`] from now when none is given. Now or earlier: they end at once.
    pub old_valid_until: Option<Timestamp>,
    /// The generation of the newest secret that whoever rotates it saw. When there is a newer one by now, nothing is done. None rotates it
    /// however often it was.
    pub expected: Option<i64>,
}

/// What a rotation did.
#[derive(Debug)]
pub struct Rotated {
    /// The token as it is now.
    pub token: AgentToken,
    /// Its new value.
    pub secret: Arc<TokenSecret>,
    /// Until when the old values are valid.
    pub old_valid_until: Timestamp,
}

struct Input {
    reference: TokenReference,
    secret: Arc<TokenSecret>,
    secret_id: SecretId,
    old_valid_until: Option<Timestamp>,
    by: UserId,
    expected: Option<i64>,
}

impl Control {
    /// Gives a token a new secret. The token keeps its ids, its scope, its history and its agents.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a token that is revoked or expired, or has [`MAX_SECRETS`] valid secrets, or
    /// a newer one than `expected`.
    pub async fn rotate_agent_token(&self, grant: &Grant<RotateAgentToken>, rotation: Rotation) -> Result<Rotated> {
        if rotation.old_valid_until.is_some_and(|at| at > Timestamp::LATEST) {
            return Err(Error::invalid("oldValidUntil", "is too far away; give a time before the year 9999"));
        }
        let secret = self.mint(Kind::AgentToken);
        let input = Input {
            reference: rotation.token,
            secret: secret.clone(),
            secret_id: self.fresh_id(),
            old_valid_until: rotation.old_valid_until,
            by: grant.user()?.user,
            expected: rotation.expected,
        };
        let (token, old_valid_until) = self
            .write(grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
                    let Input { reference, secret, secret_id, old_valid_until, by, expected } = &scene.input;
                    let now = tx.now();
                    let until = old_valid_until.unwrap_or_else(|| now.plus(OVERLAP));
                    let token = resolve(tx, scene, reference).await?;
                    if token.revoked_at.is_some() || token.expires_at.is_some_and(|at| at <= now) {
                        return Err(Error::Conflict(
                            "A revoked or expired token cannot be rotated; create a new one.".to_owned(),
                        ));
                    }
                    let known = secrets::of_token(tx, token.id).await?;
                    if expected.is_some_and(|seen| known.first().is_some_and(|newest| newest.generation != seen)) {
                        return Err(Error::Conflict(
                            "The token was rotated meanwhile and has a newer value, so nothing was done. Look who uses it, and rotate again \
                             if it is to have another one."
                                .to_owned(),
                        ));
                    }
                    let valid = known.iter().filter(|it| it.valid_until.is_none_or(|at| at > now)).count();
                    if valid >= MAX_SECRETS && until > now {
                        return Err(Error::Conflict(format!(
                            "The token has {valid} valid secrets, the most there may be; let one end first."
                        )));
                    }
                    let generation = known.first().map_or(1, |newest| newest.generation + 1);
                    let place = Place { organization: token.organization, token: token.id };
                    let sealed = revealing::seal(
                        &scene.keys,
                        &*scene.entropy,
                        token.reveal_policy,
                        &place,
                        generation,
                        secret,
                        now,
                    );
                    // One data key per token: the old one goes, and with it the sealed copies of older secrets.
                    revealing::destroy(tx, &token).await?;
                    let (bytes, key): (Vec<u8>, Option<KeyId>) = match sealed.data_key {
                        Some((bytes, key)) => (bytes, Some(key)),
                        None => (Vec::new(), None),
                    };
                    if let Some(key) = &key {
                        tokens::set_data_key(tx, scene.organization, token.id, &bytes, key, sealed.reveal_until)
                            .await?;
                    }
                    let new = NewSecret {
                        id: *secret_id,
                        token: token.id,
                        public_id: secret.public_id().clone(),
                        generation,
                        digest: scene.keys.digest(secret),
                        sealed: sealed.sealed,
                        made_by: Some(*by),
                    };
                    secrets::insert(tx, &new).await?;
                    told::note(tx, scene, secret.public_id()).await?;
                    secrets::end_older(tx, token.id, generation, until).await?;
                    let subject = Subject::new("agent_token", token.id, token.public_id.as_str());
                    let detail = json!({
                        "new_secret": secret.public_id().as_str(),
                        "old_valid_until": until.to_string(),
                    });
                    scene.audit(tx, "agent_token.rotated", subject, detail).await?;
                    let token = tokens::find(tx, scene.organization, token.id).await?;
                    let token = token.ok_or(Error::NotFound("agent token"))?;
                    Ok((with_scope(tx, scene, token).await?, until))
                })
            })
            .await?;
        Ok(Rotated { token, secret, old_valid_until })
    }
}
