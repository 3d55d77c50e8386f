use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::testing::Seeded;

fn minted(prefix: &str, kind: Kind, seed: u64) -> TokenSecret {
    TokenSecret::mint(&prefix.parse().expect("a prefix"), kind, &Seeded::new(seed))
}

/// Bytes that stand in values, and some that do not.
const OTHERS: &[u8] = b"09AZaz_-. \n\0m5Q";

/// Every text that is one step away from `value`: a character changed, put in, left out, or swapped with the next.
fn neighbours(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut texts = Vec::new();
    for at in 0..=bytes.len() {
        for other in OTHERS {
            texts.push([&bytes[..at], &[*other], &bytes[at..]].concat());
        }
        let Some(byte) = bytes.get(at) else { continue };
        texts.push([&bytes[..at], &bytes[at + 1..]].concat());
        for other in BASE62.iter().chain(OTHERS).filter(|other| *other != byte) {
            texts.push([&bytes[..at], &[*other], &bytes[at + 1..]].concat());
        }
        if let Some(next) = bytes.get(at + 1).filter(|next| *next != byte) {
            texts.push([&bytes[..at], &[*next, *byte], &bytes[at + 2..]].concat());
        }
    }
    texts.into_iter().map(|text| String::from_utf8(text).expect("ASCII")).collect()
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_minted_is_parsed(prefix in "[a-z]{3,8}", kind in any_kind(), seed: u64) {
        let token = minted(&prefix, kind, seed);
        let parsed = TokenSecret::parse(token.reveal()).expect("a value");
        prop_assert_eq!(parsed.reveal(), token.reveal());
        prop_assert_eq!(parsed.kind(), kind);
        prop_assert_eq!(parsed.public_id(), token.public_id());
        prop_assert_eq!(token.reveal().len(), prefix.len() + 2 + 1 + 50);
    }

    #[test]
    fn every_single_change_is_refused(prefix in "[a-z]{3,8}", kind in any_kind(), seed: u64) {
        let token = minted(&prefix, kind, seed);
        for text in neighbours(token.reveal()) {
            prop_assert_eq!(TokenSecret::parse(&text).err(), Some(Malformed), "{} from {}", text, token.reveal());
        }
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,100}|[a-z]{5,10}_[0-9A-Za-z]{11}_[0-9A-Za-z]{38}|[\\x00-\\xff_]{0,90}") {
        prop_assert!(TokenSecret::parse(&text).is_err());
    }
}

/// The checksum covers the letters before the first `_` whatever follows: two heads are told apart for all values or for none. So
/// one value for each kind shows it for every value of the default prefix.
#[test]
fn no_change_of_the_default_prefix_or_kind_is_missed() {
    let letters = b"abcdefghijklmnopqrstuvwxyz";
    for kind in Kind::ALL {
        let token = minted("csn", kind, 1);
        let (head, tail) = token.reveal().split_once('_').expect("two parts");
        for at in 0..=head.len() {
            for letter in letters {
                let mut text = head.to_owned();
                text.insert(at, char::from(*letter));
                assert!(TokenSecret::parse(&format!("{text}_{tail}")).is_err(), "{text}");
            }
        }
        // Another kind, with the rest left as it is.
        for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
            assert!(TokenSecret::parse(&format!("csn{}_{tail}", other.code())).is_err());
        }
    }
}

#[test]
fn a_known_value_stays_a_value() {
    // Made by the rule above with another implementation of CRC-32 (Python's zlib), so that the format cannot drift unseen.
    let text = "csnat_4f9Kd0aZ81b_0123456789ABCDEFabcdefghijklmnop3eDv0b";
    let token = TokenSecret::parse(text).expect("a value");
    assert_eq!((token.kind(), token.public_id().as_str()), (Kind::AgentToken, "4f9Kd0aZ81b"));
}

#[test]
fn debug_shows_the_public_part_only() {
    let token = minted("acme", Kind::Session, 7);
    assert_eq!(format!("{token:?}"), format!("acmest_{}_…", token.public_id()));
    assert!(!token.reveal().contains('…'));
}

