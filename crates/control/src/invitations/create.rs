//! Inviting somebody.

use std::sync::Arc;

use countersign_domain::id::{InvitationId, UserId};
use countersign_domain::text::Email;
use countersign_domain::{Kind, Role, Timestamp, TokenSecret};
use countersign_store::{Lane, Tx, invitations, members};
use serde_json::json;

use crate::access::actions::CreateInvitation;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input, issuing};

use super::{Invitation, LIFETIME, MAX_LIFETIME, MAX_PENDING};

/// Who is to be invited, and as what.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The address of whoever is invited.
    pub email: String,
    /// What they become.
    pub role: Role,
    /// From when on it is refused; [`LIFETIME`] from now when none is given, and at most [`MAX_LIFETIME`].
    pub expires_at: Option<Timestamp>,
}

/// An invitation that was made, with its value: the only time that it is given.
#[derive(Debug)]
pub struct IssuedInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// Its value.
    pub secret: Arc<TokenSecret>,
}

struct Input {
    id: InvitationId,
    email: Email,
    role: Role,
    expires_at: Option<Timestamp>,
    by: UserId,
    secret: Arc<TokenSecret>,
}

impl Control {
    /// Makes an invitation.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `email` or `expiresAt`; [`Error::Conflict`] for the address of a member, for one that was invited already, and
    /// when there are [`MAX_PENDING`].
    pub async fn create_invitation(
        &self,
        grant: &Grant<CreateInvitation>,
        new: NewInvitation,
    ) -> Result<IssuedInvitation> {
        let now = self.now();
        issuing::check_expiry(new.expires_at, now)?;
        if new.expires_at.is_some_and(|at| at > now.plus(MAX_LIFETIME)) {
            let days = MAX_LIFETIME.as_secs() / (24 * 3600);
            return Err(Error::invalid(
                "expiresAt",
                format!("is too far away; an invitation is good for {days} days at most"),
            ));
        }
        let secret = self.mint(Kind::Invitation);
        let input = Input {
            id: self.fresh_id(),
            email: input::field("email", Email::parse(&new.email))?,
            role: new.role,
            expires_at: new.expires_at,
            by: grant.user()?.user,
            secret: secret.clone(),
        };
        let invitation = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(create(tx, scene))).await?;
        Ok(IssuedInvitation { invitation, secret })
    }
}

async fn create(tx: &mut Tx, scene: &Scene<Input>) -> Result<Invitation> {
    let Input { id, email, role, expires_at, by, secret } = &scene.input;
    let (of, now, email) = (scene.organization, tx.now(), email.as_str());
    if members::find_by_email(tx, of, email).await?.is_some() {
        return Err(Error::Conflict(format!(
            "{email} is a member already. If they have no token any more, remove them and invite them again."
        )));
    }
    if invitations::find_open(tx, of, email).await?.is_some() {
        return Err(Error::Conflict(format!("{email} was invited already; withdraw that invitation to make another.")));
    }
    if invitations::count_open(tx, of).await? >= MAX_PENDING {
        return Err(Error::Conflict(format!(
            "The organization has {MAX_PENDING} invitations that can be accepted, the most there may be; withdraw some."
        )));
    }
    let invitation = Invitation {
        id: *id,
        organization: of,
        email: email.to_owned(),
        role: *role,
        public_id: secret.public_id().clone(),
        digest: scene.keys.digest(secret),
        created_at: now,
        created_by: *by,
        expires_at: expires_at.unwrap_or_else(|| now.plus(LIFETIME)),
        accepted_at: None,
        accepted_by: None,
        withdrawn_at: None,
        withdrawn_by: None,
    };
    invitations::insert(tx, &invitation).await?;
    let detail = json!({
        "role": role.as_str(),
        "public_id": invitation.public_id.as_str(),
        "expires_at": invitation.expires_at.to_string(),
    });
    scene.audit(tx, "invitation.created", Subject::new("invitation", *id, email), detail).await?;
    Ok(invitation)
}
