//! The instance's key ring: the keys that hash token values, wrap data keys and seal the audit log.
//!
//! Each key is 32 random bytes with an id; what is used for one purpose is derived from it by HKDF-SHA-256 under a label of its
//! own. The newest key makes everything new; older keys stay while rows need them. Reading and writing the file is the command line's.

mod file;

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    aead::{AES_256_GCM, LessSafeKey, UnboundKey},
    constant_time::verify_slices_are_equal,
    hkdf, hmac,
};
use zeroize::Zeroizing;

pub use self::file::BadKeyRing;
use crate::{Entropy, Kind, Timestamp, TokenDigest, TokenSecret};

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;
/// Characters of a key's id.
const KEY_ID_LENGTH: usize = 8;

/// Names a key of the ring: 8 base62 characters. Not secret; rows carry it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the id of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of a key: 8 letters and digits such as q7XbT02a")]
pub struct NotAKeyId;

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() == KEY_ID_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAKeyId) }
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A row needs a key that the ring does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Key {key} is not in the key ring. Put back the key ring file that holds it.")]
pub struct MissingKey {
    /// The key that is needed.
    pub key: KeyId,
}

/// A key cannot be taken out of the ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotRemove {
    /// There is no such key.
    #[error("Key {0} is not in the key ring; list the keys to see what is.")]
    Unknown(KeyId),
    /// It is the key that new values are made with.
    #[error("Key {0} is the newest of the key ring, with which new tokens are hashed; add a key first.")]
    Newest(KeyId),
}

/// One key, with what is derived from it.
struct Key {
    id: KeyId,
    created_at: Timestamp,
    secret: Zeroizing<Vec<u8>>,
    extracted: hkdf::Prk,
    /// By kind of token, in the order of [`Kind::ALL`].
    digests: [hmac::Key; Kind::ALL.len()],
    wrap: LessSafeKey,
}

impl Key {
    fn new(id: KeyId, created_at: Timestamp, secret: Zeroizing<Vec<u8>>) -> Self {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign key ring").extract(&secret);
        let digests = Kind::ALL.map(|kind| derive(&extracted, ["digest/", kind.code()], hmac::HMAC_SHA256));
        let wrap = LessSafeKey::new(derive::<UnboundKey, _>(&extracted, ["wrap", ""], &AES_256_GCM));
        Self { id, created_at, secret, extracted, digests, wrap }
    }

    fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut secret = Zeroizing::new(vec![0; KEY_LENGTH]);
        entropy.fill(&mut secret);
        Self::new(KeyId(entropy.base62(KEY_ID_LENGTH)), now, secret)
    }

    fn digest(&self, secret: &TokenSecret) -> [u8; 32] {
        sign(&self.digests[secret.kind() as usize], secret.reveal().as_bytes())
    }

    fn mac(&self, label: &str, bytes: &[u8]) -> [u8; 32] {
        sign(&derive(&self.extracted, ["mac/", label], hmac::HMAC_SHA256), bytes)
    }
}

/// Derives the key for one purpose: HKDF-SHA-256 with the label `countersign/<purpose>/v1`.
fn derive<T, K>(extracted: &hkdf::Prk, purpose: [&str; 2], kind: K) -> T
where
    K: hkdf::KeyType,
    T: for<'a> From<hkdf::Okm<'a, K>>,
{
    let info = ["countersign/", purpose[0], purpose[1], "/v1"].map(str::as_bytes);
    #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes and every key here has 32")]
    let material = extracted.expand(&info, kind).expect("a key of 32 bytes can be derived");
    T::from(material)
}

fn sign(key: &hmac::Key, bytes: &[u8]) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac::sign(key, bytes).as_ref());
    tag
}

/// The keys of an instance, oldest first. Never empty; wiped from memory when dropped.
pub struct KeyRing {
    keys: Vec<Key>,
}

