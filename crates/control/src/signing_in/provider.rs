//! Signing in by a provider of OpenID Connect: by the authorization code flow with PKCE, state and nonce.
//!
//! Which provider is the operator's to say, and there is one. It says who somebody is and vouches for their address; what they may here, it does
//! not say: whoever is a member of nothing does not get in, but by an invitation. The first time somebody is known by their address, and from
//! then on by what the provider calls them, whatever becomes of the address.
//!
//! Between asking and answering the browser holds a cookie, signed by the key ring. State, nonce and verifier are made of its id by keys of the
//! ring: they are in nobody's hands before they are needed, and an answer that comes in another browser is not taken. No clock, no
//! randomness and no connection is the library's own: the first two are the program's, and calls are made by [`Fetch`].

mod accept_invitation;
mod ask;
mod check;
mod forget;
mod here;
mod list;
mod prove;
mod sign_in;

use std::fmt;

use countersign_store::blobs::Secret;
use futures_util::future::BoxFuture;
use openidconnect::IssuerUrl;

use crate::Error;

pub use countersign_store::identities::Identity;
pub(crate) use here::Here;
pub use here::REDISCOVERED;

/// Where the provider sends browsers back, below the public address.
pub const CALLBACK: &str = "/sign-in/callback";
/// The most bytes of an answer of the provider's.
pub const MAX_FETCHED: usize = 1024 * 1024;
/// Under what keys are derived for what lies between.
const LABEL: &str = "provider challenge";

/// A provider, and who this server is there.
#[derive(Debug, Clone)]
pub struct Provider {
    issuer: IssuerUrl,
    client_id: String,
    client_secret: Option<Secret>,
}

impl Provider {
    /// A provider by its issuer, exactly as its tokens have it. Without a secret this server is a public client there.
    ///
    /// # Errors
    /// What is wrong with the issuer or the client id, and what to do.
    pub fn new(issuer: &str, client_id: &str, client_secret: Option<Secret>) -> Result<Self, String> {
        let wrong =
            || "the issuer must be an https address without a query, such as https://login.example.com".to_owned();
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| wrong())?;
        let url = issuer.url();
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && url.host_str() == Some("localhost"));
        if !is_safe || url.host_str().is_none() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong());
        }
        if client_id.trim().is_empty() {
            return Err("the client id is empty; it is what the provider calls this server".to_owned());
        }
        Ok(Self { issuer, client_id: client_id.to_owned(), client_secret })
    }

    /// What its tokens call it, as it was given.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Its host's name, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        self.issuer.url().host_str().unwrap_or_default()
    }
}

/// What calls a provider: with limits of time, without following redirects, up to [`MAX_FETCHED`].
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Makes one call.
    fn fetch(&self, request: http::Request<Vec<u8>>)
    -> BoxFuture<'static, Result<http::Response<Vec<u8>>, FetchError>>;
}

/// A call that was not answered, and why; nothing of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// Where a browser is sent, and what it has to hold until it comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderQuestion {
    /// An address of the provider's.
    pub url: String,
    /// For a cookie of its own that only this server sees.
    pub cookie: String,
}

/// What a browser has come back with.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderAnswer {
    /// What it held, [`ProviderQuestion::cookie`].
    pub cookie: String,
    /// `state` of the address.
    pub state: String,
    /// `code` of the address.
    pub code: String,
}

impl fmt::Debug for ProviderQuestion {
    /// Without what one browser is told apart by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderQuestion(…)")
    }
}

impl fmt::Debug for ProviderAnswer {
    /// Without the code, which is worth a sign-in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderAnswer(…)")
    }
}

/// What a browser was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedFor {
    /// To sign in: [`crate::Control::sign_in_by_provider`].
    SignIn,
    /// To prove that it is still them: [`crate::Control::prove_by_provider`].
    Proof,
    /// To accept an invitation: [`crate::Control::accept_invitation_by_provider`].
    Invitation,
}

impl AskedFor {
    const fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Proof => "proof",
            Self::Invitation => "invitation",
        }
    }
}

impl ProviderAnswer {
    /// What the browser says that it was sent for: which operation takes the answer. That one asks whether it is so.
    #[must_use]
    pub fn asked_for(&self) -> Option<AskedFor> {
        let (word, _) = self.cookie.split_once('~')?;
        [AskedFor::SignIn, AskedFor::Proof, AskedFor::Invitation].into_iter().find(|it| it.word() == word)
    }
}

/// The one answer to a sign-in that was not taken: which of it was wrong is nobody's business but the log's.
fn not_taken() -> Error {
    Error::invalid(
        "provider",
        "This sign-in was not taken: it came too late, or from another browser, or by it nobody is known here, or its address is not verified. \
         Try again, or sign in another way.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_asked_over_https() {
        let of = |issuer: &str, client: &str| Provider::new(issuer, client, Some(Secret::new("hunter2".to_owned())));
        for issuer in ["https://login.example.com", "https://login.example.com/realms/acme/", "http://localhost:9000"] {
            let provider = of(issuer, "countersign").expect("a provider");
            assert!(!format!("{provider:?}").contains("hunter2"));
            assert_eq!(provider.issuer(), issuer, "as it was given");
        }
        for issuer in
            ["", "login.example.com", "http://login.example.com", "https://x.example?y", "https://x.example#y"]
        {
            assert!(of(issuer, "countersign").is_err(), "{issuer}");
        }
        assert!(of("https://login.example.com", " ").is_err());
    }

    #[test]
    fn what_a_sign_in_is_made_of_is_not_shown() {
        let [url, cookie, state, code] = ["https://x.example?state=one", "two", "three", "four"].map(str::to_owned);
        let question = ProviderQuestion { url, cookie: cookie.clone() };
        assert_eq!(format!("{question:?}"), "ProviderQuestion(…)");
        let answer = ProviderAnswer { cookie, state, code };
        assert_eq!(format!("{answer:?}"), "ProviderAnswer(…)");
    }

    #[test]
    fn what_was_asked_for_is_said_in_a_word() {
        let said = |cookie: &str| {
            let answer = ProviderAnswer { cookie: cookie.to_owned(), state: String::new(), code: String::new() };
            answer.asked_for()
        };
        for it in [AskedFor::SignIn, AskedFor::Proof, AskedFor::Invitation] {
            assert_eq!(said(&format!("{}~q7XbT02a.AAAA", it.word())), Some(it));
        }
        for other in ["", "~", "sign-in", "other~q7XbT02a.AAAA"] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
