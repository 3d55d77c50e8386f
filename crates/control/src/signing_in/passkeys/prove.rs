//! Proving by a passkey that it is still oneself.

use countersign_domain::Timestamp;
use countersign_store::sign_ins::Method;
use countersign_store::{Lane, passkeys};

use crate::access::actions::ProveAgain;
use crate::signing_in::challenge::Purpose;
use crate::signing_in::of_call;
use crate::signing_in::prove::proved;
use crate::{Control, Error, Grant, Result};

use super::{PasskeyAnswer, PasskeyQuestion};

impl Control {
    /// What the browser of somebody is asked who is signed in and proves that it is still them: one of their own passkeys.
    ///
    /// # Errors
    /// [`Error::NotFound`] for somebody who has no passkey, and for a call with a user token, which has nothing to prove; [`Error::Conflict`]
    /// where there are no passkeys.
    pub async fn ask_for_own_passkey(&self, grant: &Grant<ProveAgain>) -> Result<PasskeyQuestion> {
        let (user, id) = (grant.user()?.user, of_call(grant)?);
        let own = self
            .read(grant, user, |tx, scene| Box::pin(async move { Ok(passkeys::of_user(tx, scene.input).await?) }))
            .await?;
        if own.is_empty() {
            return Err(Error::NotFound("passkey"));
        }
        self.passkey_question(Purpose::Prove(user, id), &own)
    }

    /// Takes a passkey of somebody who is signed in, and lets them do for [`crate::signing_in::PROOF`] what needs a proof; answers until when.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `passkey`; [`Error::TooMany`]; [`Error::NotFound`] for a call with a user token; [`Error::Conflict`] where there
    /// are no passkeys.
    pub async fn prove_by_passkey(&self, grant: &Grant<ProveAgain>, answer: &PasskeyAnswer) -> Result<Timestamp> {
        let (user, id) = (grant.user()?, of_call(grant)?);
        self.pace_guesses(user.origin.ip, "Passkeys")?;
        let checked = self.check_passkey(Purpose::Prove(user.user, id), Some(user.user), answer).await?;
        self.write(grant, Lane::Normal, (checked, id, user.public_id.clone()), |tx, scene| {
            Box::pin(async move {
                let (checked, id, public_id) = &scene.input;
                checked.take(tx).await?;
                proved(tx, scene, checked.user, (*id, public_id), Method::Passkey).await
            })
        })
        .await
    }
}
