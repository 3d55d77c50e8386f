//! How often passwords are tried: from one network, of one account, and by whoever is signed in already.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use countersign_domain::Timestamp;
use countersign_domain::id::SignInId;

use crate::access::{UserCaller, UserCredential};
use crate::rates::{OF_ACCOUNTS, OF_SIGN_INS, Rates, network_of};
use crate::{Control, Error, Result};

/// An account that passwords are tried of: a digest of its address, so that one that nobody has is remembered like any other.
type Account = [u8; 32];

/// One account in however it is spelled.
fn account(email: &str) -> Account {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, email.trim().to_lowercase().as_bytes()).as_ref());
    bytes
}

/// What has been used up of the passwords that may be tried. Somebody who tries those of another, from elsewhere, uses up none of that one's own.
#[derive(Debug)]
pub(crate) struct Guesses {
    /// Of one account from one network.
    near: Rates<(Account, IpAddr)>,
    /// Of one account from wherever.
    anywhere: Rates<Account>,
    /// By whoever shows a sign-in, or a user token, of that person already.
    own: Rates<SignInId>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { near: Rates::new(OF_SIGN_INS), anywhere: Rates::new(OF_ACCOUNTS), own: Rates::new(OF_SIGN_INS) }
    }
}

impl Guesses {
    fn take(&self, ip: IpAddr, email: &str, now: Timestamp) -> std::result::Result<(), Duration> {
        let account = account(email);
        // In this order: whoever has used up what one network has takes nothing more from the others.
        self.near.take((account, network_of(ip)), now)?;
        self.anywhere.take(account, now)
    }
}

impl Control {
    /// Lets a password be tried, or says when to come again.
    ///
    /// # Errors
    /// [`Error::TooMany`], also for a right one: whether it is, is not looked at.
    pub(super) fn pace_passwords(&self, ip: IpAddr, email: &str) -> Result<()> {
        self.pace_guesses(ip, "Passwords")?;
        self.guesses().take(ip, email, self.now()).map_err(too_often)
    }

    /// The same for somebody who is signed in already. What strangers try keeps nobody from proving who they are.
    ///
    /// # Errors
    /// As [`Control::pace_passwords`].
    pub(super) fn pace_own_passwords(&self, user: &UserCaller) -> Result<()> {
        let shown = match user.credential {
            UserCredential::SignIn { id, .. } => id,
            UserCredential::Token { token, .. } => token.cast(),
        };
        self.guesses().own.take(shown, self.now()).map_err(too_often)
    }
}

fn too_often(retry_after: Duration) -> Error {
    Error::TooMany { what: "Passwords of this account are tried too often.".to_owned(), retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "ada@acme.example";

    fn network(number: u32) -> IpAddr {
        IpAddr::V6((u128::from(number) << 64).into())
    }

    #[test]
    fn one_network_uses_up_its_own_places_of_an_account() {
        let (guesses, now) = (Guesses::default(), Timestamp::EPOCH);
        let tried = |number| (0..1_000).take_while(|_| guesses.take(network(number), ADA, now).is_ok()).count();
        assert_eq!(tried(1), 10);
        assert_eq!(tried(2), 10, "nobody is kept out by somebody elsewhere");
        // So many networks that no two of them can be told from one crowd.
        assert_eq!((3..1_000).map(tried).sum::<usize>() + 20, 1_000);
        assert_eq!(guesses.take(network(1), "grace@acme.example", now), Ok(()), "another account");
        assert_eq!(guesses.own.take(SignInId::nil(), now), Ok(()), "whoever is signed in");
        assert_eq!(tried(1), 0);
        let later = now.plus(Duration::from_secs(60));
        assert_eq!(guesses.take(network(1), ADA, later), Ok(()));
        assert_eq!(guesses.take(network(1), ADA, later), Err(Duration::from_secs(60)));
    }

    #[test]
    fn spellings_of_one_address_are_one_account() {
        assert_eq!(account(" Ada@Acme.example "), account("ada@acme.example"));
        assert_ne!(account("ada@acme.example"), account("grace@acme.example"));
    }
}
