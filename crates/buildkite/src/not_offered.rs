//! What Buildkite's agent can ask for and this server does not offer. The answer is final for the agent, and its message says what
//! to do instead: agents show it to people.
//!
//! The credential is checked first, as everywhere: nobody learns from these more than from the others.

use axum::response::Response;
use countersign_control::access::actions::{IdentifyAgentToken, ReportJob};
use http::StatusCode;

use crate::{ByJob, Granted, OnJob};

/// `GET /jobs/:id/secrets`
pub(crate) async fn secrets(OnJob(_): OnJob<ReportJob>) -> Response {
    refused(
        "Secrets are not kept by this server. Fetch them in an agent hook, or from a vault with `oidc request-token`.",
    )
}

/// `POST /jobs/:id/repository_access_token` and `POST /jobs/:id/github_code_access_token`
pub(crate) async fn repository_token(OnJob(_): OnJob<ReportJob>) -> Response {
    refused(
        "Repository credentials are not issued by this server. Give the agent's host a deploy key or a credential helper.",
    )
}

/// `PUT /jobs/:id/promise_failure`
pub(crate) async fn promise_failure(OnJob(_): OnJob<ReportJob>) -> Response {
    refused("Promising a failure is not offered by this server. The job goes on, and counts when it ends.")
}

/// `/cache_registries/…`: agents know this message by its exact words, and say that there is no such registry.
pub(crate) async fn cache(ByJob(_): ByJob<ReportJob>) -> Response {
    refused("Cache registry not found")
}

/// `/stacks/…`, of Buildkite's Kubernetes controller
pub(crate) async fn stacks(Granted(_): Granted<IdentifyAgentToken>) -> Response {
    refused("Stacks are not offered by this server. Run agents in the cluster, and scale them by GET /v3/metrics.")
}

fn refused(message: &str) -> Response {
    countersign_http::message(StatusCode::NOT_FOUND, message)
}
