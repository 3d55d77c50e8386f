//! The routes of the Agent API and of operation, read from their routers.

use countersign_testkit::routes::{self, Route};

use crate::callers::Operation;

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
    ("/organizations/{organization}/clusters", r#"{"name":"made"}"#),
    ("/organizations/{organization}/clusters/{cluster}", r#"{"description":"other"}"#),
    ("/organizations/{organization}/clusters/{cluster}/queues", r#"{"key":"made"}"#),
    ("/organizations/{organization}/clusters/{cluster}/queues/{queue}", r#"{"description":"other"}"#),
    ("/organizations/{organization}/clusters/{cluster}/queues/{queue}/pause_dispatch", r#"{"note":"n"}"#),
    ("/organizations/{organization}/clusters/{cluster}/tokens", r#"{"description":"made"}"#),
    ("/organizations/{organization}/clusters/{cluster}/tokens/{token}", r#"{"description":"other"}"#),
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
    "/organizations/{organization}/agent-tokens/{token}/explain",
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
    "/organizations/{organization}/clusters",
    "/organizations/{organization}/clusters/{cluster}",
    "/organizations/{organization}/clusters/{cluster}/queues",
    "/organizations/{organization}/clusters/{cluster}/queues/{queue}",
    "/organizations/{organization}/clusters/{cluster}/queues/{queue}/resume_dispatch",
    "/organizations/{organization}/clusters/{cluster}/tokens",
    "/organizations/{organization}/clusters/{cluster}/tokens/{token}",
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
    let mut found: Vec<Operation> = routes::agent_api().into_iter().map(agent_api).collect();
    found.extend(routes::rest().into_iter().map(rest));
    found.extend(routes::operation().into_iter().map(plain));
    found.extend(routes::beside_agent_api().into_iter().filter(|route| route.path.starts_with("/v3")).map(beside));
    found.extend(routes::well_known().into_iter().map(plain));
    found.extend(routes::beside_agent_api().into_iter().filter(|route| !route.path.starts_with("/v3")).map(beside));
    found
}

/// An address that is signed, here without its signature; or the streaming call.
fn beside(Route { method, path }: Route) -> Operation {
    let service = path.split('/').nth_back(1).filter(|service| service.contains('.'));
    let shown = service.map_or_else(|| path.to_owned(), |service| path.replace(service, "agentedge…"));
    Operation { name: format!("{method} {shown}"), method, path: path.replace("{id}", "{job}"), body: None }
}

fn agent_api(route: Route) -> Operation {
    let Route { method, path } = route;
    let mut operation = plain(route);
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
fn rest(route: Route) -> Operation {
    let Route { method, path } = route;
    let mut operation = plain(route);
    let waits = path.ends_with("/reprioritize");
    let (job, build) = if waits { ("{offered}", "4") } else { ("{job}", "2") };
    // A cluster that is deleted holds nothing; what is resumed is paused.
    let cluster = if path.contains("{cluster}/") { "{kept}" } else { "{cluster}" };
    let queue = if path.ends_with("/resume_dispatch") { "{paused-queue}" } else { "{queue}" };
    let filled = path
        .replace("{cluster}", cluster)
        .replace("{queue}", queue)
        .replace("{organization}", "{slug}")
        .replace("{pipeline}", "{pipeline-slug}")
        .replace("{build}", build)
        .replace("{job}", job);
    operation.path = format!("/v2{}", filled.trim_end_matches('/'));
    operation.name = format!("{method} /v2{path}");
    operation
}

fn plain(Route { method, path }: Route) -> Operation {
    // A job has two addresses; what is below them is the same.
    let sample = match path.rsplit_once("/{job}") {
        Some((_, "")) => "/",
        Some((_, below)) => below,
        None => path,
    };
    // Of the two calls on a job only the change has a body.
    let body = if (method, path) == ("PUT", "/jobs/{id}") {
        Some(r#"{"timeout_in_minutes":"5"}"#.to_owned())
    } else {
        BODIES.iter().find(|(of, _)| *of == sample && method != "GET").map(|(_, body)| (*body).to_owned())
    };
    assert!(body.is_some() || WITHOUT_BODY.contains(&sample), "the route {path} has no sample here");
    Operation { name: format!("{method} {path}"), method, path: path.to_owned(), body }
}
