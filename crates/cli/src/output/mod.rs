//! What a command says: results on standard output, talk on standard error.

mod table;

use std::io::{self, Write};

use serde::Serialize;

use crate::{Failure, failure::Outcome};

pub use table::{Table, brief, local_time};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON value, for programs.
    Json,
}

/// Where a command writes.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    format: Format,
}

impl Printer {
    /// Writes results in this format.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Whether a program reads the results.
    #[must_use]
    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// The result: `value` for programs, `text` for people.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Outcome<()> {
        let mut out = match self.format {
            Format::Json => serde_json::to_string_pretty(value).map_err(Failure::internal)?,
            Format::Text => text(),
        };
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        self.write(out.as_bytes())
    }

    /// One line of a result that comes in pieces, as it is.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn write(self, bytes: &[u8]) -> Outcome<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|error| Failure::internal(format!("standard output cannot be written to: {error}")))
    }

    /// Tells people something. That nobody can be told is no failure.
    pub fn say(self, text: impl std::fmt::Display) {
        writeln!(io::stderr().lock(), "{text}").ok();
    }
}

/// Lets a text from elsewhere onto a person's terminal: control characters, which could move the cursor or rename the window,
/// are shown as `\u{…}`.
#[must_use]
pub fn harmless(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() && c != '\n' && c != '\t' {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

/// `1 key`, `2 keys`.
#[must_use]
pub fn counted(count: impl std::fmt::Display, what: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::{counted, harmless};

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2, 11].map(|count| counted(count, "key")), ["0 keys", "1 key", "2 keys", "11 keys"]);
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(harmless("a\u{1b}[2Jb\tc\n"), "a\\u{1b}[2Jb\tc\n");
    }
}
