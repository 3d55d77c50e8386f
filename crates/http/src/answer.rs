//! Answers that no operation gave: no such route, too large, too late.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::Serialize;

#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// `{"message": …}` with a status.
#[must_use]
pub fn message(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(Message { message: text, code: None, request_id: None })).into_response()
}

/// There is no such route.
pub async fn not_found() -> Response {
    message(StatusCode::NOT_FOUND, "Not found")
}

pub(crate) async fn method_not_allowed() -> Response {
    message(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
}

/// A passing state of the server, with a stable word for it.
#[must_use]
pub fn unavailable(code: &str, text: &str) -> Response {
    let body = Message { message: text, code: Some(code), request_id: None };
    let retry_after = countersign_control::RETRY_AFTER.as_secs().to_string();
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, retry_after)], axum::Json(body)).into_response()
}

/// A fault of ours: its number in the log, and nothing else.
#[must_use]
pub fn internal() -> Response {
    let id = crate::request_id();
    let body = Message { message: "Internal error", code: None, request_id: id.as_deref() };
    (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body)).into_response()
}
