//! Sealed copies of token values, for the time in which a value may be revealed.
//!
//! Each token has a data key of its own, which seals its value; the data key is stored wrapped by the key ring. Both are
//! AES-256-GCM with a random nonce, and both are bound to their place, so that a copy moved to another row does not open.
//! Destroying the wrapped key destroys the copy.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::{
    Entropy, KeyId, KeyRing, TokenSecret,
    id::{OrganizationId, TokenId},
    keyring::MissingKey,
};

/// First byte of everything sealed or wrapped: how the rest is to be read.
const VERSION: u8 = 1;
/// Bytes of a data key.
const DATA_KEY_LENGTH: usize = 32;

/// Where a sealed copy belongs: it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The organization whose token it is.
    pub organization: OrganizationId,
    /// The token.
    pub token: TokenId,
}

impl Place {
    /// What a wrapped data key is bound to: purpose, version, place and the key that wraps it.
    fn bind_wrap(&self, key: &KeyId) -> Vec<u8> {
        let label: &[u8] = b"countersign/wrap/v1";
        [label, &[VERSION], self.organization.as_bytes(), self.token.as_bytes(), key.as_str().as_bytes()].concat()
    }

    /// What a sealed value is bound to: purpose, version, place and generation.
    fn bind_seal(&self, generation: i64) -> Vec<u8> {
        let label: &[u8] = b"countersign/seal/v1";
        [label, &[VERSION], self.organization.as_bytes(), self.token.as_bytes(), &generation.to_be_bytes()].concat()
    }
}

/// A sealed copy cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key that wraps its data key is not there.
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
    /// It was changed, cut short, or moved from another organization, token or generation.
    #[error("The sealed copy does not open: it was changed, or it belongs to another token.")]
    Refused,
}

/// The key that seals one token's values. In memory only while it is used.
pub struct DataKey(LessSafeKey);

/// A data key as its row keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Version, nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
    /// The key of the ring that wraps it.
    pub key: KeyId,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey(key {})", self.key)
    }
}

impl KeyRing {
    /// Makes a data key for the token at `place`, with its wrapped form under the newest key.
    #[must_use]
    pub fn new_data_key(&self, place: &Place, entropy: &dyn Entropy) -> (DataKey, WrappedKey) {
        let mut bytes = Zeroizing::new([0; DATA_KEY_LENGTH]);
        entropy.fill(bytes.as_mut());
        let wrapped = self.wrap_bytes(bytes.as_ref(), place, entropy);
        (DataKey::new(&bytes), wrapped)
    }

    /// Unwraps the data key of the token at `place`.
    ///
    /// # Errors
    /// [`SealError::MissingKey`] names the key that the ring lacks; [`SealError::Refused`] for anything that is not whole and in its place.
    pub fn unwrap_data_key(&self, wrapped: &WrappedKey, place: &Place) -> Result<DataKey, SealError> {
        self.unwrap_bytes(wrapped, place).map(|bytes| DataKey::new(&bytes))
    }

    /// The same data key, wrapped by the newest key. The sealed value stays as it is.
    ///
    /// # Errors
    /// As for [`KeyRing::unwrap_data_key`].
    pub fn rewrap(&self, wrapped: &WrappedKey, place: &Place, entropy: &dyn Entropy) -> Result<WrappedKey, SealError> {
        let bytes = self.unwrap_bytes(wrapped, place)?;
        Ok(self.wrap_bytes(bytes.as_ref(), place, entropy))
    }

    fn wrap_bytes(&self, data_key: &[u8], place: &Place, entropy: &dyn Entropy) -> WrappedKey {
        let (id, wrap) = self.newest_wrap();
        WrappedKey { bytes: seal(wrap, data_key, &place.bind_wrap(id), entropy), key: id.clone() }
    }

    fn unwrap_bytes(&self, wrapped: &WrappedKey, place: &Place) -> Result<Zeroizing<[u8; DATA_KEY_LENGTH]>, SealError> {
        let wrap = self.wrap(&wrapped.key)?;
        let opened = open(wrap, &wrapped.bytes, &place.bind_wrap(&wrapped.key))?;
        let mut bytes = Zeroizing::new([0; DATA_KEY_LENGTH]);
        if opened.len() != bytes.len() {
            return Err(SealError::Refused);
        }
        bytes.copy_from_slice(&opened);
        Ok(bytes)
    }
}

impl DataKey {
    fn new(bytes: &[u8; DATA_KEY_LENGTH]) -> Self {
        #[expect(clippy::expect_used, reason = "the array has the length that AES-256 asks for")]
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes are an AES-256 key");
        Self(LessSafeKey::new(key))
    }

    /// Seals the value of one generation of the token at `place`: version, nonce, ciphertext, tag.
    #[must_use]
    pub fn seal(&self, secret: &TokenSecret, place: &Place, generation: i64, entropy: &dyn Entropy) -> Vec<u8> {
        seal(&self.0, secret.reveal().as_bytes(), &place.bind_seal(generation), entropy)
    }

    /// Opens what [`DataKey::seal`] made for the same place and generation.
    ///
    /// # Errors
    /// [`SealError::Refused`] for anything else.
    pub fn open(&self, sealed: &[u8], place: &Place, generation: i64) -> Result<TokenSecret, SealError> {
        let opened = open(&self.0, sealed, &place.bind_seal(generation))?;
        let text = std::str::from_utf8(&opened).map_err(|_| SealError::Refused)?;
        TokenSecret::parse(text).map_err(|_| SealError::Refused)
    }
}

pub(crate) fn seal(key: &LessSafeKey, plain: &[u8], bound_to: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let body = &mut sealed[1 + NONCE_LEN..];
    #[expect(clippy::expect_used, reason = "AES-GCM seals up to 64 GiB; these are a key or one token value")]
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), body)
        .expect("a short text can be sealed");
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

pub(crate) fn open(key: &LessSafeKey, sealed: &[u8], bound_to: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (version, rest) = sealed.split_first().ok_or(SealError::Refused)?;
    let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Refused)?;
    if *version != VERSION {
        return Err(SealError::Refused);
    }
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound_to), &mut buffer)
        .map_err(|_| SealError::Refused)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

#[cfg(test)]
mod tests;
