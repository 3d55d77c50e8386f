//! Signing in by a passkey.

use countersign_domain::Refusal;
use countersign_domain::id::OrganizationId;
use countersign_store::Lane;
use countersign_store::sign_ins::{self, Method};

use crate::access::actions::BeginSignIn;
use crate::signing_in::SignedIn;
use crate::signing_in::challenge::Purpose;
use crate::signing_in::make::{New, make};
use crate::{Caller, Control, Error, Grant, Result};

use super::check::Checked;
use super::{PasskeyAnswer, PasskeyQuestion, not_taken};

struct Input {
    checked: Checked,
    new: New,
}

impl Control {
    /// What the browser of somebody who wants to sign in is asked. Nobody says who they are: the browser finds the passkeys that it has. It
    /// costs nothing, so that a page may ask before anybody has said that they have one.
    ///
    /// # Errors
    /// [`Error::Conflict`] where there are no passkeys; see [`Control::has_passkeys`].
    pub fn ask_for_passkey(&self) -> Result<PasskeyQuestion> {
        self.passkey_question(Purpose::SignIn, &[])
    }

    /// Signs somebody in by what their browser has answered. `caller` is who the browser was before, most often nobody: the sign-in in it
    /// ends, whosever it is.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `passkey`, in the same words for one that is not known, is another person's, was not verified, was shown too
    /// late, before, or for something else, and for somebody who is a member of nothing; [`Error::TooMany`] when this network has tried too
    /// often; [`Error::Conflict`] where there are no passkeys.
    pub async fn sign_in_by_passkey(&self, caller: &Caller, answer: &PasskeyAnswer) -> Result<SignedIn> {
        let new = self.new_sign_in(Method::Passkey, caller);
        self.pace_guesses(new.origin.ip, "Passkeys")?;
        let checked = self.check_passkey(Purpose::SignIn, None, answer).await.inspect_err(|error| {
            if matches!(error, Error::Invalid(_)) {
                self.counts().refused(Refusal::Unknown);
            }
        })?;
        self.end_anothers(caller, checked.user).await?;
        let secret = new.secret.clone();
        let grant: Grant<BeginSignIn> = self.system("somebody signs in", OrganizationId::nil())?;
        let made = self
            .write(&grant, Lane::Normal, Input { checked, new }, |tx, scene| {
                Box::pin(async move {
                    let Input { checked, new } = &scene.input;
                    sign_ins::take_turn(tx, checked.user).await?;
                    checked.take(tx).await?;
                    make(tx, scene, new, checked.user, None).await?.ok_or_else(not_taken)
                })
            })
            .await?;
        Ok(made.with(secret))
    }
}
