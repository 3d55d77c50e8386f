//! Changing one's own user token.

use countersign_domain::Timestamp;
use countersign_store::Lane;
use countersign_store::tokens::{self, Token};
use serde_json::json;

use crate::access::actions::UpdateUserToken;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input, issuing, revealing};

use super::{UserTokenReference, own};

/// What is to be different. What is `None` stays.
#[derive(Debug)]
pub struct UserTokenChange {
    /// Which token.
    pub token: UserTokenReference,
    /// `Some(None)` takes the description away.
    pub description: Option<Option<String>>,
    /// `Some(None)`: it does not expire.
    pub expires_at: Option<Option<Timestamp>>,
}

impl Control {
    /// Changes one of the caller's own user tokens.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a revoked token; [`Error::Invalid`] at the field;
    /// [`Error::Denied`] for a service user; [`Error::Unproved`] for another end, when somebody who is signed in has not proved of late who
    /// they are.
    pub async fn update_user_token(
        &self,
        grant: &Grant<UpdateUserToken>,
        mut change: UserTokenChange,
    ) -> Result<Token> {
        if let Some(expires_at) = change.expires_at {
            issuing::check_expiry(expires_at, self.now())?;
        }
        if let Some(description) = &change.description {
            change.description = Some(input::description(description.as_deref())?);
        }
        self.write(grant, Lane::Normal, change, |tx, scene| {
            Box::pin(async move {
                let change = &scene.input;
                let before = own(tx, scene, &change.token).await?;
                // A later end would outlive the proof by which the token was made.
                if change.expires_at.is_none() {
                    scene.needs_no_proof();
                } else {
                    scene.must_be_proved()?;
                }
                if before.revoked_at.is_some() {
                    return Err(Error::Conflict("The token is revoked; a revoked token stays as it is.".to_owned()));
                }
                let after = Token {
                    description: change.description.clone().unwrap_or_else(|| before.description.clone()),
                    expires_at: change.expires_at.unwrap_or(before.expires_at),
                    ..before.clone()
                };
                if (&after.description, after.expires_at) == (&before.description, before.expires_at) {
                    // Nothing is different: there is nothing to tell.
                    return Ok(before);
                }
                tokens::update(tx, &after).await?;
                // What had closed stays closed: no change opens it again.
                if before.data_key.is_some()
                    && !(revealing::is_open(&before, tx.now()) && revealing::is_open(&after, tx.now()))
                {
                    revealing::destroy(tx, &after).await?;
                }
                let subject = Subject::new("user_token", after.id, after.public_id.as_str());
                let detail = json!({
                    "description": after.description,
                    "expires_at": after.expires_at.map(|at| at.to_string()),
                });
                scene.audit(tx, "user_token.updated", subject, detail).await?;
                tokens::find(tx, scene.organization, after.id).await?.ok_or(Error::NotFound("user token"))
            })
        })
        .await
    }
}
