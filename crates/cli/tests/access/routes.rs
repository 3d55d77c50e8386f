//! The routes of the Agent API and of operation, read from their routers.

use crate::callers::Operation;

const AGENT_API: &str = include_str!("../../../buildkite/src/lib.rs");
/// Routes below `/v2`; of the two spellings of its root the one without a slash counts.
const REST: &str = include_str!("../../../buildkite/src/rest/mod.rs");
/// Routes below a job's address, of which there are two.
const REST_OF_JOB: &str = include_str!("../../../buildkite/src/rest/jobs/mod.rs");
const JOB_ADDRESSES: [&str; 2] = [
    "/organizations/{organization}/pipelines/{pipeline}/builds/{build}/jobs/{job}",
    "/organizations/{organization}/jobs/{job}",
];
const WELL_KNOWN: &str = include_str!("../../../buildkite/src/well_known.rs");
const OPERATION: &str = include_str!("../../../http/src/operation.rs");

/// Bodies that would succeed.
const BODIES: &[(&str, &str)] = &[
    ("/register", r#"{"name":"a","meta_data":["queue=default"]}"#),
    ("/heartbeat", "{}"),
    ("/stop", "{}"),
    ("/pause", "{}"),
    ("/jobs/{id}/start", r#"{"started_at":"2026-01-02T03:04:05Z"}"#),
    ("/jobs/{id}/finish", r#"{"exit_status":"0"}"#),
    ("/jobs/{id}/header_times", r#"{"header_times":{}}"#),
    ("/jobs/{id}/chunks", "hello"),
    ("/jobs/{id}/annotations", r#"{"body":"hello"}"#),
    (
        "/jobs/{id}/artifacts",
        r#"{"id":"0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77","artifacts":[{"path":"a","sha1sum":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}]}"#,
    ),
    (
        "/jobs/{id}/pipelines",
        r#"{"uuid":"0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77","pipeline":{"steps":[{"command":"true"}]}}"#,
    ),
    ("/steps/{id}/export", "{}"),
    ("/steps/{id}", r#"{"attribute":"label","value":"x"}"#),
    ("/steps/{id}/cancel", "{}"),
    ("/jobs/{id}/data/set", r#"{"key":"k","value":"v"}"#),
    ("/jobs/{id}/data/set-batch", r#"{"items":[{"key":"k","value":"v"}]}"#),
    ("/jobs/{id}/data/get", r#"{"key":"k"}"#),
    ("/jobs/{id}/data/exists", r#"{"key":"k"}"#),
    ("/jobs/{id}/oidc/tokens", r#"{"audience":"a"}"#),
    ("/jobs/{id}/repository_access_token", r#"{"repo_url":"u"}"#),
    ("/jobs/{id}/github_code_access_token", r#"{"repo_url":"u"}"#),
    ("/jobs/{id}/promise_failure", r#"{"exit_status":1}"#),
    ("/cache_registries/{registry}/{call}", "{}"),
    ("/stacks/{*call}", "{}"),
    ("/builds/{id}/data/get", r#"{"key":"k"}"#),
    ("/builds/{id}/data/exists", r#"{"key":"k"}"#),
    ("/organizations/{organization}/agents/{agent}/stop", "{}"),
    ("/organizations/{organization}/agents/{agent}/pause", "{}"),
    ("/organizations/{organization}/agents/{agent}/resume", "{}"),
    ("/organizations/{organization}/pipelines", r#"{"name":"made"}"#),
    ("/organizations/{organization}/pipelines/{pipeline}", r#"{"name":"other"}"#),
    ("/organizations/{organization}/pipelines/{pipeline}/builds", r#"{"message":"hello"}"#),
    ("/unblock", r#"{"fields":{}}"#),
    ("/reprioritize", r#"{"priority":7}"#),
];

/// Routes without a body.
const WITHOUT_BODY: &[&str] = &[
    "/token",
    "/connect",
    "/ping",
    "/disconnect",
    "/resume",
    "/jobs/{id}",
    "/jobs/{id}/accept",
    "/jobs/{id}/acquire",
    "/jobs/{id}/pipelines/{uuid}",
    "/builds/{id}/cancel",
    "/builds/{id}/artifacts/search",
    "/jobs/{id}/annotations/{context}",
    "/jobs/{id}/secrets",
    "/cache_registries/{registry}",
    "/metrics/queue",
    "/.well-known/openid-configuration",
    "/.well-known/jwks",
    "/jobs/{id}/data/keys",
    "/builds/{id}/data/keys",
    "/",
    "/meta",
    "/access-token",
    "/user",
    "/organizations",
    "/organizations/{organization}",
    "/organizations/{organization}/agents",
    "/organizations/{organization}/agents/{agent}",
    "/builds",
    "/organizations/{organization}/builds",
    "/organizations/{organization}/pipelines",
    "/organizations/{organization}/pipelines/{pipeline}",
    "/organizations/{organization}/pipelines/{pipeline}/builds",
    "/organizations/{organization}/pipelines/{pipeline}/builds/{build}",
    "/organizations/{organization}/pipelines/{pipeline}/builds/{build}/cancel",
    "/organizations/{organization}/pipelines/{pipeline}/builds/{build}/rebuild",
    "/organizations/{organization}/pipelines/{pipeline}/builds/{build}/artifacts",
    "/retry",
    "/env",
    "/env.txt",
    "/log",
    "/log.txt",
    "/log.html",
    "/artifacts",
    "/artifacts/{artifact}",
    "/artifacts/{artifact}/download",
    "/healthz",
    "/readyz",
    "/metrics",
];

/// Every route.
pub fn all() -> Vec<Operation> {
    let mut found: Vec<Operation> =
        in_source(AGENT_API).into_iter().map(|(method, path)| agent_api(method, path)).collect();
    assert!(found.len() > 20, "the router of the Agent API is not written as it was");
    let rest = in_source(REST).into_iter().filter(|(_, path)| *path != "/v2/").map(|(method, path)| rest(method, path));
    found.extend(rest);
    let of_job = in_source(REST_OF_JOB);
    assert!(of_job.len() > 10, "the router of jobs is not written as it was");
    for address in JOB_ADDRESSES {
        found.extend(of_job.iter().map(|(method, path)| rest_of_job(method, address, path)));
    }
    let operation: Vec<Operation> =
        in_source(OPERATION).into_iter().map(|(method, path)| plain(method, path)).collect();
    assert_eq!(operation.len(), 3, "the router of operation is not written as it was");
    found.extend(operation);
    for (method, path) in
        [("PUT", "/v3/artifacts/{job}"), ("GET", "/v3/artifacts/{job}"), ("POST", "/v3/artifact-form")]
    {
        let name = format!("{method} {}", path.replace("{job}", "{id}"));
        found.push(Operation { name, method, path: path.to_owned(), body: None });
    }
    let well_known: Vec<Operation> =
        in_source(WELL_KNOWN).into_iter().map(|(method, path)| plain(method, path)).collect();
    assert_eq!(well_known.len(), 2, "the router of what anyone may read is not written as it was");
    found.extend(well_known);
    found.push(Operation {
        name: "POST /agentedge…/StreamPings".to_owned(),
        method: "POST",
        path: "/agentedge.v1.AgentEdgeService/StreamPings".to_owned(),
        body: None,
    });
    found
}

/// Methods and paths of `.route("PATH", METHOD(…))`.
fn in_source(source: &'static str) -> Vec<(&'static str, &'static str)> {
    let routes = source.split(".route(\"").skip(1);
    routes
        .map(|route| {
            let (path, rest) = route.split_once("\", ").expect("a path and a method");
            let method = match rest.split_once('(').expect("a method").0 {
                "get" => "GET",
                "post" => "POST",
                "put" => "PUT",
                "patch" => "PATCH",
                "delete" => "DELETE",
                // Any method is as good as another.
                "any" => "POST",
                other => panic!("the method {other} is not known here"),
            };
            (method, path)
        })
        .collect()
}

fn agent_api(method: &'static str, path: &'static str) -> Operation {
    let mut operation = plain(method, path);
    let id = match path {
        "/jobs/{id}/accept" | "/jobs/{id}/acquire" => "{offered}",
        _ if path.starts_with("/builds/") => "{build}",
        _ => "{job}",
    };
    let filled = path.replace("{id}", id).replace("{context}", "default").replace("{registry}", "~");
    operation.path = format!("/v3{}", filled.replace("{call}", "peek").replace("{*call}", "register"));
    if path.ends_with("/chunks") {
        operation.path.push_str("?sequence=1&offset=0&size=5");
    }
    if path.ends_with("/search") {
        operation.path.push_str("?query=*");
    }
    if path == "/metrics/queue" {
        operation.path.push_str("?name=default");
    }
    operation.name = format!("{method} /v3{path}");
    operation
}

/// Of a job that an agent has; where only one that waits will do, of such a one.
fn rest_of_job(method: &'static str, address: &str, path: &'static str) -> Operation {
    let mut operation = plain(method, path);
    let waits = path == "/reprioritize";
    let (job, build) = if waits { ("{offered}", "4") } else { ("{job}", "2") };
    let filled = in_rest(address).replace("{job}", job).replace("/builds/2", &format!("/builds/{build}"));
    operation.path = format!("/v2{filled}{}", path.trim_end_matches('/'));
    operation.name = format!("{method} /v2{address}{path}");
    operation
}

/// The pipeline and the number of the build that the job belongs to.
fn in_rest(path: &str) -> String {
    path.replace("{organization}", "acme").replace("{pipeline}", "matrix").replace("{build}", "2")
}

fn rest(method: &'static str, path: &'static str) -> Operation {
    let mut operation = plain(method, path);
    operation.path = format!("/v2{}", in_rest(path.trim_end_matches('/')));
    operation.name = format!("{method} /v2{path}");
    operation
}

fn plain(method: &'static str, path: &'static str) -> Operation {
    // Of the two calls on a job only the change has a body.
    let body = if (method, path) == ("PUT", "/jobs/{id}") {
        Some(r#"{"timeout_in_minutes":"5"}"#.to_owned())
    } else {
        BODIES.iter().find(|(of, _)| *of == path && method != "GET").map(|(_, body)| (*body).to_owned())
    };
    assert!(body.is_some() || WITHOUT_BODY.contains(&path), "the route {path} has no sample here");
    Operation { name: format!("{method} {path}"), method, path: path.to_owned(), body }
}
