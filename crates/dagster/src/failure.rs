//! How this face says what went wrong: a status, and words that an agent shows its operator.

use std::fmt;

use axum::Json;
use axum::response::{IntoResponse, Response};
use countersign_control::Error;
use countersign_domain::{PublicId, Refusal};
use countersign_http::BadBody;
use countersign_wire::dagster::{RefusalBody, TOKEN_HEADER};
use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};

/// What a caller whose credential is not known is told to do about it.
const HOW: &str = "Set `agent_token` under `dagster_cloud_api` in dagster.yaml to an agent token of this server.";

/// Why nothing was done.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// What an operation said.
    Of(Error),
    /// The token reaches nothing, or not all, of what the call names.
    Withheld {
        /// What it does not reach.
        words: String,
        /// Its public id.
        token: PublicId,
    },
    /// A part of the body is too large. The agent sends a heartbeat once more without stack traces then.
    TooLarge(String),
    /// A document that is not taken here.
    Document(String),
    /// The body is not one of a call.
    Body(BadBody),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Of(error)
    }
}

impl From<BadBody> for Failure {
    fn from(body: BadBody) -> Self {
        Self::Body(body)
    }
}

/// For the library, which asks for words of its errors; what is answered is made below.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(error) => error.fmt(f),
            Self::Withheld { words, .. } | Self::TooLarge(words) | Self::Document(words) => f.write_str(words),
            Self::Body(_) => f.write_str("the body cannot be read"),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Of(error) => of_operation(error),
            Self::Withheld { words, token } => refusal(Refusal::Scope, words, Some(token)),
            Self::TooLarge(words) => countersign_http::message(StatusCode::PAYLOAD_TOO_LARGE, &words),
            Self::Document(words) => countersign_http::message(StatusCode::BAD_REQUEST, &words),
            Self::Body(body) => body.into_response(),
        }
    }
}

fn of_operation(error: Error) -> Response {
    let text = error.to_string();
    match error {
        Error::Unauthenticated { reason: Refusal::Unknown, token } => {
            refusal(Refusal::Unknown, format!("{text} {HOW}"), token)
        }
        Error::Unauthenticated { reason, token } => refusal(reason, text, token),
        Error::Denied { .. } => countersign_http::message(StatusCode::FORBIDDEN, &text),
        Error::NotFound(_) => countersign_http::message(StatusCode::NOT_FOUND, &text),
        // An agent tries a 409 six times again, and stands still meanwhile.
        Error::Invalid(_) | Error::Conflict(_) => countersign_http::message(StatusCode::UNPROCESSABLE_ENTITY, &text),
        // What does not pass by itself. A 429 would be tried six times again, and the agent stands still meanwhile.
        Error::TooMany { .. } => countersign_http::message(StatusCode::FORBIDDEN, &text),
        Error::Unavailable { code, message } => countersign_http::unavailable(code, message),
        Error::Internal(what) => {
            tracing::error!(%what, "internal error");
            countersign_http::internal()
        }
    }
}

fn refusal(reason: Refusal, message: String, token: Option<PublicId>) -> Response {
    let body = RefusalBody { message, reason: Some(reason.as_str().to_owned()), token: token.map(|id| id.to_string()) };
    match reason {
        Refusal::Unknown | Refusal::Revoked | Refusal::Rotated | Refusal::Expired | Refusal::Kind => {
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, TOKEN_HEADER)], Json(body)).into_response()
        }
        Refusal::Network | Refusal::Scope => (StatusCode::FORBIDDEN, Json(body)).into_response(),
        Refusal::Rate => {
            let seconds = countersign_control::RETRY_AFTER.as_secs().to_string();
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], Json(body)).into_response()
        }
    }
}
