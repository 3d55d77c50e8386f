use super::*;
use crate::{Kind, Timestamp, testing::Seeded, token::Prefix};

struct Bench {
    ring: KeyRing,
    place: Place,
    secret: TokenSecret,
    entropy: Seeded,
}

fn place(n: u128) -> Place {
    let id = |n| uuid::Uuid::from_u128(n);
    Place { organization: OrganizationId::from_uuid(id(n)), token: TokenId::from_uuid(id(n + 1)) }
}

fn bench() -> Bench {
    let entropy = Seeded::new(1);
    let ring = KeyRing::generate(Timestamp::EPOCH, &entropy);
    let secret = TokenSecret::mint(&Prefix::default(), Kind::AgentToken, &entropy);
    Bench { ring, place: place(10), secret, entropy }
}

#[test]
fn what_is_sealed_opens_in_its_place() {
    let Bench { ring, place, secret, entropy } = bench();
    let (key, wrapped) = ring.new_data_key(&place, &entropy);
    let sealed = key.seal(&secret, &place, 3, &entropy);
    let again = ring.unwrap_data_key(&wrapped, &place).expect("the data key");
    assert_eq!(again.open(&sealed, &place, 3).expect("the value").reveal(), secret.reveal());
    let seen =
        |bytes: &[u8]| bytes.windows(8).any(|part| secret.reveal().as_bytes().windows(8).any(|other| other == part));
    assert!(!seen(&sealed));
    assert_ne!(sealed, key.seal(&secret, &place, 3, &entropy), "every seal has a nonce of its own");
}

#[test]
fn every_changed_or_missing_byte_is_refused() {
    let Bench { ring, place, secret, entropy } = bench();
    let (key, wrapped) = ring.new_data_key(&place, &entropy);
    let sealed = key.seal(&secret, &place, 1, &entropy);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 0x01;
        assert_eq!(key.open(&changed, &place, 1).err(), Some(SealError::Refused), "byte {at}");
        assert_eq!(key.open(&sealed[..at], &place, 1).err(), Some(SealError::Refused), "first {at} bytes");
    }
    for at in 0..wrapped.bytes.len() {
        let mut bytes = wrapped.bytes.clone();
        bytes[at] ^= 0x80;
        let changed = WrappedKey { bytes, key: wrapped.key.clone() };
        assert_eq!(ring.unwrap_data_key(&changed, &place).err(), Some(SealError::Refused), "byte {at}");
    }
}

#[test]
fn a_copy_that_was_moved_is_refused() {
    let Bench { ring, place: home, secret, entropy } = bench();
    let (key, wrapped) = ring.new_data_key(&home, &entropy);
    let sealed = key.seal(&secret, &home, 1, &entropy);
    let elsewhere = place(20);
    for away in [
        Place { organization: elsewhere.organization, ..home },
        Place { token: elsewhere.token, ..home },
        // The two ids the other way round.
        Place { organization: home.token.cast(), token: home.organization.cast() },
    ] {
        assert_eq!(key.open(&sealed, &away, 1).err(), Some(SealError::Refused));
        assert_eq!(ring.unwrap_data_key(&wrapped, &away).err(), Some(SealError::Refused));
        assert_eq!(ring.rewrap(&wrapped, &away, &entropy).err(), Some(SealError::Refused));
    }
    for generation in [0, 2, -1, i64::MAX] {
        assert_eq!(key.open(&sealed, &home, generation).err(), Some(SealError::Refused));
    }
    // A wrapped key is no sealed value, and the other way round.
    assert_eq!(key.open(&wrapped.bytes, &home, 1).err(), Some(SealError::Refused));
    let (other, _) = ring.new_data_key(&home, &entropy);
    assert_eq!(other.open(&sealed, &home, 1).err(), Some(SealError::Refused));
}

#[test]
fn rewrapping_keeps_the_value_and_frees_the_old_key() {
    let Bench { mut ring, place, secret, entropy } = bench();
    let old = ring.newest().clone();
    let (key, wrapped) = ring.new_data_key(&place, &entropy);
    let sealed = key.seal(&secret, &place, 1, &entropy);
    let new = ring.add(Timestamp::EPOCH, &entropy);
    let again = ring.rewrap(&wrapped, &place, &entropy).expect("a wrapped key");
    assert_eq!(again.key, new);
    ring.remove(&old).expect("it is not the newest");
    assert_eq!(
        ring.unwrap_data_key(&wrapped, &place).err(),
        Some(SealError::MissingKey(MissingKey { key: old.clone() }))
    );
    let said = ring.rewrap(&wrapped, &place, &entropy).expect_err("the key is gone").to_string();
    assert!(said.contains(old.as_str()), "{said}");
    let opened = ring.unwrap_data_key(&again, &place).expect("the data key").open(&sealed, &place, 1);
    assert_eq!(opened.expect("the value").reveal(), secret.reveal());
    // Naming another key does not get around it.
    let renamed = WrappedKey { bytes: wrapped.bytes, key: new };
    assert_eq!(ring.unwrap_data_key(&renamed, &place).err(), Some(SealError::Refused));
}

#[test]
fn a_wrapped_key_is_bound_to_the_id_of_its_key() {
    let Bench { ring, place, entropy, .. } = bench();
    let (_, wrapped) = ring.new_data_key(&place, &entropy);
    // The same key under another id, as an edited file could have it.
    let other = KeyRing::parse(&ring.render().replace(ring.newest().as_str(), "aaaaaaaa")).expect("a ring");
    let renamed = WrappedKey { bytes: wrapped.bytes, key: other.newest().clone() };
    assert_eq!(other.unwrap_data_key(&renamed, &place).err(), Some(SealError::Refused));
}

#[test]
fn debug_shows_no_bytes() {
    let Bench { ring, place, entropy, .. } = bench();
    let (key, wrapped) = ring.new_data_key(&place, &entropy);
    assert_eq!(format!("{key:?}"), "DataKey(…)");
    assert_eq!(format!("{wrapped:?}"), format!("WrappedKey(key {})", ring.newest()));
}
