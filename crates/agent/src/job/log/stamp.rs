//! Says of each line when it was written.

/// Writes `ESC _ bk;t=<milliseconds since the epoch> BEL` before each line, as agents do since 3.48. Servers and terminals hide it.
#[derive(Default)]
pub(super) struct LineStamp {
    /// Whether the last byte did not end its line.
    inside_line: bool,
}

impl LineStamp {
    /// Appends `bytes` to `log`; lines that begin in it began at `millis`.
    pub fn push(&mut self, bytes: &[u8], millis: i64, log: &mut Vec<u8>) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !self.inside_line {
                log.extend_from_slice(format!("\x1b_bk;t={millis}\x07").as_bytes());
            }
            log.extend_from_slice(line);
            self.inside_line = !line.ends_with(b"\n");
        }
    }

    /// Whether the next byte begins a line.
    pub const fn at_line_start(&self) -> bool {
        !self.inside_line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_stamped_once_however_it_comes() {
        let mut stamp = LineStamp::default();
        let mut log = Vec::new();
        for (bytes, millis) in [("a", 1), ("b\n\nc", 2), ("", 3), ("\n", 4), ("d", 5)] {
            stamp.push(bytes.as_bytes(), millis, &mut log);
        }
        let text = String::from_utf8(log).expect("text").replace('\x1b', "<").replace('\x07', ">");
        assert_eq!(text, "<_bk;t=1>ab\n<_bk;t=2>\n<_bk;t=2>c\n<_bk;t=5>d");
    }
}
