//! The one error of the system, as this API words it.

use async_graphql::{ErrorExtensionValues, Pos, Value};
use countersign_control::{Error, RETRY_AFTER};
use countersign_domain::Refusal;
use countersign_domain::text::FieldError;
use http::StatusCode;

/// What callers without an accepted credential are told first; the words that clients of Buildkite's API look for.
const AUTHENTICATION_REQUIRED: &str =
    "Authentication required. Please supply a valid API Access Token: a user token, as `Authorization: Bearer VALUE`.";

/// An error as it is answered.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 200 for what belongs to one field; otherwise the whole answer has this status.
    pub status: StatusCode,
    pub message: String,
    pub extensions: ErrorExtensionValues,
    /// In seconds.
    pub retry_after: Option<u64>,
    /// Where in the document.
    pub location: Option<Pos>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("type", kind);
        Self { status, message: message.into(), extensions, retry_after: None, location: None }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extensions.set(name, value);
        self
    }

    fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self.with("retryAfter", seconds)
    }

    /// An error before anything was executed. A token of another kind is no credential here.
    pub(crate) fn of_request(error: &Error) -> Self {
        match error {
            Error::Unauthenticated { reason, token } => unauthenticated(*reason, token.as_ref()),
            other => Self::of_field(other),
        }
    }

    /// Too much was spent.
    pub(crate) fn exhausted(message: String, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", message).after(seconds)
    }

    /// An error at a field.
    pub(crate) fn of_field(error: &Error) -> Self {
        match error {
            // Accepted, and not for this: an operator token at a field of an organization, a user token at one of the instance.
            Error::Unauthenticated { reason: Refusal::Kind, .. } => {
                Self::new(StatusCode::OK, "forbidden", Refusal::Kind.to_string()).with("reason", Refusal::Kind.as_str())
            }
            Error::Unauthenticated { reason, token } => unauthenticated(*reason, token.as_ref()),
            Error::Denied { action, .. } => {
                Self::new(StatusCode::OK, "forbidden", error.to_string()).with("action", *action)
            }
            Error::Unproved => Self::new(StatusCode::OK, "forbidden", error.to_string()),
            Error::NotFound(_) => Self::new(StatusCode::OK, "not_found", error.to_string()),
            Error::Invalid(fields) => {
                let fields: Vec<Value> = fields.iter().map(field).collect();
                Self::new(StatusCode::OK, "invalid", error.to_string()).with("fields", fields)
            }
            Error::Conflict(_) => Self::new(StatusCode::OK, "conflict", error.to_string()),
            Error::TooMany { retry_after, .. } => Self::exhausted(error.to_string(), retry_after.as_secs().max(1)),
            Error::Unavailable { code, message } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", *message)
                .with("code", *code)
                .after(RETRY_AFTER.as_secs()),
            Error::Internal(what) => {
                tracing::error!(%what, "internal error");
                let id = countersign_http::request_id().unwrap_or_default();
                let message = format!("Internal error. The server's log has more under the request's id {id}.");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message).with("requestId", id)
            }
        }
    }
}

fn field(field: &FieldError) -> Value {
    async_graphql::value!({ "field": field.field.clone(), "message": field.message.clone() })
}

/// Whoever holds a value whose secret verifies is told the reason; everything else gets one identical body.
fn unauthenticated(reason: Refusal, token: Option<&countersign_domain::PublicId>) -> Failure {
    let failure = |message| Failure::new(StatusCode::UNAUTHORIZED, "unauthenticated", message);
    match token {
        None => failure(AUTHENTICATION_REQUIRED.to_owned()),
        Some(token) => failure(format!("{AUTHENTICATION_REQUIRED} {reason}"))
            .with("reason", reason.as_str())
            .with("token", token.as_str()),
    }
}
