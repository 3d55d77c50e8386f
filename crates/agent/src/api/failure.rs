//! How a call can fail.

use std::{error::Error as _, fmt, time::Duration};

use countersign_wire::buildkite::ErrorBody;

use crate::{AgentError, ErrorKind};

/// How much of an answer that cannot be read is shown, in bytes.
const EXCERPT: usize = 512;

/// The server answered, with a status that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Method and path, for messages.
    pub call: String,
    pub status: u16,
    pub message: String,
    /// Why a credential was refused, as one word.
    pub reason: Option<String>,
    /// The refused token's public id.
    pub token: Option<String>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The server said no.
    Refused(Refused),
    /// No answer, or only a part of one.
    Unreachable(String),
    /// The status is good and the body is not what it should be: a proxy's page, or an answer cut short.
    Undecodable(String),
    /// The answer is good and says that the matter is not decided yet.
    Pending {
        /// Method and path, for messages.
        call: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The call cannot be made, or its answer cannot be taken, however often it is tried.
    Local(String),
}

impl CallError {
    pub(super) fn refused(call: &str, status: u16, body: &[u8], retry_after: Option<Duration>) -> Self {
        let read: Option<ErrorBody> = serde_json::from_slice(body).ok();
        let (message, reason, token) = match read {
            Some(body) => (printable(&body.message), body.reason, body.token),
            None => (excerpt(body), None, None),
        };
        let one_word = |text: String| Some(printable(&text)).filter(|text| !text.is_empty() && text.len() <= 40);
        Self::Refused(Refused {
            call: call.to_owned(),
            status,
            message,
            reason: reason.and_then(one_word),
            token: token.and_then(one_word),
            retry_after,
        })
    }

    pub(super) fn unreachable(call: &str, base: &str, error: &reqwest::Error) -> Self {
        // The innermost cause says what happened; the outer ones repeat the address.
        let mut cause = error.source();
        while let Some(inner) = cause.and_then(|cause| cause.source()) {
            cause = Some(inner);
        }
        let problem = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            cause.map_or_else(|| "the connection failed".to_owned(), ToString::to_string)
        };
        Self::Unreachable(format!("{call} at {base}: {problem}"))
    }

    pub(super) fn undecodable(call: &str, error: &serde_json::Error, body: &[u8]) -> Self {
        // Where it went wrong, and no text of the body: it may hold a token.
        let detail = if body.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
        };
        Self::Undecodable(format!("{call}: the answer is not what it should be ({detail})"))
    }

    /// The status, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refused) => Some(refused.status),
            _ => None,
        }
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => refused.retry_after,
            Self::Pending { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether a later try may go better: 429, 5xx, no answer, or no readable one.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Refused(refused) => refused.status == 429 || refused.status >= 500,
            Self::Unreachable(_) | Self::Undecodable(_) | Self::Pending { .. } => true,
            Self::Local(_) => false,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.status)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match (&self.reason, &self.token) {
            (Some(reason), Some(token)) => write!(f, " ({reason}, token {token})"),
            (Some(reason), None) => write!(f, " ({reason})"),
            (None, Some(token)) => write!(f, " (token {token})"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Pending { call, .. } => write!(f, "{call}: the server has not decided yet"),
            Self::Unreachable(problem) | Self::Undecodable(problem) | Self::Local(problem) => f.write_str(problem),
        }
    }
}

impl From<CallError> for AgentError {
    fn from(error: CallError) -> Self {
        let kind = match &error {
            CallError::Refused(refused) => match refused.status {
                401 => ErrorKind::TokenRefused,
                403 => ErrorKind::Denied,
                404 => ErrorKind::NotFound,
                429 | 500.. => ErrorKind::Unavailable,
                _ => ErrorKind::BadInput,
            },
            CallError::Unreachable(_) | CallError::Undecodable(_) | CallError::Pending { .. } => ErrorKind::Unavailable,
            CallError::Local(_) => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

/// The beginning of an answer that is not JSON.
fn excerpt(body: &[u8]) -> String {
    printable(&String::from_utf8_lossy(body.get(..EXCERPT).unwrap_or(body)))
}

/// One line without control characters: the text goes to a terminal.
pub(crate) fn printable(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_refusal_is_read_whole() {
        let body = br#"{"message":"This token was revoked.","reason":"revoked","token":"4f9Kd0aZ81b"}"#;
        let error = CallError::refused("POST /register", 401, body, None);
        assert_eq!(error.to_string(), "POST /register: 401: This token was revoked. (revoked, token 4f9Kd0aZ81b)");
        assert!(!error.is_temporary());
        assert_eq!(AgentError::from(error).kind(), ErrorKind::TokenRefused);
    }

    #[test]
    fn a_page_is_quoted_without_its_control_characters() {
        let error = CallError::refused("GET /ping", 502, b"<html>\x1b[31m\nBad\x07 Gateway", None);
        assert_eq!(error.to_string(), "GET /ping: 502: <html> [31m Bad Gateway");
        assert!(error.is_temporary());
    }

    #[test]
    fn an_unreadable_answer_is_never_quoted() {
        let error = serde_json::from_slice::<ErrorBody>(b"{\"access_token\":\"secret").expect_err("cut short");
        let shown = CallError::undecodable("POST /register", &error, b"{\"access_token\":\"secret").to_string();
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_may_go_better_later() {
        let status = |status| CallError::refused("GET /x", status, b"", None).is_temporary();
        assert_eq!([429, 500, 503, 599].map(status), [true; 4]);
        assert_eq!([301, 400, 401, 403, 404, 410, 422, 423].map(status), [false; 8]);
    }
}
