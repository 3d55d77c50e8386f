//! Limits of a document's text, before it is parsed.

use async_graphql::Pos;
use async_graphql::parser::Error;

use super::{MAX_BRACKETS, MAX_TEXT, TooMuch};

/// # Errors
/// [`TooMuch`] for a text that is too long or nested too deeply.
pub(super) fn check(query: &str) -> Result<(), TooMuch> {
    if query.len() > MAX_TEXT {
        return Err(TooMuch(format!("The query is longer than {MAX_TEXT} bytes, the most there may be.")));
    }
    if deepest(query) > MAX_BRACKETS {
        return Err(TooMuch(format!("The query has more than {MAX_BRACKETS} brackets open at once.")));
    }
    Ok(())
}

/// How many brackets are open at once, those in strings and comments left out.
fn deepest(query: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let skip = match c {
            '{' | '(' | '[' => {
                open += 1;
                deepest = deepest.max(open);
                1
            }
            '}' | ')' | ']' => {
                open = open.saturating_sub(1);
                1
            }
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' => string(rest),
            other => other.len_utf8(),
        };
        rest = rest.get(skip..).unwrap_or_default();
    }
    deepest
}

/// How many bytes a string takes that starts here; one that does not end takes the rest.
fn string(text: &str) -> usize {
    let (mark, escape) = if text.starts_with("\"\"\"") { ("\"\"\"", "\\\"\"\"") } else { ("\"", "\\") };
    let mut at = mark.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(escape) {
            // A plain string's escape covers the character behind it, a block string's only the three quotes.
            let covered = if mark.len() == 1 { rest.chars().nth(1).map_or(0, char::len_utf8) } else { 0 };
            at += escape.len() + covered;
        } else if rest.starts_with(mark) {
            return at + mark.len();
        } else if mark.len() == 1 && rest.starts_with('\n') {
            // A plain string ends with its line, whether it is closed or not.
            return at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// What is wrong with a document. The parser's own words show the line; a token's value may stand in it.
pub(super) fn words(error: &Error, place: Option<Pos>) -> String {
    let place = place.map(|pos| format!(" at line {}, column {}", pos.line, pos.column)).unwrap_or_default();
    match error {
        Error::Syntax { .. } => format!("The query cannot be read: syntax error{place}."),
        Error::RecursionLimitExceeded => "The query is nested too deeply.".to_owned(),
        other => format!("The query cannot be read: {other}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert_eq!(deepest("{ a(b: [1]) { c } }"), 3);
        assert_eq!(deepest("{ a(b: \"[[[[[[ \\\" [[[\") } # [[[[\n { "), 2);
        assert_eq!(deepest("{ a(b: \"\"\"[[[ \\\"\"\" [[ \" [ \"\"\") }"), 2);
        assert_eq!(deepest("\"[[[[[["), 0);
        assert_eq!(deepest("\"é\\é[\" ["), 1);
        assert_eq!(deepest("\"open\n[["), 2);
        assert_eq!(deepest("]]]}}}{"), 1);
    }

    #[test]
    fn what_would_break_the_parser_is_refused_before_it() {
        let deep = format!("{{ a(b: {}", "[".repeat(60_000));
        assert!(check(&deep).is_err());
        assert!(check(&"x".repeat(MAX_TEXT + 1)).is_err());
        assert!(check(&"x".repeat(MAX_TEXT)).is_ok());
    }
}
