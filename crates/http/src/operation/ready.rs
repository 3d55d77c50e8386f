//! Whether the server can do its work now.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::Edge;
use crate::limits::MAX_CLOCK_SKEW;

/// Each part in a word; the whole is `ready` when every part is `ok`, or is only short of space.
#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    database: &'static str,
    clock: &'static str,
    key_ring: &'static str,
}

/// 200 when the server is ready, 503 when it is not. Says which part is not, and no more: anyone may ask.
pub(super) async fn ready(State(edge): State<Edge>) -> Response {
    let store = edge.control.store();
    let health = store.health().await;
    let missing = edge.control.missing_keys().await;
    let database = match &health {
        _ if store.is_fenced() => "another server has taken over",
        Ok(health) if health.space_is_short => "short of space",
        Ok(_) => "ok",
        Err(_) => "not available",
    };
    let clock = match &health {
        Ok(health) if health.clock_skew > MAX_CLOCK_SKEW => "too far from the database's",
        Ok(_) => "ok",
        Err(_) => "not known",
    };
    let key_ring = match &missing {
        Ok(missing) if missing.is_empty() => "ok",
        Ok(_) => "a key is missing",
        Err(_) => "not known",
    };
    let is_ready = matches!(database, "ok" | "short of space") && clock == "ok" && key_ring == "ok";
    let (code, status) =
        if is_ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    (code, Json(Readiness { status, database, clock, key_ring })).into_response()
}
