//! Changing one's own password.

use std::sync::Arc;

use countersign_domain::id::{OrganizationId, SignInId, UserId};
use countersign_domain::{Password, Refusal};
use countersign_store::passwords::{self, Kept};
use countersign_store::sign_ins::{self, Ended, links};
use countersign_store::{Lane, Tx, organizations};
use serde_json::json;
use zeroize::Zeroizing;

use crate::access::UserCaller;
use crate::access::actions::ChangePassword;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::hashing::Asking;
use super::wrong_password;

struct Input {
    user: UserId,
    email: String,
    this: Option<SignInId>,
    before: Kept,
    after: Kept,
}

impl Control {
    /// Gives the caller another password, and ends all their other sign-ins and links. User tokens stay: they are listed for whoever wants to
    /// revoke them. Somebody who has no password, or has forgotten it, uses a link instead. Answers how many sign-ins have ended.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `password` for the old one, at `newPassword` for the new one; [`Error::TooMany`].
    pub async fn change_password(&self, grant: &Grant<ChangePassword>, old: Password, new: &str) -> Result<u64> {
        let user = grant.user()?;
        // Both are told by whoever calls, so that this says nothing to them. That the first is right is asked first: it has a pace, and what a new one is
        // worth takes work.
        let is_same = old.reveal() == new.as_bytes();
        let before = self.check_own_password(user, old).await?;
        if is_same {
            return Err(Error::invalid(
                "newPassword",
                "is the one that you have; choose another, or leave it as it is",
            ));
        }
        let (email, name) = (&user.email, &user.name);
        let after = self.new_password(Asking::Oneself, "newPassword", new, email, name, user.organization).await?;
        let input = Input { user: user.user, email: user.email.clone(), this: user.sign_in(), before, after };
        self.write(grant, Lane::Urgent, input, |tx, scene| Box::pin(change(tx, scene))).await
    }

    /// Checks a caller's own password; answers what is kept of it, which has to be that still when something is done by it.
    pub(super) async fn check_own_password(&self, user: &UserCaller, password: Password) -> Result<Kept> {
        self.pace_own_passwords(user)?;
        let kept = self.store().read(user.user, |tx, user| Box::pin(passwords::find(tx, *user))).await?;
        let checked = self.check_password(Asking::Oneself, Arc::new(password), kept.clone()).await?;
        kept.filter(|_| checked.matches).ok_or_else(|| {
            self.counts().refused(Refusal::Unknown);
            wrong_password()
        })
    }

    /// What is kept of a new password of somebody, which may be nothing that others know of them.
    pub(super) async fn new_password(
        &self,
        asking: Asking,
        field: &str,
        text: &str,
        email: &str,
        name: &str,
        of: OrganizationId,
    ) -> Result<Kept> {
        let organization = self.store().read(of, |tx, of| Box::pin(organizations::find(tx, *of))).await?;
        let mut known = vec![email, email.split('@').next().unwrap_or_default(), name];
        if let Some(organization) = &organization {
            known.extend([organization.slug.as_str(), organization.name.as_str()]);
        }
        let known = known.into_iter().map(str::to_owned).collect();
        input::field(field, self.hash_new_password(asking, Zeroizing::new(text.to_owned()), known).await?)
    }
}

async fn change(tx: &mut Tx, scene: &Scene<Input>) -> Result<u64> {
    let Input { user, email, this, before, after } = &scene.input;
    if passwords::find(tx, *user).await?.as_ref() != Some(before) {
        return Err(Error::Conflict("The password was changed meanwhile.".to_owned()));
    }
    let ended = set(tx, *user, *this, after).await?;
    let subject = Subject::new("user", *user, email.as_str());
    scene.audit(tx, "password.changed", subject, json!({ "sign_ins_ended": ended })).await?;
    Ok(ended)
}

/// Gives a person, whose turn the transaction holds alone, a password, and ends what was begun or could be by another one; answers how many
/// sign-ins that were.
pub(super) async fn set(tx: &mut Tx, user: UserId, this: Option<SignInId>, new: &Kept) -> Result<u64> {
    passwords::set(tx, user, new).await?;
    links::end_of_user(tx, user).await?;
    Ok(sign_ins::end_others(tx, user, this, Ended::PasswordChanged).await?)
}
