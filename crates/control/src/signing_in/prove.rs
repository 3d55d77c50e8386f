//! Proving again that it is still oneself.

use countersign_domain::id::{SignInId, UserId};
use countersign_domain::{Password, PublicId, Refusal, Timestamp};
use countersign_store::sign_ins::{self, Method};
use countersign_store::{Lane, Tx, passwords};
use serde_json::json;

use crate::access::actions::ProveAgain;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::{PROOF, of_call, wrong_password};

impl Control {
    /// Whether somebody who is signed in has a password to prove by.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn proves_by_password(&self, grant: &Grant<ProveAgain>) -> Result<bool> {
        let user = grant.user()?.user;
        let kept = self.store().read(user, |tx, user| Box::pin(passwords::find(tx, *user))).await?;
        Ok(kept.is_some())
    }

    /// Takes the password of somebody who is signed in, and lets them do for [`PROOF`] what needs a proof; answers until when.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `password`; [`Error::TooMany`]; [`Error::NotFound`] for a call with a user token, which has nothing to prove.
    pub async fn prove_again(&self, grant: &Grant<ProveAgain>, password: Password) -> Result<Timestamp> {
        let (user, id) = (grant.user()?, of_call(grant)?);
        let kept = self.check_own_password(user, password).await?;
        self.write(grant, Lane::Normal, (user.user, id, user.public_id.clone(), kept), |tx, scene| {
            Box::pin(async move {
                let (user, id, public_id, kept) = &scene.input;
                if passwords::find(tx, *user).await?.as_ref() != Some(kept) {
                    return Err(wrong_password());
                }
                proved(tx, scene, *user, (*id, public_id), Method::Password).await
            })
        })
        .await
    }
}

/// Where every proof ends: the row, and its audit row; answers until when it is good.
pub(super) async fn proved<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    user: UserId,
    (id, public_id): (SignInId, &PublicId),
    by: Method,
) -> Result<Timestamp> {
    if !sign_ins::prove(tx, user, id, by).await? {
        return Err(Error::refused(Refusal::Revoked, public_id.clone()));
    }
    let until = tx.now().plus(PROOF);
    let subject = Subject::new("sign_in", id, public_id.as_str());
    let detail = json!({ "method": by.as_str(), "until": until.to_string() });
    scene.audit(tx, "sign_in.proved", subject, detail).await?;
    Ok(until)
}
