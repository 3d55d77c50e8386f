//! Meta-data: keys and values that the jobs of a build leave for each other.

use crate::text::{BadText, check_line};

/// Most characters of a key.
pub const MAX_KEY: usize = 255;
/// Most bytes of a value: 100 kB, as Buildkite documents.
pub const MAX_VALUE: usize = 100_000;
/// What keys of the system begin with; jobs may not set them, except [`COMMIT_KEY`].
pub const RESERVED_PREFIX: &str = "buildkite:";
/// The one reserved key that agents set themselves, after a checkout.
pub const COMMIT_KEY: &str = "buildkite:git:commit";

/// Checks a key that a job sets.
///
/// # Errors
/// [`BadText`] for a key that is blank, too long, reserved, or holds what cannot be seen.
pub fn check_key(key: &str) -> Result<(), BadText> {
    check_line(key, MAX_KEY)?;
    if key.starts_with(RESERVED_PREFIX) && key != COMMIT_KEY {
        return Err(BadText::Shape("begins with 'buildkite:', which is kept for the system; choose another name"));
    }
    Ok(())
}

/// Checks a value that a job sets. An empty one is a value too.
///
/// # Errors
/// [`BadText`] for a value above [`MAX_VALUE`] and for NUL, which no database column takes.
pub fn check_value(value: &str) -> Result<(), BadText> {
    if value.len() > MAX_VALUE {
        return Err(BadText::Shape("has more than 100,000 bytes; store it elsewhere and keep only where it is"));
    }
    if value.contains('\0') {
        return Err(BadText::Shape("holds a NUL character; remove it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        assert_eq!(check_key("release version"), Ok(()));
        assert_eq!(check_key(&"k".repeat(255)), Ok(()));
        assert_eq!(check_key(&"k".repeat(256)), Err(BadText::TooLong { count: 256, limit: 255 }));
        assert_eq!(check_key("  "), Err(BadText::Empty));
        assert!(check_key("a\nb").is_err());
        assert!(check_key("buildkite:webhook").is_err());
        assert_eq!(check_key(COMMIT_KEY), Ok(()));
    }

    #[test]
    fn values() {
        assert_eq!(check_value(""), Ok(()));
        assert_eq!(check_value("line\nline\t\u{202E}"), Ok(()), "a value is data and is kept as it is");
        assert_eq!(check_value(&"v".repeat(100_000)), Ok(()));
        assert!(check_value(&"v".repeat(100_001)).is_err());
        assert!(check_value("a\0").is_err());
    }
}
