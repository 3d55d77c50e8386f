//! Signing in with a browser: how a person proves who they are, and what they hold while they are signed in.
//!
//! A sign-in is a credential of its own kind, `Kind::SignIn`. Its value lives in a cookie, is kept as a digest, and is accepted by
//! [`crate::Control::authenticate_sign_in`] alone. It belongs to a person: it reaches every organization of theirs, and ends by itself after
//! [`LIFETIME`], or when it was not used for [`IDLE`].
//!
//! Nobody learns by signing in whether there is somebody: an address that nobody has, a person without a password, a service user and a wrong
//! password are answered by the same words after the same work.
//!
//! There are three methods of proof: the password, the passkey, and the word of a provider. Another one is a table of its own, a word of `Method`, and an operation that
//! ends in `make`.

mod accept_invitation;
mod begin;
mod challenge;
mod change_password;
mod end;
mod ended;
mod hashing;
mod issue_link;
mod list;
mod make;
mod organizations;
mod pace;
mod passkeys;
mod prove;
mod provider;
mod sign_out;
mod sign_out_everywhere;
mod use_link;
mod ways_in;

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::TokenSecret;
use countersign_domain::id::SignInId;
use countersign_store::organizations::Organization;
use countersign_store::users::Member;

use crate::{Action, Error, Grant, Result};

pub use begin::Attempt;
pub use challenge::{CHALLENGE_LIFETIME, MAX_CHALLENGE};
pub use countersign_store::sign_ins::links::Link;
pub use countersign_store::sign_ins::{Method, SignIn};
pub use ended::Ending;
pub(crate) use hashing::Hashing;
pub use hashing::{HASHES_AT_ONCE, HASHES_WAITING, OWN_HASHES_AT_ONCE};
pub use issue_link::IssuedLink;
pub use list::OwnSignIn;
pub(crate) use pace::Guesses;
pub use passkeys::{MAX_ANSWER, MAX_PASSKEY_NAME, MAX_PASSKEYS, OwnPasskey, PasskeyAnswer, PasskeyQuestion};
pub(crate) use provider::Here;
pub use provider::{
    AskedFor, CALLBACK, Fetch, FetchError, Identity, MAX_FETCHED, Provider, ProviderAnswer, ProviderQuestion,
    REDISCOVERED,
};
pub(crate) use ways_in::take_ways_in;

/// How long somebody is signed in at the most.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a sign-in that nobody uses stands.
pub const IDLE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a proof that it is still oneself is good.
pub const PROOF: Duration = Duration::from_secs(5 * 60);
/// How long whoever has made a value of a token sees it again without a proof.
pub const MAKER_SEES: Duration = countersign_domain::reveal::WINDOW;
/// How long a link is good by which somebody sets a password and signs in.
pub const LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The most browsers in which one person is signed in; one more ends the oldest.
pub const MAX_SIGN_INS: i64 = 50;
/// How long a sign-in or a link is kept after its end: for whoever looks back at where somebody was signed in.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Somebody who has just signed in, with the value for their browser: the only time that it is given.
#[derive(Debug)]
pub struct SignedIn {
    /// The sign-in.
    pub sign_in: SignIn,
    /// Its value, for a cookie and nothing else.
    pub secret: Arc<TokenSecret>,
    /// The organization that they see first.
    pub organization: Organization,
    /// Who they are there.
    pub member: Member,
}

/// The one answer to a sign-in that did not succeed.
fn wrong() -> Error {
    Error::invalid("password", "The address or the password is wrong.")
}

/// The one answer to a password that was asked for again.
fn wrong_password() -> Error {
    Error::invalid("password", "This is not your password.")
}

/// The sign-in that a call is made with; a user token has none.
fn of_call<A: Action>(grant: &Grant<A>) -> Result<SignInId> {
    grant.user()?.sign_in().ok_or(Error::NotFound("sign-in"))
}
