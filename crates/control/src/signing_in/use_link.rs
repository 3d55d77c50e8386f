//! Setting a password and signing in by a link.

use countersign_domain::id::OrganizationId;
use countersign_domain::{Refusal, Role, TokenSecret};
use countersign_store::passwords::Kept;
use countersign_store::sign_ins::{self, Method, links};
use countersign_store::users::{self, User};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::Found;
use crate::access::actions::UseSignInLink;
use crate::scene::Subject;
use crate::{Caller, Control, Error, Grant, Result, Scene};

use super::change_password::set;
use super::hashing::Asking;
use super::make::{Made, New, make};
use super::{Link, SignedIn};

struct Input {
    link: Link,
    kept: Kept,
    new: New,
}

impl Control {
    /// Uses a link up: the person whom it is for has this password from now on, is signed out everywhere, and is signed in here. `caller` is
    /// who the browser was before, most often nobody.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] with `unknown`, with `kind` for the value of anything else, with `expired` for a link that was used, has
    /// run out or was followed by a newer one, with `revoked` for one whose person belongs to nothing any more, or to more than its maker has a
    /// say in, and for one whose maker is no Organization Admin any more; [`Error::Invalid`] at `password`: then the link is
    /// not used up; [`Error::TooMany`].
    pub async fn use_sign_in_link(&self, caller: &Caller, value: &str, password: &str) -> Result<SignedIn> {
        let ip = caller.origin().ip;
        let secret = TokenSecret::parse(value).map_err(|_| self.unknown())?;
        let Found::SignInLink(link) = self.verified(&secret, ip).await? else { return Err(self.not_for_this(&secret)) };
        let refused = |reason| Err(self.refused_link(&link, reason));
        if link.used_at.is_some() || link.expires_at <= self.now() {
            return refused(Refusal::Expired);
        }
        let whose = self.store().read(link.clone(), |tx, link| Box::pin(person(tx, link))).await?;
        let Some((of, user)) = whose else { return refused(Refusal::Revoked) };
        let kept = self.new_password(Asking::Stranger, "password", password, &user.email, &user.name, of).await?;
        self.end_anothers(caller, link.user).await?;
        let new = self.new_sign_in(Method::Link, caller);
        let minted = new.secret.clone();
        let grant: Grant<UseSignInLink> = self.system("somebody uses a sign-in link", OrganizationId::nil())?;
        let input = Input { link, kept, new };
        let made = self.write(&grant, Lane::Normal, input, |tx, scene| Box::pin(use_up(tx, scene))).await?;
        Ok(made.with(minted))
    }

    fn refused_link(&self, link: &Link, reason: Refusal) -> Error {
        self.counts().refused(reason);
        Error::refused(reason, link.public_id.clone())
    }
}

/// Whom a link is for, and the organization that they see first; none when it is good for nothing any more.
async fn person(tx: &mut Tx, link: &Link) -> Result<Option<(OrganizationId, User)>> {
    let membership = match link.organization {
        // Made by an admin, who has no say in anything else of this person, and none at all once they are no admin.
        Some(of) => {
            let maker = match link.created_by {
                Some(by) => users::find_member(tx, of, by).await?,
                None => None,
            };
            if maker.is_none_or(|it| it.role != Role::Admin) {
                return Ok(None);
            }
            sign_ins::only_membership(tx, link.user)
                .await?
                .filter(|it| it.organization == of && it.role.0 == Role::Member)
        }
        None => sign_ins::preferred(tx, link.user, OrganizationId::nil()).await?,
    };
    let Some(membership) = membership else { return Ok(None) };
    let member = users::find_member(tx, membership.organization, link.user).await?;
    Ok(member.map(|it| (membership.organization, it.user)))
}

async fn use_up(tx: &mut Tx, scene: &Scene<Input>) -> Result<Made> {
    let Input { link, kept, new } = &scene.input;
    let refused = |reason| Error::refused(reason, link.public_id.clone());
    sign_ins::take_turn(tx, link.user).await?;
    let Some((of, user)) = person(tx, link).await? else { return Err(refused(Refusal::Revoked)) };
    if !links::take(tx, link.id).await? {
        return Err(refused(Refusal::Expired));
    }
    let ended = set(tx, user.id, None, kept).await?;
    let made = make(tx, scene, new, user.id, Some(of)).await?.ok_or_else(|| refused(Refusal::Revoked))?;
    let subject = Subject::new("sign_in_link", link.id, link.public_id.as_str());
    let detail = json!({ "made_by": link.created_by.map(|by| by.to_string()), "sign_ins_ended": ended });
    scene.audit_as(tx, &made.caller, made.organization.id, "sign_in_link.used", subject, detail).await?;
    let subject = Subject::new("user", user.id, user.email.as_str());
    scene.audit_as(tx, &made.caller, made.organization.id, "password.changed", subject, json!({})).await?;
    Ok(made)
}
