//! How this face says what went wrong.

use axum::response::{IntoResponse, Response};
use countersign_control::Error;
use http::StatusCode;

use crate::{answer, message};

/// An error of an operation, as `{"message": …}`.
pub(super) struct Failure(pub Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let text = self.0.to_string();
        match self.0 {
            Error::Unauthenticated { .. } => message(StatusCode::UNAUTHORIZED, &text),
            Error::Denied { .. } | Error::Unproved => message(StatusCode::FORBIDDEN, &text),
            Error::NotFound(_) => message(StatusCode::NOT_FOUND, &text),
            Error::Invalid(_) => message(StatusCode::UNPROCESSABLE_ENTITY, &text),
            Error::Conflict(_) => message(StatusCode::CONFLICT, &text),
            Error::TooMany { .. } => message(StatusCode::TOO_MANY_REQUESTS, &text),
            Error::Unavailable { code, message } => answer::unavailable(code, message),
            Error::Internal(what) => {
                tracing::error!(%what, "internal error");
                answer::internal()
            }
        }
    }
}
