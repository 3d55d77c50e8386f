//! Reading a log's bytes as text, in whatever parts they come.

/// The most header times of one answer.
const MAX_HEADER_TIMES: usize = 10_000;
/// How much of a line's beginning is looked at for its time and its header.
const MAX_LINE_HEAD: usize = 256;

/// Bytes to text; what is no UTF-8 is replaced. A character that is cut in two waits for its other half.
#[derive(Default)]
pub(super) struct Lossy {
    tail: Vec<u8>,
}

impl Lossy {
    pub(super) fn push(&mut self, part: &[u8]) -> String {
        self.tail.extend_from_slice(part);
        let open = match self.tail.utf8_chunks().last() {
            // Only an invalid piece at the very end can be a character's first half.
            Some(last) if is_first_half(last.invalid()) => last.invalid().len(),
            _ => 0,
        };
        let open = self.tail.split_off(self.tail.len() - open);
        let text = String::from_utf8_lossy(&self.tail).into_owned();
        self.tail = open;
        text
    }

    pub(super) fn end(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.tail)).into_owned()
    }
}

/// Whether bytes could become a character with more behind them.
fn is_first_half(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Text without what a terminal acts on: colours, links, marks of the agent.
#[derive(Default)]
pub(super) struct Plain {
    at: Place,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// Behind a carriage return: it begins a line, unless one begins anyway.
    Return,
    /// Behind ESC.
    Escape,
    /// In a sequence that ends at its first letter or so.
    Sequence,
    /// In a text for the terminal, which ends at BEL or ESC.
    Private,
    /// Behind an ESC in there.
    PrivateEscape,
}

impl Plain {
    pub(super) fn push(&mut self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            if self.at == Place::Return {
                self.at = Place::Text;
                plain.push('\n');
                if c == '\n' {
                    continue;
                }
            }
            self.at = match (self.at, c) {
                (Place::Text | Place::Return, '\u{1b}') => Place::Escape,
                (Place::Text | Place::Return, '\r') => Place::Return,
                (Place::Text | Place::Return, c) => {
                    if matches!(c, '\n' | '\t') || !c.is_control() {
                        plain.push(c);
                    }
                    Place::Text
                }
                (Place::Escape, '[') => Place::Sequence,
                (Place::Escape, ']' | '_' | 'P' | '^' | 'X') => Place::Private,
                (Place::Escape, '\u{1b}') => Place::Escape,
                // Of the others that begin so, one more character is all.
                (Place::Escape, _) => Place::Text,
                (Place::Sequence, '\u{40}'..='\u{7e}') => Place::Text,
                (Place::Sequence, '\u{20}'..='\u{3f}') => Place::Sequence,
                // Broken off.
                (Place::Sequence, '\u{1b}') => Place::Escape,
                (Place::Sequence, _) => Place::Text,
                (Place::Private, '\u{7}') => Place::Text,
                (Place::Private, '\u{1b}') => Place::PrivateEscape,
                (Place::Private, _) => Place::Private,
                (Place::PrivateEscape, '\\') => Place::Text,
                (Place::PrivateEscape, '\u{1b}') => Place::PrivateEscape,
                (Place::PrivateEscape, _) => Place::Private,
            };
        }
        plain
    }
}

/// Text as it stands between tags.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// When each group of the log began: the times that agents write before the lines that begin one, in nanoseconds.
#[derive(Default)]
pub(super) struct HeaderTimes {
    /// The beginning of the line under way.
    line: Vec<u8>,
    times: Vec<i64>,
}

impl HeaderTimes {
    pub(super) fn push(&mut self, part: &[u8]) {
        let mut lines = part.split(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            let room = MAX_LINE_HEAD - self.line.len();
            self.line.extend_from_slice(&line[..line.len().min(room)]);
            if lines.peek().is_some() {
                self.close_line();
            }
        }
    }

    /// At most [`MAX_HEADER_TIMES`] of them.
    pub(super) fn end(&mut self) -> Vec<i64> {
        self.close_line();
        std::mem::take(&mut self.times)
    }

    fn close_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let (mut rest, mut millis) = (line.as_slice(), None);
        while let Some((time, behind)) = stamp(rest) {
            (rest, millis) = (behind, Some(time));
        }
        let begins_group = [b"--- ", b"+++ ", b"~~~ "].iter().any(|mark| rest.starts_with(*mark));
        if let Some(millis) = millis.filter(|_| begins_group && self.times.len() < MAX_HEADER_TIMES) {
            self.times.push(millis);
        }
    }
}

/// The time, in nanoseconds, that a line begins with, and what is behind it.
fn stamp(line: &[u8]) -> Option<(i64, &[u8])> {
    let rest = line.strip_prefix(b"\x1b_bk;t=")?;
    let end = rest.iter().position(|byte| *byte == 7)?;
    let millis: i64 = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    Some((millis.checked_mul(1_000_000)?, &rest[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_replaced_and_nothing_waits_for_ever() {
        let mut text = Lossy::default();
        assert_eq!(text.push(b"a\xff\xe2\x82"), "a\u{fffd}");
        assert_eq!(text.push(b"\xacb\xf0"), "\u{20ac}b");
        assert_eq!(text.push(b"c"), "\u{fffd}c");
        assert_eq!((text.push(b"\xe2"), text.end()), (String::new(), "\u{fffd}".to_owned()));
    }

    #[test]
    fn lines_that_were_written_over_stand_below_each_other() {
        assert_eq!(Plain::default().push("10%\r50%\r\nend\r"), "10%\n50%\nend");
        assert_eq!(Plain::default().push("\u{1b}Pq\u{1b}\\a\u{1b}(b\u{8}c\u{1b}[12"), "abc");
    }

    #[test]
    fn only_stamped_lines_that_begin_a_group_count() {
        let mut times = HeaderTimes::default();
        times.push(b"\x1b_bk;t=1\x07~~~ one\n\x1b_bk;t=2\x07text\n--- unstamped\n\x1b_bk;t=3\x07\x1b_bk;t=4\x07+++");
        times.push(b" two\n\x1b_bk;t=x\x07--- odd");
        assert_eq!(times.end(), [1_000_000, 4_000_000]);
    }
}
