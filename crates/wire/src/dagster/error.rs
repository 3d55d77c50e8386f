//! Errors as Dagster passes them on.

use serde::{Deserialize, Serialize};

/// An exception, with what it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__class__", rename = "SerializableErrorInfo")]
pub struct ErrorInfo {
    /// What is said to people.
    pub message: String,
    /// The lines of its stack, each with its line break.
    #[serde(default)]
    pub stack: Vec<String>,
    /// The exception's class.
    #[serde(default)]
    pub cls_name: Option<String>,
    /// What it was raised from.
    #[serde(default)]
    pub cause: Option<Box<ErrorInfo>>,
    /// What was being dealt with when it was raised.
    #[serde(default)]
    pub context: Option<Box<ErrorInfo>>,
}

impl ErrorInfo {
    /// An exception that came from nothing else.
    #[must_use]
    pub fn new(message: &str) -> Self {
        Self { message: message.to_owned(), stack: Vec::new(), cls_name: None, cause: None, context: None }
    }

    /// The stack, and beneath it the causes with theirs.
    #[must_use]
    pub fn trace(&self) -> String {
        let mut text = self.stack.concat();
        let mut next = self.cause.as_deref().or(self.context.as_deref());
        while let Some(error) = next {
            text.push_str("Behind it: ");
            text.push_str(error.message.trim_end());
            text.push('\n');
            for line in &error.stack {
                text.push_str(line);
            }
            next = error.cause.as_deref().or(error.context.as_deref());
        }
        text
    }
}

/// An error that an agent has met, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "__class__")]
pub struct TimestampedError {
    /// Seconds since the epoch, by the agent's clock.
    #[serde(default)]
    pub timestamp: Option<f64>,
    /// What it was.
    pub error: ErrorInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_down_to_the_first_cause() {
        let first = ErrorInfo { stack: vec!["  file two\n".to_owned()], ..ErrorInfo::new("no disk\n") };
        let error = ErrorInfo {
            stack: vec!["  file one\n".to_owned()],
            cause: Some(Box::new(first)),
            context: Some(Box::new(ErrorInfo::new("not shown"))),
            ..ErrorInfo::new("cannot load")
        };
        assert_eq!(error.trace(), "  file one\nBehind it: no disk\n  file two\n");
        assert_eq!(ErrorInfo::new("m").trace(), "");
    }
}
