//! Pictures of numbers, drawn on the server: a column for each, and a table that says the same.

use askama::Template;
use askama::filters::HtmlSafe;

/// The height of the tallest column, and the width of the whole, in units of the picture.
const HEIGHT: usize = 120;
const WIDTH: usize = 960;
/// What is left of a column's place on each side.
const BESIDE: usize = 1;
/// How many words stand below the columns at the most.
const MARKS: usize = 6;

/// Columns of one kind.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/columns.html")]
pub(crate) struct Columns {
    /// What the picture is of.
    label: String,
    /// What each column is of, and what its number counts.
    heads: [&'static str; 2],
    most: usize,
    columns: Vec<Column>,
    /// What stands below them: words of some, from the first to the last.
    marks: Vec<String>,
}

impl HtmlSafe for Columns {}

#[derive(Debug, Clone)]
struct Column {
    words: String,
    count: usize,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Columns {
    /// Of words and numbers, in their order.
    pub(crate) fn new(label: impl Into<String>, heads: [&'static str; 2], all: Vec<(String, usize)>) -> Self {
        let most = all.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let place = WIDTH / all.len().max(1);
        let every = all.len().div_ceil(MARKS).max(1);
        let mut marks: Vec<String> = all.iter().step_by(every).map(|(words, _)| words.clone()).collect();
        // The last place is that of the last column: what it ends with is what one looks for.
        if let (Some(mark), Some((words, _))) = (marks.last_mut(), all.last()) {
            mark.clone_from(words);
        }
        let columns = all.into_iter().enumerate().map(|(at, (words, count))| {
            // What is there at all is seen.
            let height = if count == 0 { 0 } else { (HEIGHT * count / most.max(1)).max(1) };
            let x = at * place;
            Column {
                words,
                count,
                x: x + BESIDE,
                y: HEIGHT - height,
                width: place.saturating_sub(2 * BESIDE).max(1),
                height,
            }
        });
        Self { label: label.into(), heads, most, columns: columns.collect(), marks }
    }
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};

    use super::*;

    #[test]
    fn columns_are_as_high_as_their_numbers() {
        let chart = Columns::new("x", ["a", "b"], vec![("a".to_owned(), 0), ("b".to_owned(), 5), ("c".to_owned(), 10)]);
        assert_eq!(chart.columns.iter().map(|it| it.height).collect::<Vec<_>>(), [0, HEIGHT / 2, HEIGHT]);
        assert_eq!(chart.columns.iter().map(|it| it.y + it.height).collect::<Vec<_>>(), [HEIGHT; 3]);
        let many = Columns::new("x", ["a", "b"], (0..48).map(|at| (at.to_string(), 1)).collect());
        assert_eq!(many.marks, ["0", "8", "16", "24", "32", "47"], "the last column is named");
        assert!(many.columns.iter().all(|it| it.x + it.width <= WIDTH));
        let nothing = Columns::new("Agents", ["a", "b"], vec![("a".to_owned(), 0)]).to_string();
        assert!(
            nothing.contains("Agents: none.") && !nothing.contains("<svg"),
            "nothing is said, not drawn: {nothing}"
        );
    }

    #[test]
    fn whatever_is_counted_stays_text() {
        for text in TEXTS {
            assert_inert(&Columns::new(*text, ["a", "b"], vec![((*text).to_owned(), 1)]).to_string(), text);
        }
    }
}
