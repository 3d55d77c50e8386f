//! Texts that people give: checked once, where they come in, and carried as types from there on.
//!
//! No text may hold characters that hide what it says: control characters, overrides of writing direction, characters
//! without width. Each error says which character, where, and what to do.

use std::{fmt, str::FromStr};

/// Bytes in lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 0xF] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
        text
    })
}

/// Most characters of a description or a reason.
pub const MAX_DESCRIPTION: usize = 1_000;
/// Most characters of an organization's slug.
pub const MAX_SLUG: usize = 64;
/// Most characters of an organization's name.
pub const MAX_ORGANIZATION_NAME: usize = 100;
/// Most characters of the name of a queue or a deployment.
pub const MAX_NAME: usize = 100;
/// Most characters of the name of a code location: as many as an agent tells of it.
pub const MAX_CODE_LOCATION: usize = 255;
/// Most characters of what stands before a name.
pub const MAX_EMOJI: usize = 64;
/// Most characters of the name of a person.
pub const MAX_PERSON_NAME: usize = 100;
/// Where the addresses of service users are: nowhere, by RFC 2606. No person has one there.
pub const SERVICE_USER_DOMAIN: &str = "service-users.invalid";
/// Most bytes of an e-mail address (RFC 5321, section 4.5.3.1.3, less the brackets).
pub const MAX_EMAIL: usize = 254;

/// The text cannot be taken. The message follows the name of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing, or blanks only.
    #[error("is empty; write at least one character that can be seen")]
    Empty,
    /// Longer than its limit.
    #[error("has {count} characters; at most {limit} are possible")]
    TooLong {
        /// Characters there were.
        count: usize,
        /// Characters there may be.
        limit: usize,
    },
    /// A character that cannot be seen, or that changes how others are seen.
    #[error("holds {what} (U+{code:04X}) as character {position}; remove it")]
    Hidden {
        /// What sort of character.
        what: &'static str,
        /// Its code point.
        code: u32,
        /// Where it stands, from 1.
        position: usize,
    },
    /// A character that this sort of text does not take.
    #[error("holds '{found}' as character {position}; use {allowed}")]
    Character {
        /// The character.
        found: char,
        /// Where it stands, from 1.
        position: usize,
        /// What may be used.
        allowed: &'static str,
    },
    /// Not built as this sort of text is.
    #[error("{0}")]
    Shape(&'static str),
}

/// One field of an input and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct FieldError {
    /// The field's name as the caller wrote it.
    pub field: String,
    /// What is wrong and what to do; reads on from the field's name.
    pub message: String,
}

