//! A job's log as it may go to a terminal: text and colours, nothing that could do more.
//!
//! A log holds what a job wrote. Time stamps that agents put before each line, cursor movements, titles and whatever else begins with
//! an escape are taken out; a sequence may be cut by the end of a part, so the state is kept.

/// Longest colour sequence that is kept; a longer one is no colour.
const MAX_COLOUR: usize = 32;
const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Where in a sequence the log stands.
#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    /// After an escape.
    Escape,
    /// In a control sequence that may be a colour, with what came so far.
    Control(Vec<u8>),
    /// In one that is none.
    OtherControl,
    /// In a string, which ends with a bell or an escape and a backslash.
    String,
    /// After an escape in a string.
    StringEscape,
    /// After the first byte of what may be a control character beyond ASCII.
    Second,
}

/// Takes parts of a log, one after the other.
#[derive(Debug, Default)]
pub(super) struct LogText(State);

impl LogText {
    /// What may be shown of the next part.
    pub fn clean(&mut self, part: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(part.len());
        for &byte in part {
            self.0 = step(std::mem::take(&mut self.0), byte, &mut out);
        }
        out
    }
}

fn step(state: State, byte: u8, out: &mut Vec<u8>) -> State {
    match state {
        State::Text => text(byte, out),
        State::Escape => match byte {
            b'[' => State::Control(Vec::new()),
            // Device control, operating system command, privacy message, application command, start of string.
            b'P' | b']' | b'^' | b'_' | b'X' => State::String,
            ESCAPE => State::Escape,
            // Two-byte sequences, and intermediate bytes of longer ones.
            0x20..=0x2f => State::Escape,
            _ => State::Text,
        },
        State::Control(mut so_far) => match byte {
            b'm' => {
                out.extend([ESCAPE, b'[']);
                out.append(&mut so_far);
                out.push(b'm');
                State::Text
            }
            b'0'..=b'9' | b';' | b':' if so_far.len() < MAX_COLOUR => {
                so_far.push(byte);
                State::Control(so_far)
            }
            0x20..=0x3f => State::OtherControl,
            ESCAPE => State::Escape,
            _ => State::Text,
        },
        State::OtherControl => match byte {
            0x20..=0x3f => State::OtherControl,
            ESCAPE => State::Escape,
            _ => State::Text,
        },
        State::String => match byte {
            BELL => State::Text,
            ESCAPE => State::StringEscape,
            // A string that was never ended must not swallow the log.
            b'\n' => text(byte, out),
            _ => State::String,
        },
        State::StringEscape => match byte {
            b'\\' => State::Text,
            ESCAPE => State::StringEscape,
            _ => step(State::Escape, byte, out),
        },
        State::Second => {
            if (0x80..=0x9f).contains(&byte) {
                return State::Text;
            }
            out.push(0xc2);
            text(byte, out)
        }
    }
}

fn text(byte: u8, out: &mut Vec<u8>) -> State {
    match byte {
        ESCAPE => State::Escape,
        0xc2 => State::Second,
        b'\n' | b'\r' | b'\t' => {
            out.push(byte);
            State::Text
        }
        0..0x20 | 0x7f => State::Text,
        _ => {
            out.push(byte);
            State::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(log: &str) -> String {
        String::from_utf8(LogText::default().clean(log.as_bytes())).expect("UTF-8 stays UTF-8")
    }

    #[test]
    fn text_and_colours_stay_and_the_rest_goes() {
        assert_eq!(whole("\u{1b}_bk;t=1795349060042\u{7}hello\n"), "hello\n");
        assert_eq!(whole("\u{1b}[31;1mred\u{1b}[0m\r\n\tend"), "\u{1b}[31;1mred\u{1b}[0m\r\n\tend");
        assert_eq!(whole("a\u{1b}[2Jb\u{1b}[10;10Hc\u{1b}[?25ld"), "abcd");
        assert_eq!(whole("\u{1b}]0;title\u{1b}\\x\u{1b}]52;c;aGk=\u{7}y"), "xy");
        assert_eq!(whole("a\u{8}\u{7}\u{0}b\u{9b}31mc"), "ab31mc");
        assert_eq!(whole("äöü © ✓"), "äöü © ✓");
        assert_eq!(whole("\u{1b}]never ended\nnext"), "\nnext");
        assert_eq!(whole(&format!("\u{1b}[{}m!", "1;".repeat(100))), "!");
    }

    #[test]
    fn a_sequence_may_be_cut_anywhere() {
        let log = "\u{1b}_bk;t=17\u{7}\u{1b}[32mok\u{1b}[0m ©\u{85}\n".as_bytes();
        let expected = LogText::default().clean(log);
        for cut in 0..log.len() {
            let mut text = LogText::default();
            let mut shown = text.clean(&log[..cut]);
            shown.extend(text.clean(&log[cut..]));
            assert_eq!(shown, expected, "cut at {cut}");
        }
    }
}
