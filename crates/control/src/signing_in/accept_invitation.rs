//! Accepting an invitation in a browser: becoming a member, and being signed in at once.
//!
//! Whoever made an invitation may have named an address that is not theirs to give away. So it lets its holder set a password for somebody who is
//! nobody here yet, or belongs to nothing any more; for a person who can sign in already it takes their password; and for one who belongs to another
//! organization and has none, it does neither: they get a link from whoever runs the server.

use std::sync::Arc;

use countersign_domain::id::InvitationId;
use countersign_domain::{Password, Refusal, TokenSecret};
use countersign_store::passwords::{self, Kept};
use countersign_store::sign_ins::{self, Method};
use countersign_store::users;
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::AcceptInvitation;
use crate::invitations::{Newcomer, join};
use crate::scene::Subject;
use crate::{Caller, Control, Error, Grant, Result, Scene};

use super::hashing::Asking;
use super::make::{Made, New, make};
use super::{SignedIn, take_ways_in};

/// What is known of the person whom an invitation names.
enum Known {
    /// Nothing is theirs: there is nobody, or they belong to nothing any more. Whatever password they had may be somebody else's.
    Nobody,
    /// They can sign in; so it is kept.
    ByPassword(Kept),
    /// They belong to another organization, and have no password.
    Elsewhere,
}

/// What is kept of the password afterwards.
enum Plan {
    /// They have none yet.
    Set(Kept),
    /// It was shown, and is still this.
    Keep(Kept),
}

struct Input {
    newcomer: Newcomer,
    invitation: InvitationId,
    email: String,
    plan: Plan,
    new: New,
}

impl Control {
    /// Makes whoever holds an invitation a member, uses the invitation up, and signs them in. `password` becomes that of somebody new; somebody
    /// who can sign in already shows theirs. `browser` is who the browser was before, most often nobody: the sign-in in it ends.
    ///
    /// # Errors
    /// As [`Control::accept_invitation`]; [`Error::Invalid`] at `password` for one that cannot be taken, and, in the same words and
    /// after the same work, for a wrong one and for any of a member of another organization who has no password; [`Error::TooMany`].
    pub async fn accept_invitation_and_sign_in(
        &self,
        grant: &Grant<AcceptInvitation>,
        browser: &Caller,
        name: Option<&str>,
        password: &str,
    ) -> Result<SignedIn> {
        let invited = grant.invitation()?;
        let newcomer = Newcomer::called(self.fresh_id(), name)?;
        let email = invited.email.clone();
        let known = self.store().read(email.clone(), |tx, email| Box::pin(look(tx, email))).await?;
        let plan = match known {
            Known::Nobody => {
                let called = newcomer.name.as_ref().map_or("", |name| name.as_str());
                let of = grant.organization();
                Plan::Set(self.new_password(Asking::Stranger, "password", password, &email, called, of).await?)
            }
            // Whether they have a password is not told: without one as much is done, and it is wrong.
            known @ (Known::ByPassword(_) | Known::Elsewhere) => {
                self.pace_passwords(invited.origin.ip, &email)?;
                let kept = if let Known::ByPassword(kept) = known { Some(kept) } else { None };
                let shown = Arc::new(Password::shown(password));
                let checked = self.check_password(Asking::Stranger, shown, kept.clone()).await?;
                let Some(kept) = kept.filter(|_| checked.matches) else {
                    self.counts().refused(Refusal::Unknown);
                    return Err(is_known());
                };
                Plan::Keep(kept)
            }
        };
        // Whoever it was, by an id that nobody has.
        self.end_anothers(browser, newcomer.user).await?;
        let new = self.new_sign_in(Method::Invitation, grant.caller());
        let secret: Arc<TokenSecret> = new.secret.clone();
        let input = Input { newcomer, invitation: invited.invitation, email, plan, new };
        let made = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(accept(tx, scene))).await?;
        Ok(made.with(secret))
    }
}

/// The one answer to a wrong password, and to any for somebody who has none.
fn is_known() -> Error {
    Error::invalid(
        "password",
        "There is somebody with this address already: show the password that they sign in with. If there is none, or it is not yours, whoever \
         runs the server makes a link to set one: countersign sign-in-link --user EMAIL. Then open the invitation again.",
    )
}

async fn look(tx: &mut Tx, email: &str) -> Result<Known> {
    let Some(user) = users::find_by_email(tx, email).await? else { return Ok(Known::Nobody) };
    if !sign_ins::is_member_of_any(tx, user.id).await? {
        return Ok(Known::Nobody);
    }
    Ok(passwords::find(tx, user.id).await?.map_or(Known::Elsewhere, Known::ByPassword))
}

async fn accept(tx: &mut Tx, scene: &Scene<Input>) -> Result<Made> {
    let Input { newcomer, invitation, email, plan, new } = &scene.input;
    let person = users::find_by_email(tx, email).await?;
    if let Some(known) = &person {
        sign_ins::take_turn(tx, known.id).await?;
    }
    // Before they are a member here. What has changed since it was looked at is looked at anew by the next try.
    match (look(tx, email).await?, plan) {
        (Known::Nobody, Plan::Set(_)) => {
            if let Some(known) = &person {
                take_ways_in(tx, scene, scene.organization, known).await?;
            }
        }
        (Known::ByPassword(now), Plan::Keep(before)) if now == *before => {}
        _ => return Err(is_known()),
    }
    let (organization, user) = join(tx, scene, newcomer, *invitation).await?;
    if let Plan::Set(new) = plan {
        passwords::set(tx, user.id, new).await?;
        let subject = Subject::new("user", user.id, user.email.as_str());
        scene.audit(tx, "password.set", subject, json!({})).await?;
    }
    let made = make(tx, scene, new, user.id, Some(organization.id)).await?;
    made.ok_or_else(|| Error::internal("somebody who has just become a member is a member of nothing"))
}
