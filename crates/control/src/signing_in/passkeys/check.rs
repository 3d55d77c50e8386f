//! Checking a passkey that was shown, and using the answer up.
//!
//! A signature is checked before the transaction, which would keep all other writes waiting for it; inside, the passkey has to be what it was
//! checked against, and the answer one that was not taken before.

use countersign_domain::id::{PasskeyId, UserId};
use countersign_store::{Tx, passkeys};
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey, PublicKeyCredential};

use crate::signing_in::challenge::{Answer, Challenge, Purpose};
use crate::{Control, Error, Result};

use super::{PasskeyAnswer, not_taken};

/// A passkey that was shown, and is one.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    /// Whose it is.
    pub user: UserId,
    passkey: PasskeyId,
    /// What it was checked against.
    before: String,
    /// What is to be checked against from now on.
    after: String,
    answer: Answer,
}

impl Checked {
    /// Takes the answer, and notes that the passkey was shown.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it was taken before or its time has run out, and when the passkey has been taken away or was shown elsewhere at
    /// the same time.
    pub async fn take(&self, tx: &mut Tx) -> Result<()> {
        let is_taken = self.answer.take(tx, self.user).await?
            && passkeys::used(tx, self.passkey, &self.before, &self.after).await?;
        if is_taken { Ok(()) } else { Err(not_taken()) }
    }
}

impl Control {
    /// Checks a passkey that was shown; `of` is whose it has to be, if that is known.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `passkey`; [`Error::Conflict`] where there are no passkeys.
    pub(super) async fn check_passkey(
        &self,
        purpose: Purpose,
        of: Option<UserId>,
        answer: &PasskeyAnswer,
    ) -> Result<Checked> {
        let site = self.passkey_site()?;
        let shown: PublicKeyCredential = answer.credential()?;
        let asked: Challenge<DiscoverableAuthentication> = self.asked(purpose, answer)?;
        let credential = shown.get_credential_id().to_vec();
        let known = self.store().read(credential, |tx, it| Box::pin(passkeys::of_credential(tx, it))).await?;
        let known = known.filter(|it| is_of(it.user, of, shown.get_user_unique_id())).ok_or_else(not_taken)?;
        let mut passkey: Passkey = serde_json::from_str(&known.kept).map_err(Error::internal)?;
        let outcome = site.finish_discoverable_authentication_v2(&shown, asked.state, &passkey).map_err(|error| {
            // Nothing of what was shown: only which rule it broke.
            tracing::info!(%error, passkey = %known.id, "a passkey was shown and not taken");
            not_taken()
        })?;
        passkey.update_credential(&outcome);
        let after = serde_json::to_string(&passkey).map_err(Error::internal)?;
        Ok(Checked { user: known.user, passkey: known.id, before: known.kept, after, answer: asked.answer })
    }
}

/// Whether a passkey is that of the person whom it has to be of, and says no other. One that nobody is known by yet has to say whose it is.
fn is_of(whose: UserId, wanted: Option<UserId>, said: Option<&[u8]>) -> bool {
    let says_so = said.map(|said| said == whose.as_bytes());
    match wanted {
        Some(wanted) => wanted == whose && says_so != Some(false),
        None => says_so == Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_says_whose_it_is_and_nobody_elses() {
        let [one, other] = [1, 2].map(|byte| UserId::from_bytes([byte; 16]));
        let table = [
            (None, Some(one), true),
            (None, Some(other), false),
            (None, None, false),
            (Some(one), Some(one), true),
            (Some(one), None, true),
            (Some(one), Some(other), false),
            (Some(other), Some(one), false),
            (Some(other), None, false),
        ];
        for (wanted, said, is_it) in table {
            let said = said.as_ref().map(|it| &it.as_bytes()[..]);
            assert_eq!(is_of(one, wanted, said), is_it, "{wanted:?} {said:?}");
        }
    }
}
