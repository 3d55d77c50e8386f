//! Face: the Agent API v3, as unmodified Buildkite agents speak it.
//!
//! ```text
//! register ── agent token ──> session token ── ping, accept ──> job token ── start, chunks, finish, meta-data, annotations
//! ```
//!
//! Agents decide on the status alone. A 4xx is final for most of their calls, and ends the agent on `ping` and `heartbeat`; so
//! whatever may pass is a 503.

mod agent;
mod annotations;
mod chunks;
mod failure;
mod granted;
mod job;
mod meta_data;
mod own_agent;
mod pipelines;
mod registration;
mod steps;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use countersign_control::Control;
use countersign_wire::buildkite::STREAM_PINGS_PATH;
use http::StatusCode;
use serde::Serialize;

use failure::Failure;
use granted::{ByJob, Granted, NamedJob, OnBuild, OnJob};

/// `/v3/…`, and the streaming call, which is not offered: an agent polls only after a prompt 404 there.
///
/// Routes are matched on the path as it was sent, and segments are decoded afterwards: agents write `/` and `.` inside a
/// segment as `%2F` and `%2E`.
pub fn router(control: Control) -> Router {
    let v3 = Router::new()
        .route("/register", post(registration::register))
        .route("/token", get(registration::identify))
        .route("/connect", post(agent::connect))
        .route("/heartbeat", post(agent::heartbeat))
        .route("/ping", get(agent::ping))
        .route("/disconnect", post(agent::disconnect))
        .route("/stop", post(own_agent::stop))
        .route("/pause", post(own_agent::pause))
        .route("/resume", post(own_agent::resume))
        .route("/jobs/{id}", get(job::state).put(job::update))
        .route("/jobs/{id}/promise_failure", put(job::promise_failure))
        .route("/jobs/{id}/pipelines", post(pipelines::upload))
        .route("/jobs/{id}/pipelines/{uuid}", get(pipelines::state))
        .route("/steps/{id}/export", post(steps::export))
        .route("/steps/{id}", put(steps::update))
        .route("/steps/{id}/cancel", post(steps::cancel))
        .route("/builds/{id}/cancel", post(steps::cancel_build))
        .route("/jobs/{id}/accept", put(job::accept))
        .route("/jobs/{id}/acquire", put(job::acquire))
        .route("/jobs/{id}/start", put(job::start))
        .route("/jobs/{id}/finish", put(job::finish))
        .route("/jobs/{id}/header_times", post(job::header_times))
        .route("/jobs/{id}/chunks", post(chunks::append))
        .route("/jobs/{id}/annotations", post(annotations::annotate))
        .route("/jobs/{id}/data/set", post(meta_data::set))
        .route("/jobs/{id}/data/set-batch", post(meta_data::set_batch))
        .route("/jobs/{id}/data/get", post(meta_data::get_for_job))
        .route("/jobs/{id}/data/exists", post(meta_data::exists_for_job))
        .route("/jobs/{id}/data/keys", post(meta_data::keys_for_job))
        .route("/builds/{id}/data/get", post(meta_data::get_for_build))
        .route("/builds/{id}/data/exists", post(meta_data::exists_for_build))
        .route("/builds/{id}/data/keys", post(meta_data::keys_for_build));
    Router::new()
        .nest("/v3", v3)
        .route(STREAM_PINGS_PATH, any(async || countersign_http::message(StatusCode::NOT_FOUND, "Not found")))
        .with_state(control)
}

/// 200 and `{}`: an agent that decodes the body of such an answer finds an object.
#[derive(Serialize)]
struct Done {}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}
