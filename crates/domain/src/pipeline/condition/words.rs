//! The words of a condition, each with where it stands.

use crate::text::shown;

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// `build.branch`, `true`, `includes`.
    Name(String),
    Text(String),
    Number(i64),
    Regex {
        pattern: String,
        flags: String,
    },
    /// One of `== != =~ !~ || && ! ( )`.
    Mark(&'static str),
}

/// A word and where it begins, in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub word: Word,
    pub at: usize,
}

/// The longer ones first.
const MARKS: [&str; 9] = ["==", "!=", "=~", "!~", "||", "&&", "!", "(", ")"];

/// Parts a condition into words.
pub(super) fn read(text: &str) -> Result<Vec<Placed>, String> {
    let mut source = Source { text, at: 1 };
    let mut words = Vec::new();
    loop {
        source.skip_blanks();
        let at = source.at;
        let Some(first) = source.peek() else { return Ok(words) };
        let word = match first {
            '"' | '\'' => source.quoted(first)?,
            '/' => source.regex()?,
            '-' | '0'..='9' => source.number()?,
            'a'..='z' | 'A'..='Z' | '_' => {
                Word::Name(source.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).to_owned())
            }
            _ => match MARKS.iter().find(|mark| source.text.starts_with(**mark)) {
                Some(mark) => {
                    source.take(mark.len());
                    Word::Mark(mark)
                }
                None => {
                    return Err(format!("has '{}' at character {at}, which means nothing there", first.escape_debug()));
                }
            },
        };
        words.push(Placed { word, at });
    }
}

struct Source<'a> {
    text: &'a str,
    /// Where the rest begins, in characters from 1.
    at: usize,
}

impl<'a> Source<'a> {
    fn peek(&self) -> Option<char> {
        self.text.chars().next()
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.text.split_at(bytes);
        self.text = rest;
        self.at += taken.chars().count();
        taken
    }

    fn take_while(&mut self, takes: impl Fn(char) -> bool) -> &'a str {
        let end = self.text.find(|c| !takes(c)).unwrap_or(self.text.len());
        self.take(end)
    }

    /// Blanks, and comments from `//` to the end of the line.
    fn skip_blanks(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.text.starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn number(&mut self) -> Result<Word, String> {
        let at = self.at;
        let sign = usize::from(self.text.starts_with('-'));
        let digits = self.text[sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(self.text.len() - sign);
        let written = self.take(sign + digits);
        let number = written
            .parse()
            .map_err(|_| format!("has '{}' at character {at}, which is not a whole number", shown(written)))?;
        Ok(Word::Number(number))
    }

    fn quoted(&mut self, quote: char) -> Result<Word, String> {
        let at = self.at;
        let mut text = String::new();
        let mut escaped = false;
        for (index, c) in self.text.char_indices().skip(1) {
            match c {
                _ if escaped => {
                    escaped = false;
                    match c {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        '\\' | '"' | '\'' => text.push(c),
                        // As in a shell: a backslash before anything else is a backslash.
                        _ => text.extend(['\\', c]),
                    }
                }
                '\\' => escaped = true,
                _ if c == quote => {
                    self.take(index + c.len_utf8());
                    return Ok(Word::Text(text));
                }
                _ => text.push(c),
            }
        }
        Err(format!("has a text without an end, from character {at}"))
    }

    fn regex(&mut self) -> Result<Word, String> {
        let at = self.at;
        let mut pattern = String::new();
        let mut escaped = false;
        for (index, c) in self.text.char_indices().skip(1) {
            match c {
                _ if escaped => {
                    escaped = false;
                    if c != '/' {
                        pattern.push('\\');
                    }
                    pattern.push(c);
                }
                '\\' => escaped = true,
                '/' => {
                    self.take(index + 1);
                    let flags = self.take_while(|c| c.is_ascii_alphanumeric()).to_owned();
                    return Ok(Word::Regex { pattern, flags });
                }
                _ => pattern.push(c),
            }
        }
        Err(format!("has a regular expression without an end, from character {at}"))
    }
}
