//! Dagster's own form of JSON.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

/// A member of one of Dagster's enums: `{"__enum__": "WorkerStatus.FAILED"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    #[serde(rename = "__enum__")]
    full: String,
}

impl Member {
    /// The member `name` of the enum `class`.
    #[must_use]
    pub fn new(class: &str, name: &str) -> Self {
        Self { full: format!("{class}.{name}") }
    }

    /// The member's own name, such as `FAILED`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.full.rsplit('.').next().unwrap_or(&self.full)
    }
}

/// A text is not what it should be. The words repeat nothing of it, for it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    class: &'static str,
    what: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot be read as Dagster's {}: {}", self.class, self.what)
    }
}

impl std::error::Error for Unreadable {}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "__class__")]
    class: Option<String>,
}

/// Reads an object of a class.
///
/// # Errors
/// [`Unreadable`] for what is not JSON, an object of another class, and one that lacks something or holds something of another kind.
pub(super) fn read<T: DeserializeOwned>(class: &'static str, text: &str) -> Result<T, Unreadable> {
    let unreadable = |error: &serde_json::Error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let what = match error.classify() {
            Category::Eof => format!("it ends in the middle ({place})"),
            Category::Data => format!("a value is missing or is of another kind ({place})"),
            Category::Syntax | Category::Io => format!("it is not valid JSON ({place})"),
        };
        Unreadable { class, what }
    };
    let head: Head = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if head.class.as_deref() != Some(class) {
        return Err(Unreadable { class, what: "its __class__ is another one".to_owned() });
    }
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Thing {
        kind: Member,
    }

    fn fault(text: &str) -> String {
        read::<Thing>("Thing", text).expect_err(text).to_string()
    }

    #[test]
    fn a_member_has_a_name() {
        let thing: Thing = read("Thing", r#"{"kind": {"__enum__": "Kind.LARGE"}, "new": [1], "__class__": "Thing"}"#)
            .expect("it is a thing");
        assert_eq!((thing.kind.name(), &thing.kind), ("LARGE", &Member::new("Kind", "LARGE")));
    }

    #[test]
    fn what_is_wrong_is_said_and_nothing_is_repeated() {
        for (text, said) in [
            ("", "it ends in the middle (line 1, column 0)"),
            (r#"{"__class__": "Thing""#, "it ends in the middle (line 1, column 21)"),
            ("hunter2", "it is not valid JSON (line 1, column 1)"),
            ("{}", "its __class__ is another one"),
            (r#"{"__class__": "Hunter2"}"#, "its __class__ is another one"),
            (r#"{"__class__": "Thing"}"#, "a value is missing or is of another kind (line 1, column 22)"),
            (
                r#"{"__class__": "Thing", "kind": "hunter2"}"#,
                "a value is missing or is of another kind (line 1, column 40)",
            ),
            ("[]", "a value is missing or is of another kind (line 1, column 2)"),
        ] {
            assert_eq!(fault(text), format!("cannot be read as Dagster's Thing: {said}"), "{text}");
        }
        assert!(fault(&"[".repeat(100_000)).contains("not valid JSON") || fault(&"[".repeat(100_000)).contains("kind"));
    }
}
