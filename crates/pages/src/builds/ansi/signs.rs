//! What a line holds, taken from its front.

use std::str::Chars;

/// The most characters of a sequence with parameters; a longer one ends there.
const MAX_SEQUENCE: usize = 64;
/// The most bytes of a sequence that holds a text; the sign behind them is gone with it.
const MAX_STRING: usize = 4_096;

/// The rest of a line.
pub(super) struct Signs<'a>(Chars<'a>);

impl<'a> Signs<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.chars())
    }

    pub(super) fn next(&mut self) -> Option<char> {
        self.0.next()
    }

    fn next_if(&mut self, is_wanted: impl FnOnce(char) -> bool) -> Option<char> {
        let mut rest = self.0.clone();
        let sign = rest.next().filter(|sign| is_wanted(*sign))?;
        self.0 = rest;
        Some(sign)
    }

    /// Takes what is shown as it is: all before the next control sign other than a tab. Logs are that for the most part, and it is taken in
    /// one go.
    pub(super) fn plain(&mut self) -> &'a str {
        let rest = self.0.as_str();
        let mut end = 0;
        while let Some(length) =
            rest.as_bytes().get(end..).and_then(|rest| rest.iter().position(|byte| may_control(*byte)))
        {
            end += length;
            match rest.get(end..).and_then(|rest| rest.chars().next()) {
                Some(sign) if sign == '\t' || !sign.is_control() => end += sign.len_utf8(),
                _ => return self.take(end),
            }
        }
        self.take(rest.len())
    }

    /// Takes so many bytes, which end between two characters.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.0.as_str().split_at_checked(bytes).unwrap_or((self.0.as_str(), ""));
        self.0 = rest.chars();
        taken
    }

    /// What was taken since there was so much of the rest, without the last `left_out` bytes.
    fn since(&self, before: &'a str, left_out: usize) -> &'a str {
        before.get(..before.len() - self.0.as_str().len() - left_out).unwrap_or_default()
    }

    /// The parameters of a sequence, and the letter that ends it.
    pub(super) fn sequence(&mut self) -> (&'a str, Option<char>) {
        let before = self.0.as_str();
        while let Some(sign) = self.next_if(|sign| (' '..='~').contains(&sign)) {
            let parameters = self.since(before, sign.len_utf8());
            if ('@'..='~').contains(&sign) {
                return (parameters, Some(sign));
            }
            if parameters.len() >= MAX_SEQUENCE {
                return (parameters, None);
            }
        }
        (self.since(before, 0), None)
    }

    /// The text of a sequence that holds one, up to its end: a bell, or what ends a string.
    pub(super) fn string(&mut self) -> &'a str {
        let before = self.0.as_str();
        while let Some(sign) = self.next() {
            let text = self.since(before, sign.len_utf8());
            if sign == '\u{1b}' {
                self.next_if(|sign| sign == '\\');
            }
            if matches!(sign, '\u{7}' | '\u{9c}' | '\u{1b}') || text.len() >= MAX_STRING {
                return text;
            }
        }
        self.since(before, 0)
    }
}

/// Whether a control sign may begin with this byte: those of one byte, and those from U+0080 on, which share their first byte with other signs.
const fn may_control(byte: u8) -> bool {
    byte < b' ' || byte == 0x7f || byte == 0xc2
}
