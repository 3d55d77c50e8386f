//! The REST API v2, as Buildkite's clients speak it.
//!
//! Every address below an organization names it by its slug; one that is not the caller's own is not found. Lists come in pages by number
//! (`page` from 1, `per_page` 30, at most 100) with a `Link` header.
//!
//! What a call does not know, in its body or its query, is refused at its name: what was passed over would look as if it had been done.

mod access_token;
mod agent_tokens;
mod agents;
mod artifacts;
mod body;
mod builds;
mod clusters;
mod granted;
mod jobs;
mod organizations;
mod page;
mod pipelines;
mod query;
mod shapes;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, patch, post, put};
use countersign_control::Control;
use serde::Serialize;

use granted::InOrganization;

/// The address of a job, below its build.
const JOB_OF_BUILD: &str = "/organizations/{organization}/pipelines/{pipeline}/builds/{build}/jobs/{job}";
/// The same for whoever knows only the job.
const JOB: &str = "/organizations/{organization}/jobs/{job}";

/// `/v2/…`
pub(crate) fn router() -> Router<Control> {
    let v2 = Router::new()
        .route("/", get(hello))
        .route("/meta", get(meta))
        .route("/access-token", get(access_token::show))
        .route("/access-token", delete(access_token::revoke))
        .route("/user", get(access_token::user))
        .route("/organizations", get(organizations::list))
        .route("/organizations/{organization}", get(organizations::show))
        .route("/builds", get(builds::list))
        .route("/organizations/{organization}/builds", get(builds::list))
        .route("/organizations/{organization}/pipelines", get(pipelines::list))
        .route("/organizations/{organization}/pipelines", post(pipelines::create))
        .route("/organizations/{organization}/pipelines/{pipeline}", get(pipelines::show))
        .route("/organizations/{organization}/pipelines/{pipeline}", patch(pipelines::update))
        .route("/organizations/{organization}/pipelines/{pipeline}/builds", get(builds::list))
        .route("/organizations/{organization}/pipelines/{pipeline}/builds", post(builds::create))
        .route("/organizations/{organization}/pipelines/{pipeline}/builds/{build}", get(builds::show))
        .route("/organizations/{organization}/pipelines/{pipeline}/builds/{build}/cancel", put(builds::cancel))
        .route("/organizations/{organization}/pipelines/{pipeline}/builds/{build}/rebuild", put(builds::rebuild))
        .route("/organizations/{organization}/pipelines/{pipeline}/builds/{build}/artifacts", get(artifacts::of_build))
        .nest(JOB_OF_BUILD, jobs::router())
        .nest(JOB, jobs::router())
        .route("/organizations/{organization}/clusters", get(clusters::list))
        .route("/organizations/{organization}/clusters", post(clusters::create))
        .route("/organizations/{organization}/clusters/{cluster}", get(clusters::show))
        .route("/organizations/{organization}/clusters/{cluster}", put(clusters::update))
        .route("/organizations/{organization}/clusters/{cluster}", patch(clusters::update))
        .route("/organizations/{organization}/clusters/{cluster}", delete(clusters::delete))
        .route("/organizations/{organization}/clusters/{cluster}/queues", get(clusters::queues::list))
        .route("/organizations/{organization}/clusters/{cluster}/queues", post(clusters::queues::create))
        .route("/organizations/{organization}/clusters/{cluster}/queues/{queue}", get(clusters::queues::show))
        .route("/organizations/{organization}/clusters/{cluster}/queues/{queue}", put(clusters::queues::update))
        .route("/organizations/{organization}/clusters/{cluster}/queues/{queue}", patch(clusters::queues::update))
        .route("/organizations/{organization}/clusters/{cluster}/queues/{queue}", delete(clusters::queues::delete))
        .route(
            "/organizations/{organization}/clusters/{cluster}/queues/{queue}/pause_dispatch",
            post(clusters::queues::pause),
        )
        .route(
            "/organizations/{organization}/clusters/{cluster}/queues/{queue}/resume_dispatch",
            post(clusters::queues::resume),
        )
        .route("/organizations/{organization}/clusters/{cluster}/tokens", get(clusters::tokens::list))
        .route("/organizations/{organization}/clusters/{cluster}/tokens", post(clusters::tokens::create))
        .route("/organizations/{organization}/clusters/{cluster}/tokens/{token}", get(clusters::tokens::show))
        .route("/organizations/{organization}/clusters/{cluster}/tokens/{token}", put(clusters::tokens::update))
        .route("/organizations/{organization}/clusters/{cluster}/tokens/{token}", patch(clusters::tokens::update))
        .route("/organizations/{organization}/clusters/{cluster}/tokens/{token}", delete(clusters::tokens::revoke))
        .route("/organizations/{organization}/agent-tokens/{token}/explain", get(agent_tokens::explain))
        .route("/organizations/{organization}/agents", get(agents::list))
        .route("/organizations/{organization}/agents/{agent}", get(agents::show))
        .route("/organizations/{organization}/agents/{agent}/stop", put(agents::stop))
        .route("/organizations/{organization}/agents/{agent}/pause", put(agents::pause))
        .route("/organizations/{organization}/agents/{agent}/resume", put(agents::resume));
    // Nesting answers `/v2` alone; clients write the slash as well.
    Router::new().route("/v2/", get(hello)).nest("/v2", v2)
}

#[derive(Serialize)]
struct Hello {
    message: &'static str,
    timestamp: i64,
}

/// `GET /v2`: whether anybody is there. It needs no credential and says nothing of the instance.
async fn hello(State(control): State<Control>) -> Json<Hello> {
    Json(Hello { message: "Countersign", timestamp: control.now().as_secs() })
}

#[derive(Serialize)]
struct Meta {
    webhook_ips: [&'static str; 0],
}

/// `GET /v2/meta`: addresses that webhooks come from. This server sends none.
async fn meta() -> Json<Meta> {
    Json(Meta { webhook_ips: [] })
}
