//! The key ring as text: JSON that a person can look at, with a version.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{KEY_LENGTH, Key, KeyId};
use crate::Timestamp;

/// The one version of the file that there is.
const VERSION: u64 = 1;
/// Largest text that is read: some 7,000 keys.
const MAX_TEXT: usize = 1024 * 1024;

/// The text is not a key ring. Quotes ids, positions and times, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyRing {
    /// More than 1 MiB.
    #[error("The key ring file is larger than 1 MiB, so it is not one that Countersign wrote; restore it from a copy.")]
    TooLarge,
    /// Not JSON, or fields are missing, unknown or of the wrong type.
    #[error(
        "The key ring file is not readable at line {line}, column {column}: {what}. It holds \"version\" and \"keys\"; each key \
         has \"id\", \"created_at\" and \"secret\". Restore it from a copy."
    )]
    Unreadable {
        /// From 1.
        line: usize,
        /// From 1; 0 before the first character of a line.
        column: usize,
        /// What sort of fault it is.
        what: &'static str,
    },
    /// Written by another version.
    #[error("The key ring file has version {0}, and this program reads version 1; use the program that wrote it.")]
    Version(u64),
    /// No key at all.
    #[error("The key ring file holds no key; restore it from a copy.")]
    Empty,
    /// A field of one key is wrong.
    #[error("Key number {number} of the key ring file: \"{field}\" {problem}. Restore the file from a copy.")]
    Key {
        /// From 1, in the order of the file.
        number: usize,
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Two keys share an id.
    #[error("The key ring file holds key {0} twice; restore it from a copy.")]
    Twice(KeyId),
}

// Borrowed from the text throughout, so that reading leaves no second copy of a secret in memory.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    version: u64,
    #[serde(borrow)]
    keys: Vec<KeyEntry<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry<'a> {
    id: &'a str,
    created_at: &'a str,
    secret: &'a str,
}

pub(super) fn parse(text: &str) -> Result<Vec<Key>, BadKeyRing> {
    if text.len() > MAX_TEXT {
        return Err(BadKeyRing::TooLarge);
    }
    let file: File<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if file.version != VERSION {
        return Err(BadKeyRing::Version(file.version));
    }
    let mut keys: Vec<Key> = Vec::with_capacity(file.keys.len());
    for (index, entry) in file.keys.iter().enumerate() {
        let key = entry.read().map_err(|(field, problem)| BadKeyRing::Key { number: index + 1, field, problem })?;
        if keys.iter().any(|other| other.id == key.id) {
            return Err(BadKeyRing::Twice(key.id));
        }
        keys.push(key);
    }
    if keys.is_empty() { Err(BadKeyRing::Empty) } else { Ok(keys) }
}

/// The library's own message may quote what it met in the wrong place, which may be a secret; its place says enough.
fn unreadable(error: &serde_json::Error) -> BadKeyRing {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the text ends too early",
        serde_json::error::Category::Data => "a field is missing, unknown, given twice or of the wrong type",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "this is not JSON",
    };
    BadKeyRing::Unreadable { line: error.line(), column: error.column(), what }
}

impl KeyEntry<'_> {
    fn read(&self) -> Result<Key, (&'static str, String)> {
        let id: KeyId = self.id.parse().map_err(|_| ("id", "is not 8 letters and digits".to_owned()))?;
        let created_at: Timestamp =
            self.created_at.parse().map_err(|error: crate::clock::NotATimestamp| ("created_at", error.to_string()))?;
        let wrong_secret = || ("secret", "is not 32 bytes in base64url without padding".to_owned());
        let mut secret = Zeroizing::new(vec![0; KEY_LENGTH + 3]);
        let length = URL_SAFE_NO_PAD.decode_slice(self.secret, &mut secret).map_err(|_| wrong_secret())?;
        if length != KEY_LENGTH {
            return Err(wrong_secret());
        }
        secret.truncate(KEY_LENGTH);
        Ok(Key::new(id, created_at, secret))
    }
}

pub(super) fn render(keys: &[Key]) -> Zeroizing<String> {
    // Written by hand into room taken at once: a serializer's buffer grows and leaves secrets behind. No field needs escaping.
    let mut text = Zeroizing::new(String::with_capacity(64 + keys.len() * 192));
    text.push_str("{\n  \"version\": 1,\n  \"keys\": [");
    for (index, key) in keys.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str("    { \"id\": \"");
        text.push_str(key.id.as_str());
        text.push_str("\", \"created_at\": \"");
        text.push_str(&key.created_at.to_string());
        text.push_str("\", \"secret\": \"");
        URL_SAFE_NO_PAD.encode_string(key.secret.as_slice(), &mut text);
        text.push_str("\" }");
    }
    text.push_str("\n  ]\n}\n");
    text
}
