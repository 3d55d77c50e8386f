//! Passkeys: signing in, and proving that it is still oneself, by a key that an authenticator holds and gives to nobody.
//!
//! What is asked and how an answer is checked is `webauthn-rs`'s. It draws what is to be signed from the operating system's generator and not
//! from the one of this program; all else that is drawn or timed here is not. A passkey has to verify its person (by a finger, a PIN), and is
//! one that its browser finds by itself: so nobody says who they are before they have shown it, and an address tells nothing.
//!
//! Each of them is two calls: one asks, and the page shows the [`PasskeyQuestion`] to the browser; the other takes the [`PasskeyAnswer`]. What
//! lies between is signed by the key ring and given to the page, for [`super::CHALLENGE_LIFETIME`]. So whoever asks and does not answer leaves no row,
//! and an answer that was taken leaves one, by which it is not taken again.

mod add;
mod ask;
mod check;
mod list;
mod prove;
mod remove;
mod rename;
mod sign_in;
mod site;

use countersign_domain::Timestamp;
use countersign_domain::id::PasskeyId;
use countersign_domain::text::check_line;
use countersign_store::passkeys as rows;
use serde::de::DeserializeOwned;

use crate::{Error, Result, input};

/// The most passkeys of one person.
pub const MAX_PASSKEYS: usize = 20;
/// Most characters of what somebody calls a passkey.
pub const MAX_PASSKEY_NAME: usize = 100;
/// Under what keys are derived for what lies between.
const LABEL: &str = "passkey challenge";
/// What a passkey is called whose person says nothing.
const UNNAMED: &str = "Passkey";
/// The most bytes of what a browser answers: a name of 4 KiB and some certificates that nobody asked for.
pub const MAX_ANSWER: usize = 64 * 1024;

/// What a browser is asked to have a passkey do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyQuestion {
    /// `{"publicKey": …}`: what `PublicKeyCredential.parseCreationOptionsFromJSON` (for a new passkey) or `parseRequestOptionsFromJSON` reads,
    /// for `navigator.credentials.create` or `get`.
    pub options: serde_json::Value,
    /// What comes back with the answer, as it is. No secret: it is worth nothing without the passkey.
    pub challenge: String,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
}

/// What a browser has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyAnswer {
    /// [`PasskeyQuestion::challenge`], as it was.
    pub challenge: String,
    /// What `JSON.stringify` makes of the credential that the browser gave.
    pub credential: String,
}

/// A passkey of the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPasskey {
    /// Its id.
    pub id: PasskeyId,
    /// What they call it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last shown; none: not since it was added.
    pub used_at: Option<Timestamp>,
}

impl From<rows::Passkey> for OwnPasskey {
    fn from(it: rows::Passkey) -> Self {
        Self { id: it.id, name: it.name, created_at: it.created_at, used_at: it.used_at }
    }
}

impl PasskeyAnswer {
    /// The credential that the browser gave.
    fn credential<T: DeserializeOwned>(&self) -> Result<T> {
        let credential = (self.credential.len() <= MAX_ANSWER).then(|| serde_json::from_str(&self.credential).ok());
        credential.flatten().ok_or_else(|| {
            Error::invalid("passkey", "The browser's answer cannot be read. Reload the page, or take another browser.")
        })
    }
}

/// What somebody calls a passkey.
fn name(text: Option<&str>) -> Result<String> {
    let text = text.map_or(UNNAMED, str::trim);
    input::field("name", check_line(text, MAX_PASSKEY_NAME))?;
    Ok(text.to_owned())
}

/// The one answer to a passkey that was not taken: which of it was wrong is nobody's business but the log's.
fn not_taken() -> Error {
    Error::invalid(
        "passkey",
        "This passkey was not taken: it is not known here, or it was shown too late. Try again, or sign in by your password.",
    )
}
