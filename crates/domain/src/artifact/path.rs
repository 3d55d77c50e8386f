//! The path of an artifact: where a download puts it, below a folder that the downloader chooses.
//!
//! Whatever system downloads it, a good path leads to one place below that folder: nothing climbs, nothing is absolute, and no name
//! means a device or another file there.

use std::fmt;

use crate::text::hidden;

/// Most bytes of a path.
pub const MAX_PATH: usize = 1_024;
/// Most bytes of one name in it: what file systems take.
pub const MAX_SEGMENT: usize = 255;

/// Names that Windows gives to devices, whatever stands behind their first dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
/// The same with a digit behind them.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// A relative path with `/` between its names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(String);

/// Why a text is no path of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// Longer than file systems take.
    #[error("is longer than {MAX_PATH} bytes, or has a name of more than {MAX_SEGMENT}")]
    TooLong,
    /// It begins at the root of a disk.
    #[error("is absolute; a path must be relative to the folder that is uploaded")]
    Absolute,
    /// It leads out of its folder, or names no file.
    #[error("has a name that is empty, '.' or '..'; a path must lead to a file below the folder that is uploaded")]
    Climbs,
    /// A backslash: between names on Windows, part of a name elsewhere.
    #[error("holds a backslash; use / between names")]
    Backslash,
    /// It shows something else than it is.
    #[error("holds {what} (U+{code:04X})")]
    Hidden {
        /// What sort of character.
        what: &'static str,
        /// Its code point.
        code: u32,
    },
    /// A device, a drive, or a name that Windows cuts short.
    #[error(
        "has a name that means something else on Windows: a device such as NUL, a drive such as C:, or one that ends in a dot or a blank"
    )]
    Windows,
}

impl ArtifactPath {
    /// Checks the text and keeps it.
    ///
    /// # Errors
    /// [`BadPath`] says what is wrong; it follows the path.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        if text.is_empty() {
            return Err(BadPath::Empty);
        }
        if text.len() > MAX_PATH {
            return Err(BadPath::TooLong);
        }
        if let Some((what, c)) = text.chars().find_map(|c| hidden(c).map(|what| (what, c))) {
            return Err(BadPath::Hidden { what, code: u32::from(c) });
        }
        if text.contains('\\') {
            return Err(BadPath::Backslash);
        }
        if text.starts_with('/') {
            return Err(BadPath::Absolute);
        }
        text.split('/').try_for_each(check_segment)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name: what a browser saves it as.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ArtifactPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        Self::parse(text)
    }
}

fn check_segment(name: &str) -> Result<(), BadPath> {
    if matches!(name, "" | "." | "..") {
        return Err(BadPath::Climbs);
    }
    if name.len() > MAX_SEGMENT {
        return Err(BadPath::TooLong);
    }
    if name.ends_with(['.', ' ']) || is_drive(name) || is_device(name) {
        return Err(BadPath::Windows);
    }
    Ok(())
}

/// `C:` and `C:name`.
fn is_drive(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic()) && characters.next() == Some(':')
}

/// `NUL`, `nul.txt`, `COM1`, `com¹.log`, `NUL :`; what stands behind a dot or a colon, and blanks before it, change nothing.
fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or(name).trim_end_matches(' ').to_lowercase();
    DEVICES.contains(&stem.as_str())
        || NUMBERED_DEVICES.iter().any(|device| {
            stem.strip_prefix(device).is_some_and(|rest| {
                rest.chars().count() == 1 && rest.chars().all(|c| c.is_ascii_digit() || "¹²³".contains(c))
            })
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_paths_are_kept() {
        for good in [
            "a",
            "pkg/app.tar.gz",
            ".hidden",
            "a/.b/c",
            "logs/12:30.txt",
            "a b/c d.txt",
            "ä/ö.txt",
            "...a",
            "a..b",
            "console.log",
            "com10.txt",
            "nullable.rs",
            "auxiliary",
            "com/lpt",
            "~user/x",
            "$HOME/x",
            "%2e%2e/x",
            "[a]{b}*?",
        ] {
            assert_eq!(ArtifactPath::parse(good).as_ref().map(ArtifactPath::as_str), Ok(good));
        }
        assert_eq!(ArtifactPath::parse("a/b/c.txt").map(|it| it.file_name().to_owned()), Ok("c.txt".to_owned()));
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for (bad, why) in [
            ("", BadPath::Empty),
            ("/etc/passwd", BadPath::Absolute),
            ("//server/share", BadPath::Absolute),
            ("..", BadPath::Climbs),
            ("../a", BadPath::Climbs),
            ("a/../../b", BadPath::Climbs),
            ("a/..", BadPath::Climbs),
            ("./a", BadPath::Climbs),
            ("a/./b", BadPath::Climbs),
            ("a//b", BadPath::Climbs),
            ("a/", BadPath::Climbs),
            ("..\\a", BadPath::Backslash),
            ("a\\..\\b", BadPath::Backslash),
            ("\\\\server\\share", BadPath::Backslash),
            ("C:/a", BadPath::Windows),
            ("c:a", BadPath::Windows),
            ("a/C:b", BadPath::Windows),
            ("NUL", BadPath::Windows),
            ("a/nul.txt", BadPath::Windows),
            ("con .txt", BadPath::Windows),
            ("COM1", BadPath::Windows),
            ("lpt9.log", BadPath::Windows),
            ("com\u{b9}.log", BadPath::Windows),
            ("CONIN$", BadPath::Windows),
            ("aux:stream", BadPath::Windows),
            ("a.", BadPath::Windows),
            ("a/b ", BadPath::Windows),
            ("....", BadPath::Windows),
            (".. /a", BadPath::Windows),
        ] {
            assert_eq!(ArtifactPath::parse(bad), Err(why), "{bad:?}");
        }
        for hidden in
            ["a\0b", "a\nb", "a\u{1b}[2Jb", "a\u{202e}txt.exe", "a\u{200b}b", "\u{feff}a", "a\u{7f}", "a\u{2028}b"]
        {
            assert!(matches!(ArtifactPath::parse(hidden), Err(BadPath::Hidden { .. })), "{hidden:?}");
        }
        assert_eq!(ArtifactPath::parse(&"a/".repeat(600)), Err(BadPath::TooLong));
        assert_eq!(ArtifactPath::parse(&"a".repeat(256)), Err(BadPath::TooLong));
        assert!(ArtifactPath::parse(&"a".repeat(255)).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_let_through_stays_below_its_folder(text in "[a./\\\\: ]{0,12}") {
            if let Ok(path) = ArtifactPath::parse(&text) {
                let below = std::path::Path::new("/base").join(path.as_str());
                let only_names = below.components().skip(2).all(|it| matches!(it, std::path::Component::Normal(_)));
                prop_assert!(below.starts_with("/base") && only_names, "{text:?}");
            }
        }
    }
}
