//! What a job token opens, operation by operation: a list that somebody has read. A job is hostile by default, so a new entry is a decision.

use crate::callers::{Caller, Cast, Operation};
use crate::{dagster, graphql, routes};

/// Opened to a job on itself and its build.
const ITS_OWN: &[&str] = &[
    "GET /v3/jobs/{id}",
    "PUT /v3/jobs/{id}",
    "POST /v3/jobs/{id}/pipelines",
    "POST /v3/builds/{id}/cancel",
    "PUT /v3/jobs/{id}/start",
    "PUT /v3/jobs/{id}/finish",
    "POST /v3/jobs/{id}/header_times",
    "POST /v3/jobs/{id}/chunks",
    "POST /v3/jobs/{id}/annotations",
    "POST /v3/jobs/{id}/artifacts",
    "GET /v3/builds/{id}/artifacts/search",
    "POST /v3/jobs/{id}/oidc/tokens",
    "POST /v3/jobs/{id}/data/set",
    "POST /v3/jobs/{id}/data/set-batch",
    "POST /v3/jobs/{id}/data/exists",
    "POST /v3/jobs/{id}/data/keys",
    "POST /v3/builds/{id}/data/exists",
    "POST /v3/builds/{id}/data/keys",
    "DELETE /v3/jobs/{id}/annotations/{context}",
    "POST /v3/jobs/{id}/data/get",
    "POST /v3/builds/{id}/data/get",
];
/// The same, where the sample of these tests finds nothing of the kind: no such upload, step or artifact. That it is there for its
/// own job, and for no other, is in the stories.
const NOTHING_THERE: &[&str] = &[
    "GET /v3/jobs/{id}/pipelines/{uuid}",
    "POST /v3/steps/{id}/export",
    "PUT /v3/steps/{id}",
    "POST /v3/steps/{id}/cancel",
    "PUT /v3/jobs/{id}/artifacts",
];
/// Answered that this server does not have it.
const NOT_OFFERED: &[&str] = &[
    "GET /v3/jobs/{id}/secrets",
    "POST /v3/jobs/{id}/repository_access_token",
    "POST /v3/jobs/{id}/github_code_access_token",
    "PUT /v3/jobs/{id}/promise_failure",
    "GET /v3/cache_registries/{registry}",
    "POST /v3/cache_registries/{registry}/{call}",
];
/// On the agent that runs it, whichever that is: these name nothing.
const ITS_AGENT: &[&str] = &["POST /v3/stop", "POST /v3/pause", "POST /v3/resume"];
/// Opened to anybody, with a token or without one.
const ANYBODY: &[&str] = &[
    "GET /v2/",
    "GET /v2/meta",
    "GET /healthz",
    "GET /readyz",
    "GET /.well-known/openid-configuration",
    "GET /.well-known/jwks",
];
/// Addresses that are signed: a token changes nothing.
const SIGNED: &[&str] = &[
    "PUT /v3/artifacts/{id}",
    "GET /v3/artifacts/{id}",
    "POST /v3/artifact-form",
    "PUT /dagster/snapshots/{id}/bytes",
    "PUT /dagster/run_logs/{id}/bytes",
    "GET /dagster/run_logs/{id}/bytes",
];

/// What ends the job, or its agent's work for it: tried when all else has been.
const LAST: [&str; 3] = ["POST /v3/stop", "POST /v3/builds/{id}/cancel", "PUT /v3/jobs/{id}/finish"];

#[tokio::test]
async fn a5_what_a_job_token_opens_and_that_no_job_elsewhere_opens_it() {
    let mut faults = Vec::new();
    let (mut tried, mut elsewhere_refused) = (0, 0);
    let cast = Cast::assemble().await;
    let elsewhere = cast.elsewhere().await;
    let mut operations: Vec<Operation> =
        routes::all().into_iter().chain(graphql::all()).chain(dagster::all()).collect();
    operations.sort_by_key(|operation| LAST.iter().position(|name| *name == operation.name));
    assert!(LAST.iter().eq(operations.iter().rev().take(LAST.len()).rev().map(|it| &it.name)), "they end the job");
    for operation in operations {
        tried += 1;
        for (place, token) in ["another deployment", "another organization"].iter().zip(&elsewhere) {
            let outcome = cast.call_with(&operation, Some(token)).await;
            match expected_elsewhere(&operation) {
                Some(status) if outcome.starts_with(status) => elsewhere_refused += 1,
                None if outcome.starts_with("200") => {}
                _ => faults.push(format!("{}: a job of {place} meets {outcome}", operation.name)),
            }
        }
        let outcome = cast.call(&operation, Caller::Job).await;
        if !expected(&operation).contains(&&outcome[..3]) {
            faults.push(format!("{}: its own job meets {outcome}", operation.name));
        }
    }
    assert!(faults.is_empty(), "what a job token opens has changed:\n{}", faults.join("\n"));
    assert!(tried > 90 && elsewhere_refused > 150, "{tried} operations, {elsewhere_refused} refusals");
}

fn is_in(operation: &Operation, list: &[&str]) -> bool {
    list.contains(&operation.name.as_str())
}

/// What the job itself meets: one of these statuses.
fn expected(operation: &Operation) -> &'static [&'static str] {
    if is_in(operation, ITS_OWN) || is_in(operation, ITS_AGENT) || is_in(operation, ANYBODY) {
        &["200", "201"]
    } else if is_in(operation, NOTHING_THERE) {
        &["404", "422"]
    } else if is_in(operation, NOT_OFFERED) {
        &["404"]
    } else if is_in(operation, SIGNED) {
        &["403", "422"]
    } else {
        &["401"]
    }
}

/// What jobs elsewhere meet; none where it concerns themselves or anybody.
fn expected_elsewhere(operation: &Operation) -> Option<&'static str> {
    if is_in(operation, ITS_AGENT) || is_in(operation, ANYBODY) {
        None
    } else if is_in(operation, SIGNED) {
        Some("4")
    } else if is_in(operation, ITS_OWN) || is_in(operation, NOTHING_THERE) || is_in(operation, NOT_OFFERED) {
        Some("404")
    } else {
        Some("401")
    }
}
