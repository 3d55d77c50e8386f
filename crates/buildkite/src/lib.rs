//! Face: the Agent API v3, as unmodified Buildkite agents speak it, and the REST API v2 for people's programs.
//!
//! ```text
//! register ── agent token ──> session token ── ping, accept ──> job token ── start, chunks, finish, meta-data, annotations
//! ```
//!
//! Agents decide on the status alone. A 4xx is final for most of their calls, and ends the agent on `ping` and `heartbeat`; so
//! whatever may pass is a 503.

mod agent;
mod annotations;
mod artifacts;
mod chunks;
mod failure;
mod granted;
mod job;
mod meta_data;
mod metrics;
mod not_offered;
mod oidc;
mod own_agent;
mod pipelines;
mod registration;
mod rest;
mod steps;
mod stream_pings;
mod well_known;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, delete, get, post, put};
use countersign_control::Control;
use countersign_wire::buildkite::STREAM_PINGS_PATH;
use http::StatusCode;
use serde::Serialize;

use failure::Failure;
use granted::{ByJob, Granted, NamedJob, OnBuild, OnJob};

/// `/v3/…`, `/v2/…`, what verifiers of a job's tokens read, and the streaming call.
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
        .route("/jobs/{id}", get(job::state))
        .route("/jobs/{id}", put(job::update))
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
        .route("/jobs/{id}/artifacts", post(artifacts::announce))
        .route("/jobs/{id}/artifacts", put(artifacts::ended))
        .route("/builds/{id}/artifacts/search", get(artifacts::search))
        .route("/jobs/{id}/annotations/{context}", delete(annotations::remove))
        .route("/jobs/{id}/oidc/tokens", post(oidc::issue))
        .route("/jobs/{id}/secrets", get(not_offered::secrets))
        .route("/jobs/{id}/repository_access_token", post(not_offered::repository_token))
        .route("/jobs/{id}/github_code_access_token", post(not_offered::repository_token))
        .route("/jobs/{id}/promise_failure", put(not_offered::promise_failure))
        .route("/cache_registries/{registry}", get(not_offered::cache))
        .route("/cache_registries/{registry}/{call}", any(not_offered::cache))
        .route("/stacks/{*call}", any(not_offered::stacks))
        .route("/metrics", get(metrics::all))
        .route("/metrics/queue", get(metrics::of_queue))
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
        .merge(rest::router())
        .merge(well_known::router())
        .route(STREAM_PINGS_PATH, streaming(&control))
        .with_state(control)
}

/// The streaming call where it is offered; else a prompt 404, after which an agent polls.
fn streaming(control: &Control) -> MethodRouter<Control> {
    if control.settings().streaming_pings {
        post(stream_pings::open)
    } else {
        any(async || countersign_http::message(StatusCode::NOT_FOUND, "Not found"))
    }
}

/// `/v3/artifacts/…`: the bytes of artifacts, which may be of any size and take any time. Their addresses are signed; no token is
/// looked at.
pub fn streams(control: Control) -> Router {
    Router::new()
        .route(artifacts::FORM_PATH, post(artifacts::form))
        .route(artifacts::BYTES_PATH, get(artifacts::download).put(artifacts::upload))
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
