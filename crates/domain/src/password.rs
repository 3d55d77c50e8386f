//! Passwords: what one may be, and how one is kept out of sight.
//!
//! A password has a length and no rules of composition, as NIST SP 800-63B-4 (3.1.1.2) asks: what people make of such rules is easier to
//! guess. The same place asks that one be refused that is common, expected or compromised. A list of such passwords knows few of twelve characters; so
//! it is estimated how soon a guesser would come to this one, by `zxcvbn`: lists of common passwords, words and names, what others know of its
//! owner, repeats, rows of keys and dates, and how they are put together.

use std::fmt;

use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

/// Fewest characters of a new password.
pub const MIN_PASSWORD: usize = 12;
/// Most characters of a password: more than anybody types, and little enough that hashing costs the same for all.
pub const MAX_PASSWORD: usize = 128;

/// A password, new or shown. Wiped from memory when dropped; never cloned, printed or serialized.
pub struct Password(Zeroizing<String>);

/// What everybody knows of every password here.
const PRODUCT: &str = "countersign";
/// Fewest characters of a part of a name that counts for nothing in a password.
const MIN_PART: usize = 3;
/// Characters by which a password is judged: work grows with the square of their number, and what is unguessable is so by fewer. What is behind them
/// can only make it better.
const JUDGED: usize = 32;
/// Most such parts: what a guess is made of, and no more work than it needs.
const MAX_PARTS: usize = 40;

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
    /// It would be guessed soon.
    #[error(
        "would be guessed soon: common words and passwords, your address, names that others know, repeats and rows of keys count for little; \
         use a few words that do not belong together"
    )]
    Weak,
}

impl Password {
    /// A password that somebody wants from now on. `known` is what others know of its owner: address, name, organization. Parts of it count for
    /// little, too. A text that is made for it takes tenths of a second of a processor: not for a thread that answers others.
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
        let parts = parts(known);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        // 10^8 guesses and more: what its authors call safely unguessable.
        let is_weak = |text: &str| {
            let judged: Zeroizing<String> = Zeroizing::new(text.chars().take(JUDGED).collect());
            zxcvbn(&judged, &parts).score() < Score::Three
        };
        // What is put together of several things that others know is no better than what stands between them.
        let rest = parts.iter().fold(plain.clone(), |rest, part| Zeroizing::new(rest.replace(part, "")));
        if is_weak(text) || (rest.len() < plain.len() && is_weak(rest.as_str())) {
            return Err(BadPassword::Weak);
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

/// What others know of somebody, whole, without what stands between its words, and word by word.
fn parts(known: &[&str]) -> Vec<String> {
    let mut parts = vec![PRODUCT.to_owned()];
    for known in known {
        let known = known.trim().to_lowercase();
        let words: Vec<_> = known.split(|it: char| !it.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let mut all = vec![words.concat()];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all.push(known);
        parts.extend(all.into_iter().filter(|part| part.chars().count() >= MIN_PART));
    }
    // The longest first: what holds another is taken whole.
    parts.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    parts.dedup();
    parts.truncate(MAX_PARTS);
    parts
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
        assert_eq!(new("ä ö q ü ß é"), Err(BadPassword::TooShort { count: 11 }), "11 characters, 16 bytes");
        assert_eq!(new("äqöwüzßxévñk"), Ok(()), "12 characters, 18 bytes");
        let long: String = "Zebra kettle moonlit gravel ".chars().cycle().take(MAX_PASSWORD).collect();
        assert_eq!(new(&long), Ok(()));
        assert_eq!(new(&"x".repeat(MAX_PASSWORD + 1)), Err(BadPassword::TooLong));
    }

    #[test]
    fn what_is_guessed_soon_is_none_and_words_that_do_not_belong_together_are() {
        let known = ["carl@example.com", "carl", "Carl Sagan", "acme", "Acme Works"];
        let new = |text: &str| Password::new(text, &known).map(drop);
        for text in [
            "            ",
            "aaaaaaaaaaaa",
            "äöüäöüäöüäöü",
            "123456789012",
            "qwertyuiop12",
            "passwordpassword",
            "Password2026!",
            "acmeacmeacme",
            "acme-works-2026",
            "carl@example.com1",
            "CarlSagan123",
            "countersign1",
            "countersign-acme",
        ] {
            assert_eq!(new(text), Err(BadPassword::Weak), "{text}");
        }
        for text in [
            "correct horse battery",
            "correct horse battery staple",
            "another one altogether",
            "violet umbrella marches",
            "grüne Kessel tanzen leise",
            "x7#Lq!02vTz&",
            "acme kettle gravel zebra",
            "no rules of composition apply",
        ] {
            assert_eq!(new(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn whatever_is_typed_is_judged() {
        let known: Vec<String> = (0..60).map(|n| format!("word{n}-{n}x@acme.example")).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for text in [
            "\u{0}".repeat(12),
            "\u{1f469}\u{200d}".repeat(20),
            "a1!".repeat(42),
            "4@$5|0013".repeat(14),
            "İ".repeat(20),
        ] {
            Password::new(&text, &known).map(drop).ok();
        }
    }

    #[test]
    fn what_others_know_is_none() {
        let known = ["ada@acme.example", "Ada Lovelace", "acme"];
        for text in ["ada@acme.example", "ADA@ACME.EXAMPLE", " ada lovelace "] {
            assert_eq!(Password::new(text, &known).map(drop), Err(BadPassword::Known), "{text}");
        }
        assert_eq!(Password::new("ada@acme.example.", &known).map(drop), Err(BadPassword::Weak));
    }

    #[test]
    fn what_is_shown_is_never_longer_than_one_can_be() {
        assert_eq!(Password::shown("a").reveal(), b"a");
        assert_eq!(Password::shown(&"x".repeat(1_000_000)).reveal(), b"");
        assert_eq!(format!("{:?}", Password::shown("secret words")), "Password(…)");
    }

    /// Each sign of it stands for letters in many ways: judged whole, it would keep a processor busy for seconds.
    #[test]
    fn a_long_text_is_judged_by_its_beginning() {
        let signs = "4@8({[<3691!|70$5+%2".repeat(6);
        assert_eq!(Password::new(&signs, &["4@8({[<3691!|70$5+%2"]).map(drop), Err(BadPassword::Weak));
        let start = "Zebra kettle moonlit gravel and ";
        assert_eq!(start.chars().count(), JUDGED);
        assert_eq!(Password::new(&format!("{start}{}", "a".repeat(90)), &[]).map(drop), Ok(()));
    }
}
