//! The canaries: every token value that was handed out, and everything that the program said.

use std::collections::BTreeMap;
use std::path::Path;

use countersign_testkit::harness::api;
use countersign_testkit::harness::http::{Answer, Call, Connection};
use countersign_testkit::harness::secrets::{Search, Secret};

/// What stands where a value was that an answer is there to carry.
const CARRIED: &[u8] = b"(value)";

/// Values by kind, and what was said meanwhile.
#[derive(Debug, Default)]
pub struct Hunt {
    values: BTreeMap<&'static str, Vec<String>>,
    said: Vec<(String, Vec<u8>)>,
}

impl Hunt {
    /// A value of this kind was handed out.
    ///
    /// # Panics
    /// When it is not of the kind.
    pub fn canary(&mut self, kind: &'static str, value: &str) {
        let code = value.split('_').next().unwrap_or_default();
        assert!(code.ends_with(kind) && api::secret_part(value).len() >= 32, "this is no value of kind {kind}");
        let values = self.values.entry(kind).or_default();
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }

    /// The values of a kind so far.
    pub fn values(&self, kind: &str) -> Vec<String> {
        self.values.get(kind).cloned().unwrap_or_default()
    }

    /// How many values there are, by kind.
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        self.values.iter().map(|(kind, values)| (*kind, values.len())).collect()
    }

    /// The program said this. `carried` are the values that it was there to carry.
    pub fn said(&mut self, place: &str, bytes: &[u8], carried: &[&str]) {
        let mut bytes = bytes.to_vec();
        for value in carried {
            bytes = replaced(&bytes, value.as_bytes(), CARRIED);
        }
        self.said.push((place.to_owned(), bytes));
    }

    /// A search for every value, which has already gone through everything that was said.
    pub fn search(&self) -> Search {
        let secrets: Vec<_> = self
            .values
            .values()
            .flatten()
            .map(|value| Secret { name: api::public_id(value).to_owned(), bytes: api::secret_part(value).into() })
            .collect();
        let mut search = Search::new(&secrets);
        self.listen(&mut search);
        search
    }

    /// Puts everything that was said through a search.
    pub fn listen(&self, search: &mut Search) {
        for (place, bytes) in &self.said {
            search.bytes(place, bytes);
        }
    }
}

/// The secrets of a key ring file, as bytes and as they are written in the file.
///
/// # Panics
/// When it cannot be read.
pub fn key_ring_secrets(path: &Path) -> Vec<Secret> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let text = std::fs::read_to_string(path).expect("the key ring's file");
    let ring: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let keys = ring["keys"].as_array().expect("keys");
    let mut secrets = Vec::new();
    for key in keys {
        let name = format!("key {}", key["id"].as_str().expect("an id"));
        let written = key["secret"].as_str().expect("a secret");
        let bytes = URL_SAFE_NO_PAD.decode(written).expect("base64");
        secrets.push(Secret { name: format!("{name}, as written"), bytes: written.into() });
        secrets.push(Secret { name, bytes });
    }
    assert!(!secrets.is_empty(), "a key ring has keys");
    secrets
}

fn replaced(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        kept.extend_from_slice(&rest[..at]);
        kept.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    kept.extend_from_slice(rest);
    kept
}

/// A client that writes down every answer, head and body.
#[derive(Debug)]
pub struct Client<'a> {
    pub connection: Connection,
    pub hunt: &'a mut Hunt,
}

impl Client<'_> {
    /// Sends a call whose answer is not there to carry any value.
    pub async fn ask(&mut self, what: &str, call: &Call) -> Answer {
        let answer = self.send(call).await;
        self.hunt.said(&format!("answer to {what}"), &whole(&answer), &[]);
        answer
    }

    /// Sends a call whose answer is there to carry a value, and keeps that.
    pub async fn obtain(&mut self, kind: &'static str, what: &str, call: &Call, pointer: &str) -> (String, Answer) {
        let answer = self.send(call).await;
        let body = answer.json();
        let value = body.pointer(pointer).and_then(serde_json::Value::as_str);
        let value = value.unwrap_or_else(|| panic!("{what}: {} {}", answer.status, answer.text())).to_owned();
        self.hunt.canary(kind, &value);
        self.hunt.said(&format!("answer to {what}"), &whole(&answer), &[&value]);
        (value, answer)
    }

    /// Sends a call whose answer shows a value that was handed out before.
    pub async fn see_again(&mut self, what: &str, call: &Call, value: &str) -> Answer {
        let answer = self.send(call).await;
        assert!(answer.text().contains(value), "{what} does not show the value: {} {}", answer.status, answer.text());
        self.hunt.said(&format!("answer to {what}"), &whole(&answer), &[value]);
        answer
    }

    async fn send(&mut self, call: &Call) -> Answer {
        self.connection.call(call).await.expect("the server answers")
    }
}

fn whole(answer: &Answer) -> Vec<u8> {
    let mut bytes = format!("{:?}\n", answer.headers).into_bytes();
    bytes.extend_from_slice(&answer.body);
    bytes
}