impl KeyRing {
    /// A ring with one fresh key.
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self { keys: vec![Key::generate(now, entropy)] }
    }

    /// Reads the text of a key ring file.
    ///
    /// # Errors
    /// [`BadKeyRing`] says what is wrong and where, and quotes no secret.
    pub fn parse(text: &str) -> Result<Self, BadKeyRing> {
        file::parse(text).map(|keys| Self { keys })
    }

    /// The text of a key ring file that holds this ring.
    #[must_use]
    pub fn render(&self) -> Zeroizing<String> {
        file::render(&self.keys)
    }

    /// Adds a fresh key, which makes everything new from now on.
    pub fn add(&mut self, now: Timestamp, entropy: &dyn Entropy) -> KeyId {
        let key = Key::generate(now, entropy);
        let id = key.id.clone();
        self.keys.push(key);
        id
    }

    /// Takes a key out. Whether rows still need it is for the caller to ask first.
    ///
    /// # Errors
    /// [`CannotRemove`] for a key that is not there and for the newest, which new values are made with.
    pub fn remove(&mut self, id: &KeyId) -> Result<(), CannotRemove> {
        let at = self.keys.iter().position(|key| key.id == *id).ok_or_else(|| CannotRemove::Unknown(id.clone()))?;
        if at + 1 == self.keys.len() {
            return Err(CannotRemove::Newest(id.clone()));
        }
        self.keys.remove(at);
        Ok(())
    }

    /// The ids of the keys, oldest first.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(|key| key.id.clone()).collect()
    }

    /// When each key was made, oldest first.
    pub fn created(&self) -> impl Iterator<Item = (&KeyId, Timestamp)> {
        self.keys.iter().map(|key| (&key.id, key.created_at))
    }

    /// The id of the key that makes everything new.
    #[must_use]
    pub fn newest(&self) -> &KeyId {
        &self.newest_key().id
    }

    /// Whether the ring holds this key.
    #[must_use]
    pub fn has(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|key| key.id == *id)
    }

    /// The keyed hash of a value, under the newest key.
    #[must_use]
    pub fn digest(&self, secret: &TokenSecret) -> TokenDigest {
        let key = self.newest_key();
        TokenDigest::from_parts(key.digest(secret), key.id.clone())
    }

    /// Whether `digest` is that of `secret`; takes the same time wherever they differ.
    ///
    /// # Errors
    /// [`MissingKey`] when the ring does not hold the digest's key: then nothing can be said.
    pub fn verify(&self, secret: &TokenSecret, digest: &TokenDigest) -> Result<bool, MissingKey> {
        let made = self.key(digest.key())?.digest(secret);
        Ok(verify_slices_are_equal(&made, digest.as_bytes()).is_ok())
    }

    /// Does the work of [`KeyRing::verify`] for nothing, so that an unknown public id takes as long as a wrong secret.
    pub fn spend_verify(&self, secret: &TokenSecret) {
        let made = self.newest_key().digest(secret);
        // Kept from the optimizer, which would drop a comparison that nobody reads.
        std::hint::black_box(verify_slices_are_equal(&made, std::hint::black_box(&[0; 32])).is_ok());
    }

    /// Signs bytes that are no token, such as the head of an audit chain. `label` names what they are.
    #[must_use]
    pub fn mac(&self, label: &str, bytes: &[u8]) -> (KeyId, [u8; 32]) {
        let key = self.newest_key();
        (key.id.clone(), key.mac(label, bytes))
    }

    /// What [`KeyRing::mac`] made of the same label and bytes while this key was the newest: for what is hashed further and compared there.
    ///
    /// # Errors
    /// [`MissingKey`] when the ring does not hold the key.
    pub fn mac_by(&self, label: &str, bytes: &[u8], key: &KeyId) -> Result<[u8; 32], MissingKey> {
        Ok(self.key(key)?.mac(label, bytes))
    }

    /// Whether `mac` is what [`KeyRing::mac`] made of the same label and bytes with this key; in constant time.
    ///
    /// # Errors
    /// [`MissingKey`] when the ring does not hold the key.
    pub fn verify_mac(&self, label: &str, bytes: &[u8], key: &KeyId, mac: &[u8; 32]) -> Result<bool, MissingKey> {
        let made = self.key(key)?.mac(label, bytes);
        Ok(verify_slices_are_equal(&made, mac).is_ok())
    }

    /// The key under which new data keys are wrapped, with its id.
    pub(crate) fn newest_wrap(&self) -> (&KeyId, &LessSafeKey) {
        let key = self.newest_key();
        (&key.id, &key.wrap)
    }

    /// The key under which an older data key was wrapped.
    pub(crate) fn wrap(&self, id: &KeyId) -> Result<&LessSafeKey, MissingKey> {
        self.key(id).map(|key| &key.wrap)
    }

    fn key(&self, id: &KeyId) -> Result<&Key, MissingKey> {
        // Newest first: nearly every row has moved to it.
        self.keys.iter().rev().find(|key| key.id == *id).ok_or_else(|| MissingKey { key: id.clone() })
    }

    fn newest_key(&self) -> &Key {
        &self.keys[self.keys.len() - 1]
    }
}

impl fmt::Debug for KeyRing {
    /// Ids only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")?;
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

#[cfg(test)]
mod tests;
