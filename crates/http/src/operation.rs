//! For whoever runs the server: `/healthz`, `/readyz`, `/metrics`.

mod failure;
mod metrics;
mod ready;

use axum::Router;
use axum::routing::get;

use crate::{Edge, message};

pub(crate) use ready::LastLook;

pub(crate) fn router(edge: Edge) -> Router {
    Router::new()
        .route("/healthz", get(async || message(http::StatusCode::OK, "The process is up.")))
        .route("/readyz", get(ready::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(edge)
}