#[test]
fn the_error_quotes_nothing() {
    let error = TokenSecret::parse("csnat_secretsecret").expect_err("no value");
    assert_eq!(error.to_string(), "This is not a whole token value; copy it again, from its first letter to its last.");
}

#[test]
fn long_texts_and_other_alphabets_are_refused() {
    let value = minted("abcdefgh", Kind::Job, 3);
    assert_eq!(value.reveal().len(), 61);
    for text in [" ".repeat(81), "é".repeat(30), String::new(), "_".to_owned(), format!(" {}", value.reveal())] {
        assert!(TokenSecret::parse(&text).is_err(), "{text}");
    }
}

/// A text with a checksum that is right for it: what is wrong with it is found by another rule.
fn signed(body: &str) -> String {
    let crc = checksum(body.as_bytes());
    body.chars().chain(crc.map(char::from)).collect()
}

#[test]
fn a_right_checksum_makes_no_value_of_what_is_none() {
    let (id, secret) = ("4f9Kd0aZ81b", "0123456789ABCDEFabcdefghijklmnop");
    assert!(TokenSecret::parse(&signed(&format!("csnat_{id}_{secret}"))).is_ok());
    for body in [
        format!("csat_{id}_{secret}"),
        format!("abcdefghiat_{id}_{secret}"),
        format!("Csnat_{id}_{secret}"),
        format!("cs1at_{id}_{secret}"),
        format!("csnxx_{id}_{secret}"),
        format!("at_{id}_{secret}"),
        format!("csnat_{id}_{secret}a"),
        format!("csnat_{id}_{}", &secret[1..]),
        format!("csnat_{id}a_{}", &secret[1..]),
        format!("csnat_{id}a{secret}"),
        format!("csnat_4f9Kd0aZ8-b_{secret}"),
        format!("csnat_{id}_{}-", &secret[1..]),
        // As many bytes as a value has, of which one letter lies across the end of the public id.
        format!("csnat_4f9Kd0aZ81é{secret}"),
        format!("csnat_{id}_{}é", &secret[2..]),
    ] {
        assert!(TokenSecret::parse(&signed(&body)).is_err(), "{body}");
    }
}

#[test]
fn what_is_kept_of_a_value_shows_which_key_made_it_and_no_more() {
    let digest = TokenDigest::from_parts([7; 32], "k1k1k1k1".parse().expect("a key's id"));
    assert_eq!(format!("{digest:?}"), "TokenDigest(key k1k1k1k1)");
    let id = PublicId::new(&Seeded::new(9));
    assert_eq!(format!("{id:?}"), id.as_str());
}

#[test]
fn codes_are_distinct_and_read_back() {
    let codes: HashSet<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(codes.len(), Kind::ALL.len());
    let words: HashSet<String> = Kind::ALL.iter().map(ToString::to_string).collect();
    assert!(words.len() == Kind::ALL.len() && words.contains("agent token"), "{words:?}");
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        assert_eq!(Kind::from_code(kind.code()), Some(kind));
        assert_eq!(kind as usize, index, "the key ring counts on the order");
    }
    assert_eq!(Kind::from_code("xx"), None);
}

#[test]
fn prefixes() {
    assert_eq!((Prefix::default().as_str(), Prefix::default().to_string()), ("csn", "csn".to_owned()));
    for text in ["ab", "abcdefghi", "Abc", "ab1", "a_b", "", "äbc"] {
        assert_eq!(text.parse::<Prefix>(), Err(BadPrefix), "{text}");
    }
}

#[test]
fn public_ids_read_back() {
    let id = PublicId::new(&Seeded::new(9));
    assert_eq!(id.as_str().parse(), Ok(id.clone()));
    assert_eq!(serde_json::from_str::<PublicId>(&format!("\"{id}\"")).expect("an id"), id);
    for text in ["", "4f9Kd0aZ81", "4f9Kd0aZ81bc", "4f9Kd0aZ8_b", "4f9Kd0aZ8éb"] {
        assert_eq!(text.parse::<PublicId>(), Err(NotAPublicId), "{text}");
    }
}
