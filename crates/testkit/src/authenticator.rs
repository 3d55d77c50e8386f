//! An authenticator of software, and the browser before it: makes a passkey and shows it, honestly, or as a case wants it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use countersign_control::signing_in::{PasskeyAnswer, PasskeyQuestion};
use countersign_domain::Entropy as _;
use serde_json::{Value, json};

use crate::SeededEntropy;

/// The site that the server of a world is, by its settings.
const SITE: &str = "http://localhost:8420";
/// Flags of what an authenticator signs.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const WITH_KEY: u8 = 0x40;

/// An authenticator with one key, on P-256 for ES256.
#[derive(Debug)]
pub struct Authenticator {
    key: EcdsaKeyPair,
    /// What it calls the key.
    pub credential: Vec<u8>,
    /// Whose it says that the key is.
    pub user: Option<Vec<u8>>,
    /// How often it has signed; zero: it does not count.
    pub counter: u32,
    /// Whether it verifies who shows it.
    pub verifies: bool,
    /// Where the browser is.
    pub site: &'static str,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self::new()
    }
}

impl Authenticator {
    /// One that counts, and verifies whoever shows it.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key is made"),
            credential: SeededEntropy::another().bytes16().to_vec(),
            user: None,
            counter: 1,
            verifies: true,
            site: SITE,
        }
    }

    /// Makes its key a passkey.
    ///
    /// # Panics
    /// When it is asked for anything but a passkey that its browser finds by itself.
    pub fn make(&mut self, question: &PasskeyQuestion) -> PasskeyAnswer {
        let asked = &question.options["publicKey"];
        assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(asked["attestation"], "none", "nobody is asked what they have bought");
        self.user = Some(bytes(&asked["user"]["id"]));
        let mut said = self.said(&asked["rp"]["id"], PRESENT | WITH_KEY);
        said.extend([0_u8; 16]);
        said.extend(u16::try_from(self.credential.len()).expect("a short name").to_be_bytes());
        said.extend(&self.credential);
        said.extend(self.cose());
        // A map of three: no attestation, nothing about it, and what was said.
        let mut object = vec![0xa3];
        object.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(said.len()).expect("at most 255 bytes"));
        object.extend(said);
        self.answer(
            question,
            &json!({
                "attestationObject": BASE64URL.encode(object),
                "clientDataJSON": BASE64URL.encode(self.client_data("webauthn.create", asked)),
                "transports": ["internal"],
            }),
        )
    }

    /// Shows it, and counts.
    ///
    /// # Panics
    /// When it is not asked to verify its person.
    pub fn show(&mut self, question: &PasskeyQuestion) -> PasskeyAnswer {
        let asked = &question.options["publicKey"];
        assert_eq!(asked["userVerification"], "required");
        if self.counter > 0 {
            self.counter += 1;
        }
        let said = self.said(&asked["rpId"], PRESENT);
        let client_data = self.client_data("webauthn.get", asked);
        let signed = [&said[..], digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign_digest(&digest(&SHA256, &signed)).expect("signed");
        self.answer(
            question,
            &json!({
                "authenticatorData": BASE64URL.encode(said),
                "clientDataJSON": BASE64URL.encode(client_data),
                "signature": BASE64URL.encode(signature.as_ref()),
                "userHandle": self.user.as_ref().map(|user| BASE64URL.encode(user)),
            }),
        )
    }

    fn answer(&self, question: &PasskeyQuestion, response: &Value) -> PasskeyAnswer {
        let name = BASE64URL.encode(&self.credential);
        let credential = json!({
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        });
        PasskeyAnswer { challenge: question.challenge.clone(), credential: credential.to_string() }
    }

    fn client_data(&self, what: &str, asked: &Value) -> Vec<u8> {
        let data = json!({ "type": what, "challenge": asked["challenge"], "origin": self.site, "crossOrigin": false });
        data.to_string().into_bytes()
    }

    /// What an authenticator says first: for which host, how, and how often.
    fn said(&self, host: &Value, flags: u8) -> Vec<u8> {
        let host = host.as_str().expect("a host");
        let mut said = digest(&SHA256, host.as_bytes()).as_ref().to_vec();
        said.push(flags | if self.verifies { VERIFIED } else { 0 });
        said.extend(self.counter.to_be_bytes());
        said
    }

    /// The public key as COSE has it: a point on P-256, for ES256.
    fn cose(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        assert_eq!((point.len(), point[0]), (65, 4), "an uncompressed point");
        let (x, y) = point[1..].split_at(32);
        [&b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"[..], x, &b"\x22\x58\x20"[..], y].concat()
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64URL.decode(value.as_str().expect("a text")).expect("base64url")
}
