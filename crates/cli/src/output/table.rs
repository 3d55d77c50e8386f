//! A table for people.

use std::fmt::Write as _;

use countersign_domain::Timestamp;

use super::harmless;

/// Rows of text under headings, each column as wide as it must be.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| harmless(&cell).replace('\n', " ")).collect());
    }

    /// Whether there is nothing under the headings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The text.
    #[must_use]
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                write!(line, "{cell:width$}  ").ok();
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Characters of a text that a table has room for.
const BRIEF: usize = 60;

/// A text that may be long, such as a description, where a table has room for its start: no row is wider for one that says much. JSON has all of it.
#[must_use]
pub fn brief(text: &str) -> String {
    match text.char_indices().nth(BRIEF) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

/// A moment as people read it, to the second, in UTC.
#[must_use]
pub fn local_time(at: Option<&str>) -> String {
    let Some(at) = at else { return "-".to_owned() };
    at.parse::<Timestamp>()
        .map_or_else(|_| at.to_owned(), |at| Timestamp::from_micros(at.as_secs().saturating_mul(1_000_000)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let mut table = Table::new(&["id", "state"]);
        table.row(["a".to_owned(), "lost\u{7}".to_owned()]);
        table.row(["long".to_owned(), "ok".to_owned()]);
        assert_eq!(table.render(), "id    state\na     lost\\u{7}\nlong  ok\n");
    }

    #[test]
    fn a_long_text_takes_as_much_room_as_there_is() {
        assert_eq!(
            [brief(""), brief("runners"), brief(&"ä".repeat(BRIEF))],
            ["".to_owned(), "runners".to_owned(), "ä".repeat(BRIEF)]
        );
        let long = brief(&"👩 ".repeat(1_000));
        assert!(long.ends_with("👩…") && long.chars().count() <= BRIEF + 1, "{long}");
    }

    #[test]
    fn times_are_cut_to_the_second() {
        assert_eq!(local_time(Some("2026-01-02T03:04:05.678Z")), "2026-01-02T03:04:05Z");
        assert_eq!(local_time(None), "-");
    }
}
