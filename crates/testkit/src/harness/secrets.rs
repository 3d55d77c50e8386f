//! Searching for secrets, in every form in which they could have been written down by mistake.
//!
//! What is searched for is the secret part of a value, so the value whole is found as well; the public id may be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How many characters of a secret betray it: 12 of 62 kinds, far more than chance repeats.
const BETRAYING: usize = 12;
/// How many places of findings are told.
const TOLD: usize = 40;

/// A form that a secret can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is; also its first 12 characters alone.
    Raw,
    /// Base64 of either alphabet, at each of its three offsets.
    Base64,
    /// Hexadecimal, upper or lower case.
    Hex,
    /// Each byte percent-encoded, upper or lower case.
    Percent,
    /// From its end to its beginning.
    Reversed,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Raw, Self::Base64, Self::Hex, Self::Percent, Self::Reversed];

    /// The shortest text of this form that betrays the secret, in each of its spellings.
    #[must_use]
    pub fn of(self, secret: &[u8]) -> Vec<Vec<u8>> {
        let start = &secret[..BETRAYING.min(secret.len())];
        match self {
            Self::Raw => vec![start.to_vec()],
            Self::Reversed => vec![start.iter().rev().copied().collect()],
            Self::Hex => vec![hex(start, "", false), hex(start, "", true)],
            Self::Percent => vec![hex(start, "%", false), hex(start, "%", true)],
            // Three bytes make four characters, so a text has one of three spellings, depending on what stands before it.
            Self::Base64 => (0..3)
                .flat_map(|offset| {
                    let whole = &secret[offset..offset + BETRAYING];
                    [STANDARD_NO_PAD.encode(whole).into_bytes(), URL_SAFE_NO_PAD.encode(whole).into_bytes()]
                })
                .collect(),
        }
    }
}

fn hex(bytes: &[u8], before: &str, upper: bool) -> Vec<u8> {
    let digits = |byte: &u8| if upper { format!("{before}{byte:02X}") } else { format!("{before}{byte:02x}") };
    bytes.iter().map(digits).collect::<String>().into_bytes()
}

/// A secret that must not be found.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What to call it when it is found: a public id, never the secret.
    pub name: String,
    /// The secret; at least 14 bytes.
    pub bytes: Vec<u8>,
}

/// Where a secret was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub secret: String,
    /// In which form.
    pub form: Form,
    /// In what.
    pub place: String,
    /// How many bytes into it.
    pub offset: usize,
}

/// A search for many secrets at once.
#[derive(Debug)]
pub struct Search {
    patterns: AhoCorasick,
    /// Whose each pattern is.
    owners: Vec<(usize, Form)>,
    secrets: Vec<String>,
    findings: Vec<Finding>,
    bytes: u64,
    places: usize,
}

impl Search {
    /// For these secrets.
    ///
    /// # Panics
    /// When one is too short to be searched for, or there are too many.
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        let mut texts = Vec::new();
        let mut owners = Vec::new();
        for (number, secret) in secrets.iter().enumerate() {
            assert!(secret.bytes.len() >= BETRAYING + 2, "{} is too short to be searched for", secret.name);
            for form in Form::ALL {
                let spellings: BTreeSet<_> = form.of(&secret.bytes).into_iter().collect();
                for spelling in spellings {
                    texts.push(spelling);
                    owners.push((number, form));
                }
            }
        }
        let patterns = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&texts).expect("the patterns fit");
        let secrets = secrets.iter().map(|secret| secret.name.clone()).collect();
        Self { patterns, owners, secrets, findings: Vec::new(), bytes: 0, places: 0 }
    }

    /// Searches bytes.
    pub fn bytes(&mut self, place: &str, bytes: &[u8]) {
        self.places += 1;
        self.bytes += bytes.len() as u64;
        for found in self.patterns.find_iter(bytes) {
            let (secret, form) = self.owners[found.pattern().as_usize()];
            let secret = self.secrets[secret].clone();
            self.findings.push(Finding { secret, form, place: place.to_owned(), offset: found.start() });
        }
    }

    /// Searches a file, or each file beneath a folder; names of files and targets of links are searched too. What has gone
    /// meanwhile is passed over.
    pub fn path(&mut self, path: &Path) {
        let place = path.display().to_string();
        if let Ok(target) = fs::read_link(path) {
            self.bytes(&place, target.as_os_str().as_encoded_bytes());
        } else if let Ok(entries) = fs::read_dir(path) {
            for entry in entries.flatten() {
                self.bytes(&format!("a name in {place}"), entry.file_name().as_encoded_bytes());
                self.path(&entry.path());
            }
        } else if let Ok(bytes) = fs::read(path) {
            self.bytes(&place, &bytes);
        }
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many places and bytes were searched.
    #[must_use]
    pub const fn searched(&self) -> (usize, u64) {
        (self.places, self.bytes)
    }

    /// # Panics
    /// When anything was found, with the places.
    pub fn must_be_empty(&self) {
        let mut places: BTreeMap<(&str, Form), (usize, &Finding)> = BTreeMap::new();
        for finding in &self.findings {
            places.entry((&finding.place, finding.form)).or_insert((0, finding)).0 += 1;
        }
        let told: Vec<_> = places
            .iter()
            .take(TOLD)
            .map(|((place, form), (count, first))| {
                format!("{count} times {form:?} in {place}, first {} at byte {}", first.secret, first.offset)
            })
            .collect();
        assert!(self.findings.is_empty(), "{} secrets were found:\n{}", self.findings.len(), told.join("\n"));
    }
}
