//! Accepting an invitation by a provider: it vouches for the address that the invitation names.

use countersign_domain::id::InvitationId;
use countersign_store::sign_ins::{self, Method};
use countersign_store::{Lane, Tx};

use crate::access::actions::AcceptInvitation;
use crate::invitations::{Newcomer, join};
use crate::signing_in::SignedIn;
use crate::signing_in::challenge::Purpose;
use crate::signing_in::make::{Made, New, make};
use crate::{Caller, Control, Error, Grant, Result, Scene};

use super::check::Checked;
use super::sign_in::linked;
use super::{ProviderAnswer, ProviderQuestion, not_taken};

struct Input {
    checked: Checked,
    invitation: InvitationId,
    newcomer: Newcomer,
    new: New,
}

impl Control {
    /// Where the browser of whoever holds an invitation is sent to show who they are.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no provider; [`Error::Unavailable`] when it does not answer.
    pub async fn ask_provider_of_invited(&self, grant: &Grant<AcceptInvitation>) -> Result<ProviderQuestion> {
        self.provider_question(Purpose::Accept(grant.invitation()?.invitation)).await
    }

    /// Makes whoever holds an invitation a member, uses it up, and signs them in by what their browser has come back with. The provider has
    /// verified the very address that the invitation names; whoever is known by it already, or is new here, needs no password. `browser` is who
    /// the browser was before, most often nobody: the sign-in in it ends.
    ///
    /// # Errors
    /// As [`Control::accept_invitation`]; [`Error::Invalid`] at `provider`, also for another address; [`Error::Unavailable`] when the provider
    /// does not answer; [`Error::NotFound`] where there is none; [`Error::TooMany`].
    pub async fn accept_invitation_by_provider(
        &self,
        grant: &Grant<AcceptInvitation>,
        browser: &Caller,
        name: Option<&str>,
        answer: &ProviderAnswer,
    ) -> Result<SignedIn> {
        let invited = grant.invitation()?;
        let newcomer = Newcomer::called(self.fresh_id(), name)?;
        self.pace_guesses(invited.origin.ip, "Sign-ins")?;
        let checked = Box::pin(self.check_provider(Purpose::Accept(invited.invitation), answer)).await?;
        if checked.email != invited.email {
            return Err(Error::invalid("provider", "The invitation is for another address than the provider says."));
        }
        // Whoever it was, by an id that nobody has.
        self.end_anothers(browser, newcomer.user).await?;
        let new = self.new_sign_in(Method::Provider, grant.caller());
        let secret = new.secret.clone();
        let input = Input { checked, invitation: invited.invitation, newcomer, new };
        let made = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(accept(tx, scene))).await?;
        Ok(made.with(secret))
    }
}

async fn accept(tx: &mut Tx, scene: &Scene<Input>) -> Result<Made> {
    let Input { checked, invitation, newcomer, new } = &scene.input;
    if let Some(known) = checked.person(tx).await? {
        sign_ins::take_turn(tx, known).await?;
    }
    let (organization, user) = join(tx, scene, newcomer, *invitation).await?;
    let is_first = checked.take(tx, user.id).await?;
    let made = make(tx, scene, new, user.id, Some(organization.id)).await?.ok_or_else(not_taken)?;
    if is_first {
        linked(tx, scene, &made, checked).await?;
    }
    Ok(made)
}
