//! Signing in by a provider.

use countersign_domain::Refusal;
use countersign_domain::id::OrganizationId;
use countersign_store::sign_ins::{self, Method};
use countersign_store::{Lane, Tx};

use crate::access::actions::BeginSignIn;
use crate::scene::Subject;
use crate::signing_in::SignedIn;
use crate::signing_in::challenge::Purpose;
use crate::signing_in::make::{Made, New, make};
use crate::{Caller, Control, Error, Grant, Result, Scene};

use super::check::Checked;
use super::{ProviderAnswer, ProviderQuestion, not_taken};

struct Input {
    checked: Checked,
    new: New,
}

impl Control {
    /// Where the browser of somebody is sent who wants to sign in by the provider.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no provider; [`Error::Unavailable`] when it does not answer.
    pub async fn ask_provider(&self) -> Result<ProviderQuestion> {
        self.provider_question(Purpose::SignIn).await
    }

    /// Signs somebody in by what their browser has come back with. `caller` is who the browser was before, most often nobody: the sign-in
    /// in it ends, whosever it is.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `provider`, in the same words for somebody who is not known here or a member of nothing, whose address the provider
    /// has not verified, and for an answer that came too late, twice or in another browser; [`Error::TooMany`] when this network has tried
    /// too often; [`Error::Unavailable`] when the provider does not answer; [`Error::NotFound`] where there is none.
    pub async fn sign_in_by_provider(&self, caller: &Caller, answer: &ProviderAnswer) -> Result<SignedIn> {
        let new = self.new_sign_in(Method::Provider, caller);
        self.pace_guesses(new.origin.ip, "Sign-ins")?;
        let checked = Box::pin(self.check_provider(Purpose::SignIn, answer)).await.inspect_err(|error| {
            if matches!(error, Error::Invalid(_)) {
                self.counts().refused(Refusal::Unknown);
            }
        })?;
        // Whom it means is asked again by whoever signs them in: nobody who is not known ends anything.
        let means = self.store().read(checked.clone(), |tx, checked| Box::pin(checked.person(tx))).await?;
        if let Some(user) = means {
            self.end_anothers(caller, user).await?;
        }
        let secret = new.secret.clone();
        let grant: Grant<BeginSignIn> = self.system("somebody signs in", OrganizationId::nil())?;
        let input = Input { checked, new };
        let made = self.write(&grant, Lane::Normal, input, |tx, scene| Box::pin(begin(tx, scene))).await?;
        Ok(made.with(secret))
    }
}

async fn begin(tx: &mut Tx, scene: &Scene<Input>) -> Result<Made> {
    let Input { checked, new } = &scene.input;
    let user = checked.person(tx).await?.ok_or_else(not_taken)?;
    sign_ins::take_turn(tx, user).await?;
    let is_first = checked.take(tx, user).await?;
    let made = make(tx, scene, new, user, None).await?.ok_or_else(not_taken)?;
    if is_first {
        linked(tx, scene, &made, checked).await?;
    }
    Ok(made)
}

/// Notes in the audit log that the provider means somebody from now on.
pub(super) async fn linked<I: Sync>(tx: &mut Tx, scene: &Scene<I>, made: &Made, checked: &Checked) -> Result<()> {
    let subject = Subject::new("user", made.member.user.id, made.member.user.email.as_str());
    scene.audit_as(tx, &made.caller, made.organization.id, "identity.linked", subject, checked.detail()).await
}
