//! Checking what a browser has come back with, and taking it.

use std::borrow::Cow;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::DateTime;
use countersign_domain::Timestamp;
use countersign_domain::id::UserId;
use countersign_domain::text::Email;
use countersign_store::{Tx, identities, users};
use openidconnect::core::{CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, Nonce, RequestTokenError, SignatureVerificationError,
    TokenResponse as _,
};

use crate::signing_in::challenge::{Answer, CHALLENGE_LIFETIME, Purpose, open};
use crate::{Control, Error, Result};

use super::ask::Secrets;
use super::here::{Client, unavailable};
use super::{LABEL, ProviderAnswer, not_taken};

/// The most bytes of a code, and of a state.
const MAX_PART: usize = 4 * 1024;
/// The most characters of what a provider calls somebody (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;
/// By how many seconds the clock of a provider may go behind.
const SKEW: i64 = 60;
/// What a token may be signed by: what needs no secret that both know.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Somebody for whom the provider vouches.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    issuer: String,
    /// What it calls them.
    subject: String,
    /// Their address, in lower case, which it has verified.
    pub email: String,
    answer: Answer,
}

impl Checked {
    /// Whom it means: by what it calls them, else by their address.
    pub async fn person(&self, tx: &mut Tx) -> Result<Option<UserId>> {
        if let Some(known) = identities::find(tx, &self.issuer, &self.subject).await? {
            return Ok(Some(known));
        }
        let by_address = users::find_by_email(tx, &self.email).await?;
        Ok(by_address.filter(|it| !it.is_service).map(|it| it.id))
    }

    /// Whom it means by what it calls them.
    pub async fn known(&self, tx: &mut Tx) -> Result<Option<UserId>> {
        Ok(identities::find(tx, &self.issuer, &self.subject).await?)
    }

    /// Takes the answer, for a person whose turn the transaction holds. True when the provider means them for the first time; from then on it
    /// means nobody else by it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it was taken before, its time has run out, or the provider means somebody else, or them by another word.
    pub async fn take(&self, tx: &mut Tx, user: UserId) -> Result<bool> {
        if !self.answer.take(tx, user).await? {
            return Err(not_taken());
        }
        match self.known(tx).await? {
            Some(known) if known == user => {
                identities::used(tx, &self.issuer, &self.subject).await?;
                Ok(false)
            }
            None if identities::insert(tx, &self.issuer, &self.subject, user).await? => Ok(true),
            _ => Err(not_taken()),
        }
    }

    /// What the audit log says of it.
    pub fn detail(&self) -> serde_json::Value {
        serde_json::json!({ "issuer": self.issuer, "subject": self.subject })
    }
}

impl Control {
    /// Asks the provider what a code is worth, and checks what it says.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `provider`; [`Error::Unavailable`] when it does not answer; [`Error::NotFound`] where there is none.
    pub(super) async fn check_provider(&self, purpose: Purpose, answer: &ProviderAnswer) -> Result<Checked> {
        let here = self.provider_here()?;
        let keys = self.keys();
        let (_, challenge) = answer.cookie.split_once('~').ok_or_else(not_taken)?;
        let asked = open::<()>(&keys, LABEL, purpose, self.now(), challenge).ok_or_else(not_taken)?;
        let Secrets { state, nonce, verifier } = Secrets::of(&keys, &asked.key, asked.answer.id)?;
        let is_ours = verify_slices_are_equal(state.as_bytes(), answer.state.as_bytes()).is_ok();
        if !is_ours || answer.code.is_empty() || answer.code.len() > MAX_PART {
            return Err(not_taken());
        }
        let client = self.provider_client(false).await?;
        let exchange = client.exchange_code(AuthorizationCode::new(answer.code.clone())).map_err(Error::internal)?;
        let exchange = exchange.set_pkce_verifier(verifier).set_redirect_uri(Cow::Owned(self.provider_callback()?));
        let answered = exchange.request_async(here).await.map_err(|error| {
            tracing::info!(%error, "the provider of sign-ins gave no token for a code");
            match error {
                RequestTokenError::ServerResponse(_) => not_taken(),
                _ => unavailable(),
            }
        })?;
        let token = answered.id_token().ok_or_else(not_taken)?;
        let now = self.now();
        let claims = match read(&client, token, &nonce, now) {
            // It may sign by a key that it did not have when it was asked.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                read(&self.provider_client(true).await?, token, &nonce, now)
            }
            other => other,
        };
        let claims = claims.map_err(|error| {
            tracing::info!(%error, "a token of the provider of sign-ins was not taken");
            not_taken()
        })?;
        let since = matches!(purpose, Purpose::Prove(..)).then(|| asked.answer.expires_at.minus(CHALLENGE_LIFETIME));
        let (subject, email) = of_whom(&claims, &here.provider.client_id, since).ok_or_else(not_taken)?;
        Ok(Checked { issuer: here.provider.issuer.as_str().to_owned(), subject, email, answer: asked.answer })
    }
}

/// What a token says, if the provider has signed it for us, for this question, and not long ago.
fn read(
    client: &Client,
    token: &CoreIdToken,
    nonce: &Nonce,
    now: Timestamp,
) -> std::result::Result<CoreIdTokenClaims, ClaimsVerificationError> {
    let now = DateTime::from_timestamp_micros(now.as_micros()).unwrap_or_default();
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now);
    token.claims(&verifier, nonce).cloned()
}

/// What the provider calls somebody, and their address. None without an address that it has verified, for a token that another client was given
/// too, and, where they had to show there who they are since then, if they have not.
fn of_whom(claims: &CoreIdTokenClaims, client_id: &str, since: Option<Timestamp>) -> Option<(String, String)> {
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT || subject.contains('\0') {
        return None;
    }
    if claims.authorized_party().is_some_and(|party| party.as_str() != client_id) {
        return None;
    }
    if let Some(since) = since
        && claims.auth_time().is_none_or(|at| at.timestamp() < since.as_secs().saturating_sub(SKEW))
    {
        return None;
    }
    let email = claims.email().filter(|_| claims.email_verified() == Some(true))?;
    let email = Email::parse(email.as_str().trim()).ok()?;
    Some((subject.to_owned(), email.as_str().to_owned()))
}
