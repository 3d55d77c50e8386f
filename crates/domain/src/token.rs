//! Token values: how they are made, how one is told from garbage, and how they are kept out of sight.
//!
//! A value is `<prefix><kind>_<id>_<secret><crc>`, for example `csnat_4f9Kd0aZ81b_…`. The id is public and names one
//! secret of one token; the checksum covers everything before it, so that a mistyped value is refused before any look-up.

use std::{fmt, str::FromStr};

use zeroize::Zeroizing;

use crate::{Entropy, KeyId, entropy::BASE62};

/// Characters of a public id: 65 bits.
pub const ID_LENGTH: usize = 11;
/// Random characters of a secret: about 190 bits.
pub const SECRET_LENGTH: usize = 32;
/// Characters of the checksum: 62^6 is more than 2^32.
pub const CRC_LENGTH: usize = 6;
/// Longest text that is looked at. The longest value has 61 bytes.
pub const MAX_TEXT: usize = 80;
/// Characters after the first `_`: id, `_`, secret, checksum.
const TAIL_LENGTH: usize = ID_LENGTH + 1 + SECRET_LENGTH + CRC_LENGTH;
/// Characters of a kind's code.
const KIND_LENGTH: usize = 2;

/// What a token value lets its holder be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Registers agents.
    AgentToken,
    /// Acts for a user on the public API.
    UserToken,
    /// Acts for whoever runs the instance: makes organizations.
    OperatorToken,
    /// One agent, while it stays connected.
    Session,
    /// One job, while it runs.
    Job,
    /// Makes its holder a member of an organization, once.
    Invitation,
    /// One browser of a person, while they are signed in. It lives in a cookie and nowhere else.
    SignIn,
    /// Lets a person set their password and sign in, once.
    SignInLink,
}

impl Kind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::AgentToken,
        Self::UserToken,
        Self::OperatorToken,
        Self::Session,
        Self::Job,
        Self::Invitation,
        Self::SignIn,
        Self::SignInLink,
    ];

    /// The two letters that stand for the kind in a value.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AgentToken => "at",
            Self::UserToken => "ut",
            Self::OperatorToken => "ot",
            Self::Session => "st",
            Self::Job => "jt",
            Self::Invitation => "iv",
            Self::SignIn => "si",
            Self::SignInLink => "sl",
        }
    }

    /// The kind that two letters stand for.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for Kind {
    /// For people: `agent token`, `session token`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AgentToken => "agent token",
            Self::UserToken => "user token",
            Self::OperatorToken => "operator token",
            Self::Session => "session token",
            Self::Job => "job token",
            Self::Invitation => "invitation",
            Self::SignIn => "sign-in",
            Self::SignInLink => "sign-in link",
        })
    }
}

/// What the values of an instance begin with: 3 to 8 lower-case letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Fewest letters.
    pub const MIN: usize = 3;
    /// Most letters.
    pub const MAX: usize = 8;

    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("csn".to_owned())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot begin token values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a token prefix; write 3 to 8 lower-case letters, for example acme")]
pub struct BadPrefix;

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (Self::MIN..=Self::MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase());
        if fits { Ok(Self(text.to_owned())) } else { Err(BadPrefix) }
    }
}

/// The public part of a token value: shown in pages, logs, audit and refusals. Names one secret of one token.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicId(String);

impl PublicId {
    /// A fresh id: 11 base62 characters.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(entropy.base62(ID_LENGTH))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the public id of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not the public id of a token: 11 letters and digits such as 4f9Kd0aZ81b")]
pub struct NotAPublicId;

impl FromStr for PublicId {
    type Err = NotAPublicId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() == ID_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAPublicId) }
    }
}

impl serde::Serialize for PublicId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for PublicId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is no token value. Says nothing about the text, which may be a mistyped secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This is not a whole token value; copy it again, from its first letter to its last.")]
pub struct Malformed;

/// A whole token value. Wiped from memory when dropped; never cloned, printed or serialized.
pub struct TokenSecret {
    value: Zeroizing<String>,
    kind: Kind,
    public_id: PublicId,
}

impl TokenSecret {
    /// Makes a fresh value with a fresh public id.
    pub fn mint(prefix: &Prefix, kind: Kind, entropy: &dyn Entropy) -> Self {
        let public_id = PublicId::new(entropy);
        let secret = Zeroizing::new(entropy.base62(SECRET_LENGTH));
        // The room is taken at once: a string that grows leaves copies of its start behind.
        let mut value = Zeroizing::new(String::with_capacity(MAX_TEXT));
        for part in [prefix.as_str(), kind.code(), "_", public_id.as_str(), "_", &secret] {
            value.push_str(part);
        }
        let crc = checksum(value.as_bytes());
        value.extend(crc.map(char::from));
        Self { value, kind, public_id }
    }

    /// Reads a value of any instance's prefix. Looks at length, alphabet, kind and checksum; looks nothing up.
    ///
    /// # Errors
    /// [`Malformed`] for every text that [`TokenSecret::mint`] cannot have made.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        // Before anything else, so that a megabyte of garbage costs no more than a byte of it.
        if text.len() > MAX_TEXT || !text.is_ascii() {
            return Err(Malformed);
        }
        let (head, tail) = text.split_once('_').ok_or(Malformed)?;
        let (prefix, code) = head.split_at_checked(head.len().wrapping_sub(KIND_LENGTH)).ok_or(Malformed)?;
        let kind = Kind::from_code(code).ok_or(Malformed)?;
        let prefix_fits = (Prefix::MIN..=Prefix::MAX).contains(&prefix.len());
        if !prefix_fits || !prefix.bytes().all(|b| b.is_ascii_lowercase()) || tail.len() != TAIL_LENGTH {
            return Err(Malformed);
        }
        let (id, rest) = tail.split_at(ID_LENGTH);
        let secret = rest.strip_prefix('_').ok_or(Malformed)?;
        if !id.bytes().chain(secret.bytes()).all(|b| b.is_ascii_alphanumeric()) {
            return Err(Malformed);
        }
        let (body, crc) = text.split_at(text.len() - CRC_LENGTH);
        if checksum(body.as_bytes()) != crc.as_bytes() {
            return Err(Malformed);
        }
        Ok(Self { value: Zeroizing::new(text.to_owned()), kind, public_id: PublicId(id.to_owned()) })
    }

    /// What the value lets its holder be.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The public part.
    #[must_use]
    pub const fn public_id(&self) -> &PublicId {
        &self.public_id
    }

    /// The whole value. The one way to it, so that a search for this name finds every place where a secret leaves.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for TokenSecret {
    /// Everything before the secret: `csnat_4f9Kd0aZ81b_…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = self.value.len() - SECRET_LENGTH - CRC_LENGTH;
        write!(f, "{}…", &self.value[..public])
    }
}

/// CRC-32 (ISO-HDLC) as six base62 digits, most significant first.
fn checksum(body: &[u8]) -> [u8; CRC_LENGTH] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [BASE62[0]; CRC_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// What is kept of a value: its keyed hash, and which key made it. See [`crate::KeyRing::digest`].
#[derive(Clone)]
pub struct TokenDigest {
    bytes: [u8; 32],
    key: KeyId,
}

impl TokenDigest {
    /// From the columns of a row.
    #[must_use]
    pub const fn from_parts(bytes: [u8; 32], key: KeyId) -> Self {
        Self { bytes, key }
    }

    /// HMAC-SHA-256 of the whole value.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The key of the ring that made it.
    #[must_use]
    pub const fn key(&self) -> &KeyId {
        &self.key
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest(key {})", self.key)
    }
}

#[cfg(test)]
mod tests;
