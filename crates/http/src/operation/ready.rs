//! Whether the server can do its work now.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::Control;
use countersign_domain::Timestamp;
use http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::Edge;
use crate::limits::MAX_CLOCK_SKEW;

/// How long an answer stands: anyone may ask, and looking costs a count of rows.
const READY_FOR: Duration = Duration::from_secs(5);

/// Each part in a word; the whole is `ready` when every part is `ok`, or is only short of space.
#[derive(Clone, Copy, Serialize)]
struct Readiness {
    status: &'static str,
    database: &'static str,
    clock: &'static str,
    key_ring: &'static str,
}

/// The last look, and when it was. Of many who ask at once one looks, and the others wait for it.
#[derive(Clone, Default)]
pub(crate) struct LastLook(Arc<Mutex<Option<(Timestamp, Readiness)>>>);

/// 200 when the server is ready, 503 when it is not. Says which part is not, and no more: anyone may ask.
pub(super) async fn ready(State(edge): State<Edge>) -> Response {
    // It costs nothing to see, and nobody is to be sent here any more.
    if edge.control.store().is_fenced() {
        return answer(look(&edge.control).await);
    }
    let mut last = edge.last_look.0.lock().await;
    let now = edge.control.now();
    let fresh = last.filter(|(at, _)| *at <= now && now.since(*at) < READY_FOR);
    let readiness = match fresh {
        Some((_, readiness)) => readiness,
        None => {
            let readiness = look(&edge.control).await;
            *last = Some((now, readiness));
            readiness
        }
    };
    answer(readiness)
}

fn answer(readiness: Readiness) -> Response {
    let is_ready = readiness.status == READY;
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness)).into_response()
}

const READY: &str = "ready";

async fn look(control: &Control) -> Readiness {
    let store = control.store();
    let health = store.health().await;
    let missing = control.missing_keys().await;
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
    Readiness { status: if is_ready { READY } else { "not ready" }, database, clock, key_ring }
}
