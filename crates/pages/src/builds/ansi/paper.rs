//! What a line is written on: runs with their looks, or a text alone.

use countersign_domain::Timestamp;

use super::Pen;

/// What a line is written on.
pub(super) trait Paper {
    /// Whether it matters how text looks.
    const HAS_LOOKS: bool;

    /// Writes some text.
    fn write(&mut self, pen: Pen, text: &str);
    /// Takes the last sign off.
    fn step_back(&mut self);
    /// Takes all off that has been written.
    fn wipe(&mut self);
    /// Notes when the line was written: the first time counts.
    fn stamp(&mut self, at: Timestamp);
}

/// A line while it is written: looks are compared by the million, and get their names once.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) runs: Vec<(Pen, String)>,
    pub(super) at: Option<Timestamp>,
}

impl Paper for Draft {
    const HAS_LOOKS: bool = true;

    fn write(&mut self, pen: Pen, text: &str) {
        match self.runs.last_mut() {
            Some((last, before)) if *last == pen => before.push_str(text),
            _ => self.runs.push((pen, text.to_owned())),
        }
    }

    fn step_back(&mut self) {
        if let Some((_, text)) = self.runs.last_mut() {
            text.pop();
            if text.is_empty() {
                self.runs.pop();
            }
        }
    }

    fn wipe(&mut self) {
        self.runs.clear();
    }

    fn stamp(&mut self, at: Timestamp) {
        self.at = self.at.or(Some(at));
    }
}

/// The text alone.
impl Paper for String {
    const HAS_LOOKS: bool = false;

    fn write(&mut self, _: Pen, text: &str) {
        self.push_str(text);
    }

    fn step_back(&mut self) {
        self.pop();
    }

    fn wipe(&mut self) {
        self.clear();
    }

    fn stamp(&mut self, _: Timestamp) {}
}