impl FieldError {
    /// Joins a field's name with what is wrong with it.
    pub fn new(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

/// What is hidden about a character; `None` for one that shows itself.
#[must_use]
pub fn hidden(c: char) -> Option<&'static str> {
    match c {
        '\0' => Some("a NUL character"),
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some("a line break"),
        '\t' => Some("a tab"),
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => Some("a character that turns the writing direction"),
        '\u{200B}' | '\u{2060}' | '\u{FEFF}' => Some("a character without width"),
        _ if c.is_control() => Some("a control character"),
        _ => None,
    }
}

/// Most characters of a foreign text that a message repeats, where nothing else is said.
pub const MAX_SHOWN: usize = 60;

/// A foreign text as a message repeats it: what hides, or could move a terminal's cursor, is escaped, and what is longer than [`MAX_SHOWN`]
/// is cut short.
#[must_use]
pub fn shown(text: &str) -> String {
    shown_up_to(text, MAX_SHOWN)
}

/// The same with another limit, in characters.
#[must_use]
pub fn shown_up_to(text: &str, limit: usize) -> String {
    let start: String = text.chars().take(limit).collect();
    let end = if start.len() < text.len() { "…" } else { "" };
    format!("{}{end}", start.escape_debug())
}

/// One line that shows all it holds: not blank, at most `limit` characters, nothing hidden.
///
/// # Errors
/// [`BadText`] names the first fault.
pub fn check_line(text: &str, limit: usize) -> Result<(), BadText> {
    let count = text.chars().count();
    if count > limit {
        return Err(BadText::TooLong { count, limit });
    }
    for (index, c) in text.chars().enumerate() {
        if let Some(what) = hidden(c) {
            return Err(BadText::Hidden { what, code: u32::from(c), position: index + 1 });
        }
    }
    if text.trim().is_empty() { Err(BadText::Empty) } else { Ok(()) }
}

/// A name of letters, digits and some marks.
fn check_name(text: &str, limit: usize, allowed: &'static str, takes: fn(u8) -> bool) -> Result<(), BadText> {
    check_line(text, limit)?;
    match text.chars().enumerate().find(|(_, c)| !u8::try_from(*c).is_ok_and(takes)) {
        Some((index, found)) => Err(BadText::Character { found, position: index + 1, allowed }),
        None => Ok(()),
    }
}

/// Declares a text that is checked when it is made: `check` looks at it, and what `keep` makes of it is kept.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident { check: $check:expr, keep: $keep:expr $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the text and keeps it.
            ///
            /// # Errors
            /// [`BadText`] says what is wrong and what to do.
            pub fn parse(text: &str) -> Result<Self, BadText> {
                let check: fn(&str) -> Result<(), BadText> = $check;
                check(text)?;
                let keep: fn(&str) -> String = $keep;
                Ok(Self(keep(text)))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadText;

            fn from_str(text: &str) -> Result<Self, BadText> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

texts! {
    /// What a token is for: one line of 1 to 1,000 characters, kept as it was given.
    Description { check: |text| check_line(text, MAX_DESCRIPTION), keep: str::to_owned }

    /// Why something was done, such as a revocation: one line of 1 to 1,000 characters, kept as it was given.
    Reason { check: |text| check_line(text, MAX_DESCRIPTION), keep: str::to_owned }

    /// An organization's short name in addresses: 1 to 64 of `a-z`, `0-9` and `-`, with no `-` at either end.
    Slug { check: check_slug, keep: str::to_owned }

    /// An organization's name for people: one line of 1 to 100 characters.
    OrganizationName { check: |text| check_line(text, MAX_ORGANIZATION_NAME), keep: str::to_owned }

    /// An e-mail address, kept in lower case, so that two spellings of one address compare equal.
    Email { check: check_email, keep: str::to_ascii_lowercase }

    /// What a person is called: one line of 1 to 100 characters.
    PersonName { check: |text| check_line(text, MAX_PERSON_NAME), keep: str::to_owned }

    /// A service user's name: 1 to 100 letters, digits, `-`, `_` and `.`, and no UUID, which would name whoever has that id; upper and lower
    /// case differ.
    ServiceUserName { check: check_service_user, keep: str::to_owned }

    /// What stands before a name, such as `:rocket:` or the sign itself: one line of 1 to 64 characters.
    Emoji { check: |text| check_line(text, MAX_EMOJI), keep: str::to_owned }

    /// A colour: `#` and six hexadecimal digits.
    Color { check: check_color, keep: str::to_owned }

    /// A queue's name: 1 to 100 letters, digits, `-`, `_` and `.`; upper and lower case differ.
    QueueName { check: |text| check_name(text, MAX_NAME, NAME_CHARACTERS, is_name_byte), keep: str::to_owned }

    /// A team's name: one line of 1 to 100 letters, digits, `-`, `_`, `.` and blanks between them, and no UUID; upper and lower case differ.
    TeamName { check: check_team, keep: str::to_owned }

    /// A deployment's name: 1 to 100 letters, digits, `-`, `_`, `.` and blanks between them; upper and lower case differ.
    DeploymentName { check: check_deployment, keep: str::to_owned }

    /// A code location's name: one line of 1 to 255 characters; upper and lower case differ.
    CodeLocationName { check: |text| check_line(text, MAX_CODE_LOCATION), keep: str::to_owned }
}

const NAME_CHARACTERS: &str = "letters, digits, '-', '_' and '.'";

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn check_service_user(text: &str) -> Result<(), BadText> {
    check_name(text, MAX_NAME, NAME_CHARACTERS, is_name_byte)?;
    not_dots(text)?;
    if uuid::Uuid::try_parse(text).is_ok() {
        return Err(BadText::Shape("is a UUID, which names a member by id; choose a name"));
    }
    Ok(())
}

impl Default for QueueName {
    /// The queue of agents and jobs that name none: `default`.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl From<&Slug> for OrganizationName {
    /// The name of an organization that was given none.
    fn from(slug: &Slug) -> Self {
        Self(slug.0.clone())
    }
}

fn check_slug(text: &str) -> Result<(), BadText> {
    let takes = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    check_name(text, MAX_SLUG, "lower-case letters, digits and '-'", takes)?;
    if text.starts_with('-') || text.ends_with('-') {
        return Err(BadText::Shape("begins or ends with '-'; let it begin and end with a letter or digit"));
    }
    Ok(())
}

/// Whether a text names an e-mail address other than `own`, alone or among other words: what somebody calls themself is taken for it.
#[must_use]
pub fn names_another_address(text: &str, own: &str) -> bool {
    let beside = |sign: char| sign.is_whitespace() || "<>()[]{},;:\"'`|".contains(sign);
    text.split(beside).filter_map(|word| Email::parse(word).ok()).any(|it| !it.as_str().eq_ignore_ascii_case(own))
}

/// Refuses what names a folder in paths, and nothing to people.
fn not_dots(text: &str) -> Result<(), BadText> {
    if matches!(text, "." | "..") {
        return Err(BadText::Shape("is '.' or '..', which names a folder; choose a name with a letter or digit"));
    }
    Ok(())
}

/// Buildkite's clusters have blanks in their names.
fn check_deployment(text: &str) -> Result<(), BadText> {
    check_name(text, MAX_NAME, "letters, digits, '-', '_', '.' and blanks", |byte| is_name_byte(byte) || byte == b' ')?;
    not_dots(text)?;
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(BadText::Shape("begins or ends with a blank; let it begin and end with another character"));
    }
    Ok(())
}

fn check_team(text: &str) -> Result<(), BadText> {
    check_deployment(text)?;
    if uuid::Uuid::try_parse(text).is_ok() {
        return Err(BadText::Shape("is a UUID, which names a team by id; choose a name"));
    }
    Ok(())
}

fn check_color(text: &str) -> Result<(), BadText> {
    let fits = text.strip_prefix('#').is_some_and(|it| it.len() == 6 && it.bytes().all(|b| b.is_ascii_hexdigit()));
    if fits { Ok(()) } else { Err(BadText::Shape("is no colour; write # and six hexadecimal digits, such as #0B79CE")) }
}

/// Plain addresses only: no quoted local parts, no comments, no addresses outside ASCII.
fn check_email(text: &str) -> Result<(), BadText> {
    const SHAPE: BadText = BadText::Shape("is not an e-mail address such as ada@example.com");
    let takes = |byte: u8| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte);
    check_name(text, MAX_EMAIL, "a plain address such as ada@example.com", takes)?;
    let (local, domain) = text.split_once('@').ok_or(SHAPE)?;
    let dots_fit = |part: &str| !part.split('.').any(str::is_empty);
    let label_fits = |label: &str| {
        !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let fits = local.len() <= 64 && dots_fit(local) && dots_fit(domain) && domain.split('.').all(label_fits);
    if !fits {
        return Err(SHAPE);
    }
    if domain.eq_ignore_ascii_case(SERVICE_USER_DOMAIN) {
        return Err(BadText::Shape("is the address of a service user; give a person's"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
