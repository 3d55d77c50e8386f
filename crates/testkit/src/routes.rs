//! The routes of the server, read from the text of its routers: a test that goes through them all meets a new one by itself.
//!
//! A route must be written as `.route("PATH", METHOD(…))`, one method to a route. The few whose path is a constant are listed here by hand, and
//! counted, so that none can be added unseen.

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `GET` and its like. A route that takes any method is here as `POST`.
    pub method: &'static str,
    /// As the router has it, with `{…}` for what it leaves open.
    pub path: &'static str,
}

const AGENT_API: &str = include_str!("../../buildkite/src/lib.rs");
const REST: &str = include_str!("../../buildkite/src/rest/mod.rs");
/// Routes below a job's address, of which there are two.
const REST_OF_JOB: &str = include_str!("../../buildkite/src/rest/jobs/mod.rs");
const JOB_ADDRESSES: [&str; 2] = [
    "/organizations/{organization}/pipelines/{pipeline}/builds/{build}/jobs/{job}",
    "/organizations/{organization}/jobs/{job}",
];
const WELL_KNOWN: &str = include_str!("../../buildkite/src/well_known.rs");
const DAGSTER: &str = include_str!("../../dagster/src/endpoint.rs");
const OPERATION: &str = include_str!("../../http/src/operation.rs");
const PAGES: &str = include_str!("../../pages/src/lib.rs");

/// What agents and their jobs call, below `/v3`.
///
/// # Panics
/// When the router is not written as it was.
#[must_use]
pub fn agent_api() -> Vec<Route> {
    let found = in_source(AGENT_API);
    assert!(found.len() > 20, "the router of the Agent API is not written as it was");
    let by_constant = AGENT_API.matches(".route(").count() - found.len();
    assert_eq!(by_constant, 3, "a route whose path is a constant has been added or taken away: see `beside_agent_api`");
    found
}

/// What agents call outside the router of [`agent_api`], with whole paths: addresses that are signed, and the streaming call.
#[must_use]
pub fn beside_agent_api() -> Vec<Route> {
    let route = |method, path| Route { method, path };
    vec![
        route("PUT", "/v3/artifacts/{id}"),
        route("GET", "/v3/artifacts/{id}"),
        route("POST", "/v3/artifact-form"),
        route("POST", "/agentedge.v1.AgentEdgeService/StreamPings"),
    ]
}

/// What people's programs call, below `/v2`. Of the two spellings of its root the one without a slash counts.
///
/// # Panics
/// When the router is not written as it was.
#[must_use]
pub fn rest() -> Vec<Route> {
    let mut found: Vec<_> = in_source(REST).into_iter().filter(|route| route.path != "/v2/").collect();
    assert!(found.len() > 5, "the router of REST is not written as it was");
    assert_eq!(REST.matches(".nest(JOB").count(), JOB_ADDRESSES.len(), "a job has another number of addresses");
    let of_job = in_source(REST_OF_JOB);
    assert!(of_job.len() > 10, "the router of jobs is not written as it was");
    for address in JOB_ADDRESSES {
        assert!(REST.contains(address), "a job has another address than {address}");
        found.extend(of_job.iter().map(|route| {
            // Kept for the length of the test, as the paths that are in the program are.
            let path = format!("{address}{}", route.path.trim_end_matches('/')).leak();
            Route { method: route.method, path }
        }));
    }
    found
}

/// What Dagster+ agents and their people's commands call, with whole paths: first one for documents, and the same below a deployment or the
/// organization; the document in the call says what is done. Then what agents send beside them, and where the bytes of snapshots and logs go.
///
/// # Panics
/// When the router is not written as it was.
#[must_use]
pub fn dagster() -> Vec<Route> {
    let found = in_source(DAGSTER);
    assert_eq!(found.len(), 12, "the router of Dagster+ agents is not written as it was");
    found
}

/// What people's browsers call, with whole paths: pages, and the forms on them.
///
/// # Panics
/// When the router is not written as it was.
#[must_use]
pub fn pages() -> Vec<Route> {
    let found = in_source(PAGES);
    assert!(found.len() > 40, "the router of pages is not written as it was");
    assert_eq!(PAGES.matches(".route(").count(), found.len(), "a route of pages has a path that is no text");
    found
}

/// What anyone may read, with whole paths.
///
/// # Panics
/// When the router is not written as it was.
#[must_use]
pub fn well_known() -> Vec<Route> {
    let found = in_source(WELL_KNOWN);
    assert_eq!(found.len(), 2, "the router of what anyone may read is not written as it was");
    found
}

/// What whoever runs the server calls, with whole paths.
///
/// # Panics
/// When the router is not written as it was.
#[must_use]
pub fn operation() -> Vec<Route> {
    let found = in_source(OPERATION);
    assert_eq!(found.len(), 3, "the router of operation is not written as it was");
    found
}

/// Methods and paths of `.route("PATH", METHOD(…))`.
fn in_source(source: &'static str) -> Vec<Route> {
    // A long one is broken into lines.
    let routes = source.split(".route(").skip(1).filter_map(|route| route.trim_start().strip_prefix('"'));
    routes
        .map(|route| {
            let (path, rest) = route.split_once("\",").expect("a path and a method");
            let method = match rest.trim_start().split_once('(').expect("a method").0 {
                "get" => "GET",
                "post" => "POST",
                "put" => "PUT",
                "patch" => "PATCH",
                "delete" => "DELETE",
                // Any method is as good as another.
                "any" => "POST",
                other => panic!("the method {other} is not known here"),
            };
            Route { method, path }
        })
        .collect()
}
