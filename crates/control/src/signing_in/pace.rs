//! How often passwords are tried: from one network, and of one account.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};

use crate::{Control, Error, Result};

/// An account that passwords are tried of: a digest of its address, so that one that nobody has is remembered like any other.
pub(crate) type Account = [u8; 32];

/// One account in however it is spelled.
fn account(email: &str) -> Account {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, email.trim().to_lowercase().as_bytes()).as_ref());
    bytes
}

impl Control {
    /// Lets a password be tried, or says when to come again.
    ///
    /// # Errors
    /// [`Error::TooMany`], also for a right one: whether it is, is not looked at.
    pub(super) fn pace_passwords(&self, ip: IpAddr, email: &str) -> Result<()> {
        self.pace_guesses(ip, "Passwords")?;
        self.accounts().take(account(email), self.now()).map_err(|retry_after| Error::TooMany {
            what: "Passwords of this account are tried too often.".to_owned(),
            retry_after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::account;

    #[test]
    fn spellings_of_one_address_are_one_account() {
        assert_eq!(account(" Ada@Acme.example "), account("ada@acme.example"));
        assert_ne!(account("ada@acme.example"), account("grace@acme.example"));
    }
}
