//! How this face says what went wrong.

use axum::Json;
use axum::response::{IntoResponse, Response};
use countersign_control::Error;
use countersign_domain::text::FieldError;
use countersign_domain::{PublicId, Refusal};
use countersign_wire::buildkite::ErrorBody;
use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

/// An error of an operation, with the status that agents decide on; or a call that makes no sense where it is made.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What an operation said.
    Of(Error),
    /// 400, in words that clients know.
    BadRequest(&'static str),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Of(error)
    }
}

#[derive(Serialize)]
struct Faults {
    message: String,
    errors: Vec<Fault>,
}

#[derive(Serialize)]
struct Fault {
    field: String,
    message: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Of(error) => error,
            Self::BadRequest(text) => return countersign_http::message(StatusCode::BAD_REQUEST, text),
        };
        let text = error.to_string();
        match error {
            Error::Unauthenticated { reason, token } => refusal(reason, token),
            Error::Denied { .. } | Error::Unproved => countersign_http::message(StatusCode::FORBIDDEN, &text),
            Error::NotFound(_) => countersign_http::message(StatusCode::NOT_FOUND, &text),
            Error::Invalid(fields) => faults(text, fields),
            // Agents know no 409; Buildkite answers 422 for a job in another state than the call needs.
            Error::Conflict(_) => countersign_http::message(StatusCode::UNPROCESSABLE_ENTITY, &text),
            Error::TooMany { retry_after, .. } => {
                let seconds = retry_after.as_secs().max(1).to_string();
                let answer = countersign_http::message(StatusCode::TOO_MANY_REQUESTS, &text);
                ([(RETRY_AFTER, seconds)], answer).into_response()
            }
            Error::Unavailable { code, message } => countersign_http::unavailable(code, message),
            Error::Internal(what) => {
                tracing::error!(%what, "internal error");
                countersign_http::internal()
            }
        }
    }
}

/// Whoever shows a value whose secret verified is told why it is refused; all others get one and the same body.
fn refusal(reason: Refusal, token: Option<PublicId>) -> Response {
    let body = ErrorBody {
        message: reason.to_string(),
        reason: Some(reason.as_str().to_owned()),
        token: token.map(|id| id.to_string()),
    };
    match reason {
        Refusal::Unknown | Refusal::Revoked | Refusal::Rotated | Refusal::Expired | Refusal::Kind => {
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Token")], Json(body)).into_response()
        }
        Refusal::Network | Refusal::Scope => (StatusCode::FORBIDDEN, Json(body)).into_response(),
        Refusal::Rate => {
            let seconds = countersign_control::RETRY_AFTER.as_secs().to_string();
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], Json(body)).into_response()
        }
    }
}

fn faults(message: String, fields: Vec<FieldError>) -> Response {
    let errors = fields.into_iter().map(|it| Fault { field: it.field, message: it.message }).collect();
    (StatusCode::UNPROCESSABLE_ENTITY, Json(Faults { message, errors })).into_response()
}
