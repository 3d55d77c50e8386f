//! What a browser is asked, and what is known of it when the answer comes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_store::passkeys::Passkey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::signing_in::challenge::{Answer, CHALLENGE_LIFETIME, Challenge, Purpose, open, sign};
use crate::{Control, Error, Result};

use super::{LABEL, PasskeyAnswer, PasskeyQuestion, not_taken};

impl Control {
    /// What a browser is asked to have a passkey do that is shown: one of `listed`, or, with none, whichever it finds.
    pub(super) fn passkey_question(&self, purpose: Purpose, listed: &[Passkey]) -> Result<PasskeyQuestion> {
        let (asked, state) = self.passkey_site()?.start_discoverable_authentication().map_err(Error::internal)?;
        let mut options = json!({ "publicKey": serde_json::to_value(asked.public_key).map_err(Error::internal)? });
        options["publicKey"]["allowCredentials"] = descriptors(listed);
        self.question(purpose, options, &state)
    }

    /// Signs what is to come back with the answer.
    pub(super) fn question<S: Serialize>(
        &self,
        purpose: Purpose,
        options: Value,
        state: &S,
    ) -> Result<PasskeyQuestion> {
        let expires_at = self.now().plus(CHALLENGE_LIFETIME);
        let answer = Answer { id: self.fresh_id(), expires_at };
        let challenge = sign(&self.keys(), LABEL, purpose, answer, state)?;
        Ok(PasskeyQuestion { options, challenge, expires_at })
    }

    /// Reads what came back with the answer.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is not ours, was for something else, or has ended.
    pub(super) fn asked<S: DeserializeOwned>(&self, purpose: Purpose, answer: &PasskeyAnswer) -> Result<Challenge<S>> {
        open(&self.keys(), LABEL, purpose, self.now(), &answer.challenge).ok_or_else(not_taken)
    }
}

/// Passkeys as a browser is told of them.
pub(super) fn descriptors(all: &[Passkey]) -> Value {
    all.iter().map(|it| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(&it.credential) })).collect()
}
