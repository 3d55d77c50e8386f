//! Passwords: what one may be, and how one is kept out of sight.
//!
//! A password has a length and no rules of composition, as NIST SP 800-63B-4 (3.1.1.2) asks: what people make of such rules is easier to
//! guess. It may not be what everybody knows of its owner.

use std::fmt;

use zeroize::Zeroizing;

/// Fewest characters of a new password.
pub const MIN_PASSWORD: usize = 12;
/// Most characters of a password: more than anybody types, and little enough that hashing costs the same for all.
pub const MAX_PASSWORD: usize = 128;

/// A password, new or shown. Wiped from memory when dropped; never cloned, printed or serialized.
pub struct Password(Zeroizing<String>);

/// The text cannot be a password. Says nothing of the text but its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Too short.
    #[error("has {count} characters; use at least {}, such as a few words that do not belong together", MIN_PASSWORD)]
    TooShort {
        /// Characters there were.
        count: usize,
    },
    /// Too long.
    #[error("has more than {} characters; use fewer", MAX_PASSWORD)]
    TooLong,
    /// It is the address, or the name of somebody or something that everybody knows.
    #[error("is the address or a name that others know; use words that do not belong to you")]
    Known,
}

impl Password {
    /// A password that somebody wants from now on. `known` is what others know of its owner: address, name, organization.
    ///
    /// # Errors
    /// [`BadPassword`] says what is wrong and what to do.
    pub fn new(text: &str, known: &[&str]) -> Result<Self, BadPassword> {
        let count = text.chars().take(MAX_PASSWORD + 1).count();
        if count < MIN_PASSWORD {
            return Err(BadPassword::TooShort { count });
        }
        if count > MAX_PASSWORD {
            return Err(BadPassword::TooLong);
        }
        let plain = Zeroizing::new(text.trim().to_lowercase());
        if known.iter().any(|known| known.trim().to_lowercase() == *plain) {
            return Err(BadPassword::Known);
        }
        Ok(Self::kept(text))
    }

    /// A password that somebody shows to be checked. One that is too long to be anybody's is nobody's, and costs no more than others.
    #[must_use]
    pub fn shown(text: &str) -> Self {
        let fits = text.chars().take(MAX_PASSWORD + 1).count() <= MAX_PASSWORD;
        Self::kept(if fits { text } else { "" })
    }

    fn kept(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// What is hashed. The one way to it, so that a search for this name finds every place where a password is read.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        let known = ["ada@acme.example", "Ada Lovelace", "acme"];
        let new = |text: &str| Password::new(text, &known).map(drop);
        assert_eq!(new("elevenchars"), Err(BadPassword::TooShort { count: 11 }));
        assert_eq!(new("äöüäöüäöüäöü"), Ok(()), "12 characters, 24 bytes");
        assert_eq!(new(&"ä".repeat(MAX_PASSWORD)), Ok(()));
        assert_eq!(new(&"x".repeat(MAX_PASSWORD + 1)), Err(BadPassword::TooLong));
        assert_eq!(new("aaaaaaaaaaaa"), Ok(()), "no rules of composition");
    }

    #[test]
    fn what_others_know_is_none() {
        let known = ["ada@acme.example", "Ada Lovelace", "acme"];
        for text in ["ada@acme.example", "ADA@ACME.EXAMPLE", " ada lovelace "] {
            assert_eq!(Password::new(text, &known).map(drop), Err(BadPassword::Known), "{text}");
        }
        assert_eq!(Password::new("ada@acme.example.", &known).map(drop), Ok(()));
    }

    #[test]
    fn what_is_shown_is_never_longer_than_one_can_be() {
        assert_eq!(Password::shown("a").reveal(), b"a");
        assert_eq!(Password::shown(&"x".repeat(1_000_000)).reveal(), b"");
        assert_eq!(format!("{:?}", Password::shown("secret words")), "Password(…)");
    }
}
