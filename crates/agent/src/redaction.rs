//! Takes secret values out of text that leaves the machine.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use countersign_wire::SecretText;

/// What stands in the place of a secret.
pub(crate) const MARK: &str = "[REDACTED]";

/// Shortest value, in bytes, that is taken out because of its variable's name: shorter ones are words such as `true`.
const SHORTEST: usize = 6;

/// The values of variables whose names match one of `patterns`; `*` stands for any characters.
pub(crate) fn secret_values<'a>(
    variables: impl Iterator<Item = (&'a str, &'a str)>,
    patterns: &[String],
) -> Vec<SecretText> {
    variables
        .filter(|(name, value)| value.len() >= SHORTEST && is_secret_name(name, patterns))
        .map(|(_, value)| SecretText::new(value))
        .collect()
}

/// Whether `name` is of the form `pattern`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut rest = rest;
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

/// Whether the value of a variable of this name is a secret by `patterns`.
pub(crate) fn is_secret_name(name: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Most secrets that a job can add while it runs: each costs time for every byte of its log.
pub(crate) const MAX_ADDED: usize = 1000;

/// Secrets that a job adds while it runs; its log takes them over before the next byte.
#[derive(Default)]
pub(crate) struct AddedSecrets(Mutex<Vec<SecretText>>);

impl AddedSecrets {
    /// Adds a secret. Answers whether there was room for it.
    pub fn add(&self, secret: SecretText) -> bool {
        let mut added = self.lock();
        let known = added.contains(&secret);
        let fits = known || added.len() < MAX_ADDED;
        if fits && !known {
            added.push(secret);
        }
        fits
    }

    /// Those that came after the first `seen`.
    pub fn since(&self, seen: usize) -> Vec<SecretText> {
        self.lock().get(seen..).unwrap_or_default().to_vec()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SecretText>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes secrets out of one text.
pub(crate) fn redact(text: &str, secrets: &[SecretText]) -> String {
    let mut redactor = Redactor::new(secrets);
    let mut clean = Vec::new();
    redactor.push(text.as_bytes(), &mut clean);
    redactor.finish(&mut clean);
    String::from_utf8_lossy(&clean).into_owned()
}

/// Takes secrets out of a stream of bytes, also where one is spread over several reads. It holds back what may still become a
/// secret: less than the longest one.
pub(crate) struct Redactor {
    secrets: Vec<SecretText>,
    /// Which bytes a secret can begin with.
    first: [bool; 256],
    held: Vec<u8>,
    /// How many of the held bytes belong to a secret that was already found.
    covered: usize,
    /// Whether the last thing written was the mark, and its secret goes on.
    marked: bool,
}

impl Redactor {
    pub fn new(secrets: &[SecretText]) -> Self {
        let mut redactor =
            Self { secrets: Vec::new(), first: [false; 256], held: Vec::new(), covered: 0, marked: false };
        redactor.add(secrets);
        redactor
    }

    /// Takes these out too, from the next byte on and in what is held back.
    pub fn add(&mut self, secrets: &[SecretText]) {
        // A value of several lines can reach the log line by line, so each of its longer lines counts too.
        let lines =
            secrets.iter().flat_map(|secret| secret.reveal().lines().filter(|line| line.trim().len() >= SHORTEST));
        let whole = secrets.iter().map(SecretText::reveal);
        let distinct: BTreeSet<&str> = whole.chain(lines).filter(|text| !text.is_empty()).collect();
        for byte in distinct.iter().filter_map(|text| text.bytes().next()) {
            self.first[usize::from(byte)] = true;
        }
        self.secrets.extend(distinct.into_iter().map(SecretText::new));
    }

    /// Takes `bytes` in and writes what is certain to `clean`.
    pub fn push(&mut self, bytes: &[u8], clean: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        self.advance(clean, false);
    }

    /// Writes what is held: nothing more comes.
    pub fn finish(&mut self, clean: &mut Vec<u8>) {
        self.advance(clean, true);
    }

    fn advance(&mut self, clean: &mut Vec<u8>, ended: bool) {
        let mut at = 0;
        while let Some(rest) = self.held.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.first().is_some_and(|byte| self.first[usize::from(*byte)]) {
                let mut found = 0;
                let mut may_follow = false;
                for secret in self.secrets.iter().map(|secret| secret.reveal().as_bytes()) {
                    if rest.starts_with(secret) {
                        found = found.max(secret.len());
                    } else {
                        may_follow |= secret.starts_with(rest);
                    }
                }
                if may_follow && !ended {
                    break;
                }
                self.covered = self.covered.max(at + found);
            }
            if at < self.covered {
                if !self.marked {
                    clean.extend_from_slice(MARK.as_bytes());
                }
                self.marked = true;
            } else {
                self.marked = false;
                clean.extend(rest.first());
            }
            at += 1;
        }
        self.held.drain(..at);
        self.covered = self.covered.saturating_sub(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Vec<SecretText> {
        values.iter().map(|value| SecretText::new(value)).collect()
    }

    /// Feeds `text` in pieces of `size` bytes.
    fn in_pieces(text: &str, size: usize, values: &[&str]) -> String {
        let mut redactor = Redactor::new(&secrets(values));
        let mut clean = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            redactor.push(piece, &mut clean);
        }
        redactor.finish(&mut clean);
        String::from_utf8(clean).expect("text")
    }

    #[test]
    fn a_secret_is_found_wherever_the_pieces_end() {
        for size in 1..40 {
            let clean = in_pieces("a csnjt_AAAA b csnjt_AAAA\ncsnjt_AAA csnjt_", size, &["csnjt_AAAA"]);
            assert_eq!(clean, "a [REDACTED] b [REDACTED]\ncsnjt_AAA csnjt_", "pieces of {size}");
        }
    }

    #[test]
    fn secrets_inside_and_across_each_other_leave_nothing() {
        for size in 1..20 {
            assert_eq!(
                in_pieces("xabcdefx abcx", size, &["abc", "abcdef"]),
                "x[REDACTED]x [REDACTED]x",
                "pieces of {size}"
            );
            assert_eq!(in_pieces("xabcdex", size, &["abcd", "cde"]), "x[REDACTED]x", "pieces of {size}");
            assert_eq!(in_pieces("aaaaaaa", size, &["aaa"]), "[REDACTED]", "pieces of {size}");
        }
    }

    #[test]
    fn nothing_is_held_that_cannot_become_a_secret() {
        let mut redactor = Redactor::new(&secrets(&["secret"]));
        let mut clean = Vec::new();
        redactor.push(b"plain text, sec", &mut clean);
        assert_eq!(clean, b"plain text, ");
        redactor.push(b"tor", &mut clean);
        assert_eq!(clean, b"plain text, sector");
    }

    #[test]
    fn a_secret_of_several_lines_is_found_line_by_line() {
        let key = "-----BEGIN-----\nMIIEvQ\n-----END-----";
        assert_eq!(redact("> MIIEvQ\n", &secrets(&[key])), "> [REDACTED]\n");
        assert_eq!(redact(key, &secrets(&[key])), "[REDACTED]");
    }

    #[test]
    fn a_secret_that_is_added_late_is_found_in_what_is_held_too() {
        let mut redactor = Redactor::new(&secrets(&["abcdefgh"]));
        let mut clean = Vec::new();
        redactor.push(b"x abcdef", &mut clean);
        redactor.add(&secrets(&["abcdefx", "late"]));
        redactor.push(b"x late", &mut clean);
        redactor.finish(&mut clean);
        assert_eq!(String::from_utf8(clean).expect("text"), "x [REDACTED] [REDACTED]");
        let added = AddedSecrets::default();
        assert!((0..MAX_ADDED).all(|number| added.add(SecretText::new(&format!("secret-{number}")))));
        assert!(added.add(SecretText::new("secret-1")) && !added.add(SecretText::new("one more")));
        assert_eq!(added.since(MAX_ADDED - 1).len(), 1);
    }

    #[test]
    fn names_choose_values() {
        let variables = [("API_TOKEN", "123456"), ("X_TOKEN", "short"), ("TOKENS", "1234567"), ("MY_KEY_1", "abcdefg")];
        let patterns = ["*_TOKEN".to_owned(), "MY_*_*".to_owned()];
        let values = secret_values(variables.into_iter(), &patterns);
        assert_eq!(values.iter().map(SecretText::reveal).collect::<Vec<_>>(), ["123456", "abcdefg"]);
        assert!(matches("A", "A") && !matches("A", "AB") && matches("A*", "AB") && matches("*", ""));
    }
}
