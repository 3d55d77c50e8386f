//! Where a browser is sent, and what is made for it alone.

use std::borrow::Cow;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_domain::id::ChallengeId;
use countersign_domain::{KeyId, KeyRing};
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};

use crate::signing_in::challenge::{Answer, CHALLENGE_LIFETIME, Purpose, sign};
use crate::{Control, Error, Result};

use super::{AskedFor, CALLBACK, LABEL, ProviderQuestion};

/// What one question is told apart by. A key of the ring makes them of its id.
pub(super) struct Secrets {
    /// That the answer is one to this question: the address shows it.
    pub state: String,
    /// That the token was made for it: the provider signs it.
    pub nonce: Nonce,
    /// That the code was given to us: the provider has its digest.
    pub verifier: PkceCodeVerifier,
}

impl Secrets {
    pub fn of(keys: &KeyRing, key: &KeyId, id: ChallengeId) -> Result<Self> {
        let made = |label| {
            let made = keys.mac_by(label, id.as_bytes(), key).map_err(Error::internal)?;
            Ok::<_, Error>(URL_SAFE_NO_PAD.encode(made))
        };
        Ok(Self {
            state: made("provider state")?,
            nonce: Nonce::new(made("provider nonce")?),
            verifier: PkceCodeVerifier::new(made("provider verifier")?),
        })
    }
}

impl Control {
    /// Where the provider sends browsers back.
    pub(super) fn provider_callback(&self) -> Result<RedirectUrl> {
        RedirectUrl::new(format!("{}{CALLBACK}", self.settings().public_url)).map_err(Error::internal)
    }

    /// Sends a browser to the provider; where somebody proves that it is still them, to show there again who they are.
    pub(super) async fn provider_question(&self, purpose: Purpose) -> Result<ProviderQuestion> {
        let client = self.provider_client(false).await?;
        let keys = self.keys();
        let answer = Answer { id: self.fresh_id(), expires_at: self.now().plus(CHALLENGE_LIFETIME) };
        let Secrets { state, nonce, verifier } = Secrets::of(&keys, keys.newest(), answer.id)?;
        let challenge = sign(&keys, LABEL, purpose, answer, ())?;
        let state = CsrfToken::new(state);
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .set_redirect_uri(Cow::Owned(self.provider_callback()?));
        let asked_for = match purpose {
            Purpose::SignIn | Purpose::Add(..) => AskedFor::SignIn,
            Purpose::Accept(_) => AskedFor::Invitation,
            Purpose::Prove(..) => {
                request = request.set_max_age(Duration::ZERO).add_prompt(CoreAuthPrompt::Login);
                AskedFor::Proof
            }
        };
        let (url, _, _) = request.url();
        Ok(ProviderQuestion { url: url.into(), cookie: format!("{}~{challenge}", asked_for.word()) })
    }
}
