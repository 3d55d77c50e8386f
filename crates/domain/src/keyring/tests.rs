use std::collections::HashSet;

use super::*;
use crate::{testing::Seeded, token::Prefix};

const THEN: Timestamp = Timestamp::from_micros(1_767_323_045_000_000);

fn ring(seed: u64) -> KeyRing {
    KeyRing::generate(THEN, &Seeded::new(seed))
}

fn token(kind: Kind, seed: u64) -> TokenSecret {
    TokenSecret::mint(&Prefix::default(), kind, &Seeded::new(seed))
}

fn parse_error(text: &str) -> String {
    KeyRing::parse(text).expect_err("no key ring").to_string()
}

#[test]
fn a_digest_fits_its_own_token_only() {
    let ring = ring(1);
    let digest = ring.digest(&token(Kind::AgentToken, 1));
    assert_eq!(ring.verify(&token(Kind::AgentToken, 1), &digest), Ok(true));
    assert_eq!(ring.verify(&token(Kind::AgentToken, 2), &digest), Ok(false));
    for at in 0..32 {
        let mut bytes = *digest.as_bytes();
        bytes[at] ^= 1;
        let other = TokenDigest::from_parts(bytes, digest.key().clone());
        assert_eq!(ring.verify(&token(Kind::AgentToken, 1), &other), Ok(false));
    }
}

#[test]
fn every_kind_and_label_has_a_key_of_its_own() {
    let ring = ring(1);
    let key = ring.newest_key();
    let mut tags: Vec<[u8; 32]> = key.digests.iter().map(|key| sign(key, b"same")).collect();
    tags.extend(["audit", "audit2", ""].map(|label| ring.mac(label, b"same").1));
    assert_eq!(tags.iter().collect::<HashSet<_>>().len(), Kind::ALL.len() + 3);
}

#[test]
fn digests_are_hmac_of_the_whole_value_under_the_derived_key() {
    // Worked out with Python's hmac and hashlib: HKDF-SHA-256, salt "countersign key ring", then HMAC-SHA-256.
    let text = r#"{"version":1,"keys":[{"id":"q7XbT02a","created_at":"2026-01-02T03:04:05Z",
        "secret":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;
    let ring = KeyRing::parse(text).expect("a ring");
    let token = TokenSecret::parse("csnat_4f9Kd0aZ81b_0123456789ABCDEFabcdefghijklmnop3eDv0b").expect("a value");
    let hex: String = ring.digest(&token).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "ae779f70843655221aea352e2ad75431d991eb2d14585853ad34293c10a347e4");
}

#[test]
fn older_keys_go_on_verifying_until_they_are_removed() {
    let mut ring = ring(1);
    let (old, secret) = (ring.newest().clone(), token(Kind::UserToken, 1));
    let digest = ring.digest(&secret);
    let new = ring.add(THEN, &Seeded::new(2));
    assert_eq!((ring.newest(), ring.ids()), (&new, vec![old.clone(), new.clone()]));
    assert_eq!(ring.verify(&secret, &digest), Ok(true));
    assert_eq!(ring.digest(&secret).key(), &new);
    assert_eq!(ring.remove(&new), Err(CannotRemove::Newest(new.clone())));
    assert_eq!(ring.remove(&old), Ok(()));
    assert_eq!(ring.verify(&secret, &digest), Err(MissingKey { key: old.clone() }));
    assert!(MissingKey { key: old.clone() }.to_string().contains(old.as_str()));
    assert_eq!(ring.remove(&old), Err(CannotRemove::Unknown(old.clone())));
    assert!(ring.has(&new) && !ring.has(&old));
}

#[test]
fn macs_fit_their_label_bytes_and_key() {
    let ring = ring(1);
    let (key, mac) = ring.mac("audit", b"head");
    assert_eq!(ring.verify_mac("audit", b"head", &key, &mac), Ok(true));
    assert_eq!(ring.verify_mac("other", b"head", &key, &mac), Ok(false));
    assert_eq!(ring.verify_mac("audit", b"tail", &key, &mac), Ok(false));
    let strange: KeyId = "aaaaaaaa".parse().expect("an id");
    assert_eq!(ring.verify_mac("audit", b"head", &strange, &mac), Err(MissingKey { key: strange.clone() }));
}

#[test]
fn a_ring_survives_its_file() {
    let mut ring = ring(1);
    ring.add(Timestamp::from_micros(THEN.as_micros() + 1), &Seeded::new(2));
    let text = ring.render();
    let again = KeyRing::parse(&text).expect("a ring");
    assert_eq!(again.ids(), ring.ids());
    assert!(again.created().eq(ring.created()));
    assert_eq!(*again.render(), *text);
    let secret = token(Kind::Job, 3);
    assert_eq!(again.verify(&secret, &ring.digest(&secret)), Ok(true));
    assert!(text.contains("\"created_at\": \"2026-01-02T03:04:05Z\""), "a person can read it: {}", *text);
}

#[test]
fn debug_shows_ids_only() {
    let ring = ring(1);
    assert_eq!(format!("{ring:?}"), format!("KeyRing[{}]", ring.newest()));
}

#[test]
fn a_broken_file_is_named_and_never_quoted() {
    let text = ring(1).render();
    let secret = text.split("\"secret\": \"").nth(1).expect("a secret").split('"').next().expect("its end").to_owned();
    let id = ring(1).newest().to_string();
    let key = |id: &str, at: &str, secret: &str| format!(r#"{{"id":"{id}","created_at":"{at}","secret":"{secret}"}}"#);
    let at = "2026-01-02T03:04:05Z";
    let file = |keys: &str| format!(r#"{{"version":1,"keys":[{keys}]}}"#);
    for (text, part) in [
        (String::new(), "ends too early"),
        ("not JSON".to_owned(), "not JSON"),
        (text[..text.len() / 2].to_owned(), "ends too early"),
        (file(""), "no key"),
        (format!(r#"{{"version":2,"keys":[{}]}}"#, key(&id, at, &secret)), "version 2"),
        (format!(r#"{{"version":"{secret}","keys":[]}}"#), "line 1"),
        (format!(r#"{{"version":1,"{secret}":1,"keys":[]}}"#), "unknown"),
        (file(&format!(r#"{{"id":"{id}","secret":"{secret}"}}"#)), "missing"),
        (file(&format!(r#""{secret}""#)), "wrong type"),
        (file(&key(&secret, at, &secret)), "Key number 1 of the key ring file: \"id\""),
        (file(&key(&id, &secret, &secret)), "\"created_at\" is not a point in time"),
        (file(&key(&id, at, &secret[1..])), "\"secret\" is not 32 bytes"),
        (file(&key(&id, at, &format!("{secret}AAAA"))), "\"secret\" is not 32 bytes"),
        (file(&key(&id, at, &format!("{secret}="))), "\"secret\" is not 32 bytes"),
        (file(&key(&id, at, "")), "\"secret\" is not 32 bytes"),
        (file(&[key(&id, at, &secret), key(&id, at, &secret)].join(",")), "twice"),
        (" ".repeat(1024 * 1024 + 1), "larger than 1 MiB"),
    ] {
        let said = parse_error(&text);
        assert!(said.contains(part), "{part} is not in: {said}");
        assert!(!said.contains(&secret[1..20]), "the secret is in: {said}");
    }
}

#[test]
fn rings_and_values_go_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<KeyRing>();
    check::<TokenSecret>();
    check::<crate::sealing::DataKey>();
}
