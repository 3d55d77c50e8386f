//! How commands of a job tell what they changed: as text, as JSON, or not at all.

use clap::ValueEnum;
use serde_json::Value;

/// How a change is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ToldFormat {
    /// Text, by lines
    Plain,
    /// JSON on one line
    Json,
    /// JSON on several lines
    JsonPretty,
    /// Not at all
    Quiet,
}

/// What is printed of a change that has both forms.
pub(super) fn told(plain: String, json: &Value, format: ToldFormat) -> String {
    match format {
        ToldFormat::Plain => plain,
        ToldFormat::Json => json_text(json, false),
        ToldFormat::JsonPretty => json_text(json, true),
        ToldFormat::Quiet => String::new(),
    }
}

/// JSON as text, with the end of its line.
pub(super) fn json_text(value: &Value, pretty: bool) -> String {
    if pretty { format!("{value:#}\n") } else { format!("{value}\n") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_in_the_form_that_was_asked_for() {
        let of = |format| told("plain\n".to_owned(), &json!({ "a": 1 }), format);
        assert_eq!(of(ToldFormat::Plain), "plain\n");
        assert_eq!(of(ToldFormat::Json), "{\"a\":1}\n");
        assert_eq!(of(ToldFormat::JsonPretty), "{\n  \"a\": 1\n}\n");
        assert_eq!(of(ToldFormat::Quiet), "");
    }
}
