//! Annotations: notes in Markdown that a job leaves on its build.

use std::{fmt, str::FromStr};

use crate::text::{BadText, check_line};

/// Most bytes of a body: 1 MiB, as Buildkite's agent enforces.
pub const MAX_BODY: usize = 1024 * 1024;
/// Most characters of a context.
pub const MAX_CONTEXT: usize = 100;

/// How an annotation looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Style {
    /// No colour.
    #[default]
    Default,
    /// Good news.
    Success,
    /// News.
    Info,
    /// Something to look at.
    Warning,
    /// Something broke.
    Error,
}

impl Style {
    /// Every style, in the order of declaration.
    pub const ALL: [Self; 5] = [Self::Default, Self::Success, Self::Info, Self::Warning, Self::Error];

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Success => "success",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no style.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a style: success, info, warning or error")]
pub struct NotAStyle;

impl FromStr for Style {
    type Err = NotAStyle;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|style| style.as_str() == text).ok_or(NotAStyle)
    }
}

/// Names an annotation within its build: a second one with the same context changes the first. 1 to 100 characters of one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Context(String);

impl Context {
    /// Checks the text and keeps it.
    ///
    /// # Errors
    /// [`BadText`] says what is wrong and what to do.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        check_line(text, MAX_CONTEXT)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Context {
    /// The context of an annotation that names none: `default`.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

/// Where an annotation stands among others: 1 to 10, 10 first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    /// 3, as in Buildkite's command.
    fn default() -> Self {
        Self(3)
    }
}

/// The number is no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a priority: a whole number from 1 to 10")]
pub struct NotAPriority;

impl TryFrom<i64> for Priority {
    type Error = NotAPriority;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        u8::try_from(number).ok().filter(|n| (1..=10).contains(n)).map(Self).ok_or(NotAPriority)
    }
}

/// Checks the Markdown of an annotation.
///
/// # Errors
/// [`BadText`] for a body above [`MAX_BODY`] and for NUL, which no database column takes.
pub fn check_body(body: &str) -> Result<(), BadText> {
    if body.len() > MAX_BODY {
        return Err(BadText::Shape("has more than 1 MiB; shorten it, or upload it as a file and link to that"));
    }
    if body.contains('\0') {
        return Err(BadText::Shape("holds a NUL character; remove it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_read_back() {
        for style in Style::ALL {
            assert_eq!(style.as_str().parse(), Ok(style));
        }
        assert_eq!("danger".parse::<Style>(), Err(NotAStyle));
    }

    #[test]
    fn limits_hold() {
        assert_eq!(Priority::try_from(10).map(Priority::get), Ok(10));
        for number in [0, 11, -1, 257, i64::MAX] {
            assert_eq!(Priority::try_from(number), Err(NotAPriority));
        }
        assert!(Context::parse(&"a".repeat(100)).is_ok());
        assert_eq!(Context::parse(&"a".repeat(101)), Err(BadText::TooLong { count: 101, limit: 100 }));
        assert_eq!(Context::parse(""), Err(BadText::Empty));
        assert!(check_body(&"a".repeat(MAX_BODY)).is_ok());
        assert!(check_body(&"a".repeat(MAX_BODY + 1)).is_err());
        assert!(check_body("a\nb").is_ok());
        assert!(check_body("a\0b").is_err());
    }
}
