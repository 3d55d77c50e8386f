//! Signing in by address and password.

use std::sync::Arc;

use countersign_domain::id::{OrganizationId, UserId};
use countersign_domain::text::Email;
use countersign_domain::{Password, Refusal};
use countersign_store::Lane;
use countersign_store::passwords::{self, Kept};
use countersign_store::sign_ins::{self, Method};

use crate::access::actions::BeginSignIn;
use crate::{Caller, Control, Grant, Result};

use super::hashing::Asking;
use super::make::{New, make};
use super::{SignedIn, wrong};

/// What somebody shows who wants to sign in.
#[derive(Debug)]
pub struct Attempt {
    /// The address, as it was typed.
    pub email: String,
    /// The password, as it was typed.
    pub password: Password,
}

struct Input {
    user: UserId,
    kept: Kept,
    again: Option<Kept>,
    new: New,
}

impl Control {
    /// Signs somebody in. `caller` is who the browser was before, most often nobody: the sign-in in it ends, whosever it is.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `password`, in the same words and after the same work for an address that nobody has, a person without a
    /// password or without an organization, a service user, and a wrong password; [`crate::Error::TooMany`] when this account, or this network,
    /// has tried too often; [`crate::Error::Unavailable`] with `busy` when too many sign in at once.
    pub async fn sign_in(&self, caller: &Caller, attempt: Attempt) -> Result<SignedIn> {
        let Attempt { email, password } = attempt;
        let new = self.new_sign_in(Method::Password, caller);
        self.pace_passwords(new.origin.ip, &email)?;
        // What is no address is nobody's, and may hold what a database does not take.
        let email = Email::parse(email.trim()).map(|email| email.as_str().to_owned()).unwrap_or_default();
        let known = self.store().read(email, |tx, email| Box::pin(passwords::of_address(tx, email))).await?;
        let of_theirs = known.as_ref().map(|(_, kept)| kept.clone());
        let checked = self.check_password(Asking::Stranger, Arc::new(password), of_theirs).await?;
        let Some((user, kept)) = known.filter(|_| checked.matches) else {
            self.counts().refused(Refusal::Unknown);
            return Err(wrong());
        };
        self.end_anothers(caller, user).await?;
        let secret = new.secret.clone();
        let grant: Grant<BeginSignIn> = self.system("somebody signs in", OrganizationId::nil())?;
        let input = Input { user, kept, again: checked.again, new };
        let made = self
            .write(&grant, Lane::Normal, input, |tx, scene| {
                Box::pin(async move {
                    let Input { user, kept, again, new } = &scene.input;
                    sign_ins::take_turn(tx, *user).await?;
                    // What was checked has to be the password still: whoever changes it ends what began by the old one.
                    if passwords::find(tx, *user).await?.as_ref() != Some(kept) {
                        return Err(wrong());
                    }
                    if let Some(again) = again {
                        passwords::hash_again(tx, *user, again, kept).await?;
                    }
                    make(tx, scene, new, *user, None).await?.ok_or_else(wrong)
                })
            })
            .await?;
        Ok(made.with(secret))
    }
}
