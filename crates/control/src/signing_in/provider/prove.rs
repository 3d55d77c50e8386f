//! Proving by a provider that it is still oneself: by showing there again who one is.

use countersign_domain::Timestamp;
use countersign_store::Lane;
use countersign_store::sign_ins::Method;

use crate::access::actions::ProveAgain;
use crate::signing_in::challenge::Purpose;
use crate::signing_in::of_call;
use crate::signing_in::prove::proved;
use crate::{Control, Grant, Result};

use super::{ProviderAnswer, ProviderQuestion, not_taken};

impl Control {
    /// Where the browser of somebody is sent who is signed in and proves that it is still them.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] where there is no provider, and for a call with a user token, which has nothing to prove;
    /// [`crate::Error::Unavailable`] when it does not answer.
    pub async fn ask_provider_again(&self, grant: &Grant<ProveAgain>) -> Result<ProviderQuestion> {
        self.provider_question(Purpose::Prove(grant.user()?.user, of_call(grant)?)).await
    }

    /// Takes what the browser of somebody who is signed in has come back with, and lets them do for [`crate::signing_in::PROOF`] what needs a
    /// proof; answers until when. The provider has to have asked them anew, and to mean them by what it calls them: an address is not enough.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `provider`; [`crate::Error::TooMany`]; [`crate::Error::Unavailable`] when the provider does not answer;
    /// [`crate::Error::NotFound`] where there is none, and for a call with a user token.
    pub async fn prove_by_provider(&self, grant: &Grant<ProveAgain>, answer: &ProviderAnswer) -> Result<Timestamp> {
        let (user, id) = (grant.user()?, of_call(grant)?);
        self.pace_guesses(user.origin.ip, "Sign-ins")?;
        let checked = Box::pin(self.check_provider(Purpose::Prove(user.user, id), answer)).await?;
        self.write(grant, Lane::Normal, (checked, user.user, id, user.public_id.clone()), |tx, scene| {
            Box::pin(async move {
                let (checked, user, id, public_id) = &scene.input;
                if checked.known(tx).await? != Some(*user) {
                    return Err(not_taken());
                }
                checked.take(tx, *user).await?;
                proved(tx, scene, *user, (*id, public_id), Method::Provider).await
            })
        })
        .await
    }
}
