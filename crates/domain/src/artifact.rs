//! Artifacts: files that jobs leave behind, under a path that is data and never a place on any disk of the server's.

mod path;
mod query;

use std::{fmt, str::FromStr};

pub use path::{ArtifactPath, BadPath, MAX_PATH, MAX_SEGMENT};
pub use query::{BadQuery, MAX_QUERY, Query};

/// What an artifact is when its agent names no type.
pub const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Where an artifact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArtifactState {
    /// Announced; its bytes are on their way.
    New,
    /// There, whole and checked; or, at a destination of the user's own, there by the agent's word.
    Finished,
    /// Its bytes never came, or not as announced.
    Error,
    /// Taken away.
    Deleted,
}

impl ArtifactState {
    /// Every state, in the order of declaration.
    pub const ALL: [Self; 4] = [Self::New, Self::Finished, Self::Error, Self::Deleted];

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Finished => "finished",
            Self::Error => "error",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for ArtifactState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a state: new, finished, error or deleted")]
pub struct NotAState;

impl FromStr for ArtifactState {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(NotAState)
    }
}

/// Checks a hash as agents send it: lower-case hexadecimal of `bytes` bytes.
///
/// # Errors
/// A sentence that follows the field's name.
pub fn check_hash(text: &str, bytes: usize) -> Result<(), String> {
    let fits = text.len() == 2 * bytes && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if fits { Ok(()) } else { Err(format!("must be {} lower-case hexadecimal digits", 2 * bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back() {
        for state in ArtifactState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("gone".parse::<ArtifactState>(), Err(NotAState));
    }

    #[test]
    fn hashes_have_one_spelling() {
        assert_eq!(check_hash(&"0a".repeat(20), 20), Ok(()));
        for wrong in ["", "0a", &"0A".repeat(20), &"0g".repeat(20), &"0a".repeat(21)] {
            assert!(check_hash(wrong, 20).is_err(), "{wrong}");
        }
    }
}
