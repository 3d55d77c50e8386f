//! Signing keys: RSA, for the tokens with which a job proves to another service what it is.
//!
//! RS256 is the one algorithm that every verifier of OpenID Connect tokens must know. The private key rests sealed by the key ring, bound
//! to the key's own id, so that a row that was moved does not open.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};

use crate::{
    Entropy, KeyRing,
    id::SigningKeyId,
    sealing::{SealError, WrappedKey, open, seal},
};

/// What tokens that are signed here say in their header, and what a key set says of each key.
pub const ALGORITHM: &str = "RS256";
/// What stands before the modulus in the DER of every public key of 2048 bits.
const BEFORE_MODULUS: [u8; 9] = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
/// Bytes of the modulus.
const MODULUS_LENGTH: usize = 256;
/// What stands between modulus and exponent.
const BEFORE_EXPONENT: [u8; 2] = [0x02, 0x03];

/// A private key. In memory only while it is used.
pub struct SigningKey(KeyPair);

/// The part of a key that anyone may know: modulus and exponent, big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// 256 bytes.
    pub modulus: Vec<u8>,
    /// 65537, in 3 bytes.
    pub exponent: Vec<u8>,
}

/// The library could not do what it does for every good key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a signing key could not be {0}")]
pub struct BadSigningKey(&'static str);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Makes a key of 2048 bits; takes a tenth of a second or more. Primes come from the library's own generator, which the operating
    /// system seeds: it takes no other.
    ///
    /// # Errors
    /// [`BadSigningKey`] when the library finds no primes.
    pub fn generate() -> Result<Self, BadSigningKey> {
        KeyPair::generate(KeySize::Rsa2048).map(Self).map_err(|_| BadSigningKey("made"))
    }

    /// The public part.
    ///
    /// # Errors
    /// [`BadSigningKey`] for a key that is not of the one form made here.
    pub fn public(&self) -> Result<PublicKey, BadSigningKey> {
        let wrong = BadSigningKey("read");
        let rest = self.0.public_key().as_ref().strip_prefix(&BEFORE_MODULUS).ok_or(wrong.clone())?;
        let (modulus, rest) = rest.split_at_checked(MODULUS_LENGTH).ok_or(wrong.clone())?;
        let exponent = rest.strip_prefix(&BEFORE_EXPONENT).filter(|it| it.len() == 3).ok_or(wrong)?;
        Ok(PublicKey { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// A signed token, `header.claims.signature`, whose header names the key by `id`.
    ///
    /// # Errors
    /// [`BadSigningKey`] when the library cannot sign.
    pub fn sign(&self, id: SigningKeyId, claims: &serde_json::Value) -> Result<String, BadSigningKey> {
        let header = serde_json::json!({ "typ": "JWT", "alg": ALGORITHM, "kid": id.to_string() });
        let mut token = [header.to_string(), claims.to_string()].map(|part| BASE64URL.encode(part)).join(".");
        let mut signature = vec![0; self.0.public_modulus_len()];
        #[expect(clippy::disallowed_methods, reason = "the library asks for a generator and this padding uses none")]
        let unused = SystemRandom::new();
        self.0.sign(&RSA_PKCS1_SHA256, &unused, token.as_bytes(), &mut signature).map_err(|_| BadSigningKey("used"))?;
        token.push('.');
        token.push_str(&BASE64URL.encode(signature));
        Ok(token)
    }
}

impl PublicKey {
    /// As a member of a key set (RFC 7517).
    #[must_use]
    pub fn jwk(&self, id: SigningKeyId) -> serde_json::Value {
        serde_json::json!({
            "kty": "RSA",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": id.to_string(),
            "n": BASE64URL.encode(&self.modulus),
            "e": BASE64URL.encode(&self.exponent),
        })
    }
}

/// What a sealed key is bound to: purpose, its id and the key of the ring that seals it.
fn bind(id: SigningKeyId, key: &crate::KeyId) -> Vec<u8> {
    let label: &[u8] = b"countersign/signing-key/v1";
    [label, id.as_bytes(), key.as_str().as_bytes()].concat()
}

impl KeyRing {
    /// Seals a private key with the newest key of the ring.
    ///
    /// # Errors
    /// [`BadSigningKey`] when the library cannot write the key down.
    pub fn seal_signing_key(
        &self,
        key: &SigningKey,
        id: SigningKeyId,
        entropy: &dyn Entropy,
    ) -> Result<WrappedKey, BadSigningKey> {
        let der: Pkcs8V1Der<'static> = key.0.as_der().map_err(|_| BadSigningKey("written down"))?;
        let (by, wrap) = self.newest_wrap();
        Ok(WrappedKey { bytes: seal(wrap, der.as_ref(), &bind(id, by), entropy), key: by.clone() })
    }

    /// Opens a private key that was sealed for this id.
    ///
    /// # Errors
    /// [`SealError::MissingKey`] names the key that the ring lacks; [`SealError::Refused`] for anything that is not whole and in its place.
    pub fn open_signing_key(&self, sealed: &WrappedKey, id: SigningKeyId) -> Result<SigningKey, SealError> {
        let der = open(self.wrap(&sealed.key)?, &sealed.bytes, &bind(id, &sealed.key))?;
        KeyPair::from_pkcs8(&der).map(SigningKey).map_err(|_| SealError::Refused)
    }

    /// The same private key, sealed by the newest key of the ring.
    ///
    /// # Errors
    /// As for [`KeyRing::open_signing_key`].
    pub fn reseal_signing_key(
        &self,
        sealed: &WrappedKey,
        id: SigningKeyId,
        entropy: &dyn Entropy,
    ) -> Result<WrappedKey, SealError> {
        let der = open(self.wrap(&sealed.key)?, &sealed.bytes, &bind(id, &sealed.key))?;
        let (by, wrap) = self.newest_wrap();
        Ok(WrappedKey { bytes: seal(wrap, &der, &bind(id, by), entropy), key: by.clone() })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

    use super::*;
    use crate::{Id, Timestamp, testing::Seeded};

    #[test]
    fn a_sealed_key_signs_what_its_public_part_verifies() {
        let entropy = Seeded::new(1);
        let mut ring = KeyRing::generate(Timestamp::EPOCH, &entropy);
        let key = SigningKey::generate().expect("a key");
        let id: SigningKeyId = Id::new(Timestamp::EPOCH, &entropy);
        let sealed = ring.seal_signing_key(&key, id, &entropy).expect("sealed");
        let old = sealed.key.clone();
        ring.add(Timestamp::EPOCH, &entropy);
        let sealed = ring.reseal_signing_key(&sealed, id, &entropy).expect("sealed again");
        assert_eq!(&sealed.key, ring.newest());
        ring.remove(&old).expect("nothing needs it");
        let opened = ring.open_signing_key(&sealed, id).expect("opens");

        let token = opened.sign(id, &serde_json::json!({ "sub": "me" })).expect("signs");
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let public = key.public().expect("public");
        assert_eq!((public.modulus.len(), public.exponent.as_slice()), (256, &[1, 0, 1][..]));
        let components = RsaPublicKeyComponents { n: &public.modulus[..], e: &public.exponent[..] };
        let signature = BASE64URL.decode(signature).expect("base64url");
        components.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).expect("verifies");
        assert!(components.verify(&RSA_PKCS1_2048_8192_SHA256, b"something else", &signature).is_err());
    }

    #[test]
    fn a_sealed_key_opens_in_its_place_only() {
        let entropy = Seeded::new(2);
        let ring = KeyRing::generate(Timestamp::EPOCH, &entropy);
        let key = SigningKey::generate().expect("a key");
        let [id, other] = [1, 2].map(|at| Id::new(Timestamp::from_micros(at), &entropy));
        let mut sealed = ring.seal_signing_key(&key, id, &entropy).expect("sealed");
        assert!(ring.open_signing_key(&sealed, other).is_err());
        let another = KeyRing::generate(Timestamp::EPOCH, &entropy);
        assert!(matches!(another.open_signing_key(&sealed, id), Err(SealError::MissingKey(_))));
        let last = sealed.bytes.len() - 1;
        sealed.bytes[last] ^= 1;
        assert_eq!(ring.open_signing_key(&sealed, id).map(drop), Err(SealError::Refused));
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
