//! Limits of a document's text, before it is parsed.

use async_graphql::Pos;
use async_graphql::parser::Error;
use countersign_http::deepest_bracket;

use super::{MAX_BRACKETS, MAX_TEXT, TooMuch};

/// # Errors
/// [`TooMuch`] for a text that is too long or nested too deeply.
pub(super) fn check(query: &str) -> Result<(), TooMuch> {
    if query.len() > MAX_TEXT {
        return Err(TooMuch(format!("The query is longer than {MAX_TEXT} bytes, the most there may be.")));
    }
    if deepest_bracket(query) > MAX_BRACKETS {
        return Err(TooMuch(format!("The query has more than {MAX_BRACKETS} brackets open at once.")));
    }
    Ok(())
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
    fn what_would_break_the_parser_is_refused_before_it() {
        let deep = format!("{{ a(b: {}", "[".repeat(60_000));
        assert!(check(&deep).is_err());
        assert!(check(&"x".repeat(MAX_TEXT + 1)).is_err());
        assert!(check(&"x".repeat(MAX_TEXT)).is_ok());
    }
}
