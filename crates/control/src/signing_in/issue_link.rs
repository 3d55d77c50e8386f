//! Making a link by which somebody sets a password and signs in.
//!
//! Whoever holds a link can be the person whom it is for. So the operator makes one for anybody, who runs the server anyway; and an Organization
//! Admin for a plain member who belongs to no other organization, of whom they could take everything but their name: not for another admin, and
//! not for somebody whose sign-in would reach what is not theirs. That it still is so is asked again when the link is used. Both are in the audit
//! log, and whoever is meant notices: their password is another one, and they are signed out everywhere.

use std::sync::Arc;

use countersign_domain::id::{OrganizationId, SignInLinkId, UserId};
use countersign_domain::text::Email;
use countersign_domain::{Kind, Role, TokenSecret};
use countersign_store::sign_ins::{self, links};
use countersign_store::{Lane, Tx, users};
use serde_json::json;

use crate::access::actions::{IssueMemberSignInLink, IssueSignInLink};
use crate::members::{MemberReference, resolve};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::{LINK_LIFETIME, Link};

/// A link that was made, with its value: the only time that it is given.
#[derive(Debug)]
pub struct IssuedLink {
    /// The link.
    pub link: Link,
    /// The address of whom it is for.
    pub email: String,
    /// Its value.
    pub secret: Arc<TokenSecret>,
}

/// What is chosen before the transaction.
struct New {
    id: SignInLinkId,
    secret: Arc<TokenSecret>,
}

/// For whom, and by whom.
struct For {
    user: UserId,
    email: String,
    of: Option<OrganizationId>,
    by: Option<UserId>,
}

impl Control {
    /// Makes a link for anybody who is a member of something. It ends those that were made before it.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `email`; [`Error::NotFound`] for somebody who is not there, or is a member of nothing.
    pub async fn issue_sign_in_link(&self, grant: &Grant<IssueSignInLink>, email: &str) -> Result<IssuedLink> {
        let email = input::field("email", Email::parse(email.trim()))?;
        let new = self.new_link();
        let secret = new.secret.clone();
        let (link, email) = self
            .write(grant, Lane::Normal, (email, new), |tx, scene| {
                Box::pin(async move {
                    let (email, new) = &scene.input;
                    let not_found = || Error::NotFound("member with this address");
                    let user = users::find_by_email(tx, email.as_str()).await?.ok_or_else(not_found)?;
                    if !sign_ins::is_member_of_any(tx, user.id).await? {
                        return Err(not_found());
                    }
                    let whom = For { user: user.id, email: user.email, of: None, by: None };
                    Ok((issue(tx, scene, new, &whom).await?, whom.email))
                })
            })
            .await?;
        Ok(IssuedLink { link, email, secret })
    }

    /// Makes a link for a plain member of the organization who belongs to no other one. It ends those that were made before it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the member; [`Error::Conflict`] for everybody else: for them the operator makes one.
    pub async fn issue_member_sign_in_link(
        &self,
        grant: &Grant<IssueMemberSignInLink>,
        member: MemberReference,
    ) -> Result<IssuedLink> {
        let by = grant.user()?.user;
        let new = self.new_link();
        let secret = new.secret.clone();
        let (link, email) = self
            .write(grant, Lane::Normal, (member, by, new), |tx, scene| {
                Box::pin(async move {
                    let (reference, by, new) = &scene.input;
                    let member = resolve(tx, scene, reference).await?;
                    let is_plain = member.role == Role::Member && !member.user.is_service;
                    let only = sign_ins::only_membership(tx, member.user.id).await?;
                    if !is_plain || only.is_none() {
                        return Err(Error::Conflict(
                            "A link is made here for a plain member who belongs to no other organization. For everybody else whoever \
                             runs the server makes one: countersign sign-in-link --user EMAIL."
                                .to_owned(),
                        ));
                    }
                    let whom = For {
                        user: member.user.id,
                        email: member.user.email,
                        of: Some(scene.organization),
                        by: Some(*by),
                    };
                    Ok((issue(tx, scene, new, &whom).await?, whom.email))
                })
            })
            .await?;
        Ok(IssuedLink { link, email, secret })
    }

    fn new_link(&self) -> New {
        New { id: self.fresh_id(), secret: self.mint(Kind::SignInLink) }
    }
}

async fn issue<I: Sync>(tx: &mut Tx, scene: &Scene<I>, new: &New, whom: &For) -> Result<Link> {
    let now = tx.now();
    // Of two links that are made at once one ends the other; and one that is made while the password changes is made before or after that. Whoever
    // waits here holds the turn of the organization and shares the maker's own; whoever holds this one alone waits for neither.
    sign_ins::take_turn(tx, whom.user).await?;
    links::end_of_user(tx, whom.user).await?;
    let link = Link {
        id: new.id,
        user: whom.user,
        organization: whom.of,
        public_id: new.secret.public_id().clone(),
        digest: scene.keys.digest(&new.secret),
        created_at: now,
        created_by: whom.by,
        expires_at: now.plus(LINK_LIFETIME),
        used_at: None,
    };
    links::insert(tx, &link).await?;
    let subject = Subject::new("sign_in_link", link.id, link.public_id.as_str());
    let detail = json!({ "for": whom.email, "user": whom.user.to_string(), "expires_at": link.expires_at.to_string() });
    scene.audit(tx, "sign_in_link.issued", subject, detail).await?;
    Ok(link)
}
