//! What one job can try on another, route by route.

use countersign_testkit::harness::http::Call;
use countersign_testkit::routes::Route;
use hyper::Method;
use serde_json::{Value, json};

use super::Side;
use crate::stage::text;
use crate::wire;

/// One call, and what must come of it.
pub struct Try {
    pub what: &'static str,
    pub call: Call,
    pub expect: Expect,
}

/// What must come of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// This refusal.
    Is(u16),
    /// A refusal for what is sent: nobody can say more without looking at whose it is.
    Refused,
    /// 200 and nothing in the list.
    Empty,
    /// It names nothing, and concerns the caller's own agent only.
    Own,
    /// Anybody may ask this.
    Public,
}

impl Expect {
    /// # Panics
    /// When something else came of it.
    pub fn hold(self, status: u16, body: &str, what: &str) {
        let holds = match self {
            Self::Is(wanted) => status == wanted,
            Self::Refused => matches!(status, 400..=499),
            Self::Empty => status == 200 && body == "[]",
            Self::Own | Self::Public => status == 200,
        };
        assert!(holds, "{what}, where {self:?} was due: {body}");
    }

    /// What must come of the same call when the caller's job has ended.
    pub const fn dead(self) -> Self {
        match self {
            Self::Public => Self::Public,
            // Addresses that are signed know no token, and end with the job or its artifact.
            Self::Is(403) | Self::Refused => Self::Refused,
            _ => Self::Is(401),
        }
    }
}

/// The tries on a route below `/v3`.
pub fn of_agent_api(route: Route, own: &Side, other: &Side) -> Vec<Try> {
    let on_other = |body: Value| vec![at(route, &other.build.job, own, &body, Expect::Is(404))];
    let on_build = |body: Value| vec![at(route, &other.build.uuid, own, &body, Expect::Is(404))];
    let wrong_kind = |body: Value| vec![at(route, &other.build.job, own, &body, Expect::Is(401))];
    let name_and_value = json!({ "key": format!("mine-{}", other.name), "value": "stolen" });
    match (route.method, route.path) {
        // For an agent token or a session.
        ("POST", "/register") => wrong_kind(json!({ "name": "thief", "meta_data": [] })),
        ("POST", "/connect" | "/heartbeat" | "/disconnect" | "/stacks/{*call}")
        | ("GET", "/token" | "/ping" | "/metrics" | "/metrics/queue")
        | ("PUT", "/jobs/{id}/accept" | "/jobs/{id}/acquire") => wrong_kind(Value::Null),
        // On the caller's own agent. Asking it to leave comes at the end of the story.
        ("POST", "/stop") => Vec::new(),
        ("POST", "/pause") => vec![at(route, "", own, &json!({ "note": "mine" }), Expect::Own)],
        ("POST", "/resume") => vec![at(route, "", own, &Value::Null, Expect::Own)],
        // On the job itself.
        ("GET", "/jobs/{id}") => on_other(Value::Null),
        ("PUT", "/jobs/{id}") => on_other(json!({ "timeout_in_minutes": "1" })),
        ("PUT", "/jobs/{id}/start") => on_other(json!({ "started_at": "2026-01-02T03:04:05Z" })),
        ("PUT", "/jobs/{id}/finish") => on_other(json!({ "exit_status": "0" })),
        ("POST", "/jobs/{id}/header_times") => on_other(json!({ "header_times": { "0": "2026-01-02T03:04:05Z" } })),
        ("POST", "/jobs/{id}/chunks") => chunks(route, own, other),
        ("POST", "/jobs/{id}/annotations") => on_other(json!({ "body": "stolen", "context": "mine", "append": true })),
        ("DELETE", "/jobs/{id}/annotations/{context}") => on_other(Value::Null),
        ("POST", "/jobs/{id}/pipelines") => on_other(
            json!({ "uuid": other.upload, "pipeline": { "steps": [{ "command": "echo stolen" }] }, "replace": true }),
        ),
        ("GET", "/jobs/{id}/pipelines/{uuid}") => {
            let by_own = at(route, &own.build.job, own, &Value::Null, Expect::Is(404));
            let other_upload = with_path(by_own, &own.upload, &other.upload);
            let mut all = on_other(Value::Null);
            // Of one's own the upload is found.
            all.extend((own.name != other.name).then_some(other_upload));
            all
        }
        ("POST", "/jobs/{id}/oidc/tokens") => on_other(json!({ "audience": "sts.example.com" })),
        ("GET", "/jobs/{id}/secrets") => on_other(Value::Null),
        ("POST", "/jobs/{id}/repository_access_token" | "/jobs/{id}/github_code_access_token") => {
            on_other(json!({ "repo_url": "https://example.com/x.git" }))
        }
        ("PUT", "/jobs/{id}/promise_failure") => on_other(json!({ "exit_status": 1 })),
        ("GET", "/cache_registries/{registry}") => on_other(Value::Null),
        ("POST", "/cache_registries/{registry}/{call}") => on_other(json!({})),
        // Meta-data.
        ("POST", "/jobs/{id}/data/set-batch") => on_other(json!({ "items": [name_and_value] })),
        ("POST", "/jobs/{id}/data/set" | "/jobs/{id}/data/get" | "/jobs/{id}/data/exists" | "/jobs/{id}/data/keys") => {
            on_other(name_and_value)
        }
        ("POST", "/builds/{id}/data/get" | "/builds/{id}/data/exists" | "/builds/{id}/data/keys") => {
            on_build(name_and_value)
        }
        ("POST", "/builds/{id}/cancel") => on_build(Value::Null),
        // Artifacts.
        ("POST", "/jobs/{id}/artifacts") => {
            let call = wire::announcing(&other.build.job, &own.told.token, 7, &["stolen.txt"]);
            vec![Try { what: "another's job", call, expect: Expect::Is(404) }]
        }
        ("PUT", "/jobs/{id}/artifacts") => ended_artifacts(route, own, other),
        ("GET", "/builds/{id}/artifacts/search") => {
            let mut all = on_build(Value::Null);
            let scoped = at(route, &own.build.uuid, own, &Value::Null, Expect::Empty);
            all.extend((own.name != other.name).then(|| with_query(scoped, &format!("&scope={}", other.build.job))));
            all
        }
        // Steps: by id, by key, and with either build.
        ("POST" | "PUT", "/steps/{id}/export" | "/steps/{id}" | "/steps/{id}/cancel") => steps(route, own, other),
        (method, path) => panic!("{method} {path} has no try here: say what one job could do to another with it"),
    }
}

/// The tries on addresses that are signed, and on the streaming call.
pub fn beside(route: Route, own: &Side, other: &Side) -> Vec<Try> {
    let plain = |path: &str, expect| Try {
        what: "an address that is not its own",
        call: Call::new(method(route), path).token(&own.told.token),
        expect,
    };
    match (route.method, route.path) {
        ("GET" | "PUT", "/v3/artifacts/{id}") => {
            let announced = text(&own.announced["artifact_ids"][0]);
            let own_address = wire::upload_address(&own.announced, &announced);
            let others = [other.artifact.clone(), text(&other.announced["artifact_ids"][0])];
            let mut all = Vec::new();
            for artifact in others.iter().filter(|artifact| **artifact != announced) {
                all.push(plain(&format!("/v3/artifacts/{artifact}"), Expect::Is(403)));
                // With a signature that is good for an artifact of its own.
                all.push(plain(&own_address.replace(&announced, artifact), Expect::Is(403)));
            }
            for tried in &mut all {
                if route.method == "PUT" {
                    tried.call.body = wire::HELLO.into();
                }
            }
            all
        }
        ("POST", "/v3/artifact-form") => {
            // Its own batch's form, with the path of a file of the other's.
            let mut body = String::new();
            let fields = own.announced["upload_instructions"]["data"].as_object().cloned().unwrap_or_default();
            for (name, value) in fields {
                let value = text(&value).replace("${artifact:path}", &format!("{}.txt", other.words()));
                body += &format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            }
            body += "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nhello\r\n--B--\r\n";
            let mut tried = plain(route.path, Expect::Refused);
            tried.call = tried.call.header("Content-Type", "multipart/form-data; boundary=B");
            tried.call.body = body.into();
            vec![tried]
        }
        ("POST", path) if path.ends_with("/StreamPings") => {
            let mut tried = plain(path, Expect::Is(401));
            tried.call = tried.call.header("Content-Type", "application/grpc").header("TE", "trailers");
            // One message: the other's agent, as field 1.
            let id = other.told.agent.as_bytes();
            let length = u8::try_from(id.len()).expect("an id is short");
            tried.call.body = [&[0, 0, 0, 0, length + 2, 0x0a, length], id].concat().into();
            vec![tried]
        }
        (method, path) => panic!("{method} {path} has no try here: say what one job could do to another with it"),
    }
}

/// The try on a route of people's, or of whoever runs the server: a job token is none of theirs.
pub fn of_people(below: &str, route: Route, own: &Side, other: &Side) -> Try {
    // The figures of the server are for whoever is on its machine, as the jobs of these stories are.
    const PUBLIC: [&str; 7] =
        ["/", "/meta", "/healthz", "/readyz", "/metrics", "/.well-known/openid-configuration", "/.well-known/jwks"];
    let mut path = route.path.trim_end_matches('/').replace("{organization}", "acme");
    for (open, id) in [("{agent}", &other.told.agent), ("{pipeline}", &"story".to_owned())] {
        path = path.replace(open, id);
    }
    // Whatever else a route leaves open.
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, &other.build.job);
    }
    let expect = if PUBLIC.contains(&route.path) { Expect::Public } else { Expect::Is(401) };
    let call = Call::new(method(route), &format!("{below}{path}")).bearer(&own.told.token);
    let call = if matches!(route.method, "GET" | "DELETE") { call } else { call.json(&json!({})) };
    Try { what: "people's own", call, expect }
}

/// A log is placed by sequence and offset: at its front, behind its end, and over what is there.
fn chunks(route: Route, own: &Side, other: &Side) -> Vec<Try> {
    let places = ["sequence=0&offset=0", "sequence=1&offset=0", "sequence=99&offset=100000"];
    let tried = places.map(|place| {
        let mut tried = at(route, &other.build.job, own, &Value::Null, Expect::Is(404));
        tried.call.path = format!("{}?{place}&size=6", tried.call.path);
        tried.call.body = "stolen".into();
        tried
    });
    tried.into()
}

fn ended_artifacts(route: Route, own: &Side, other: &Side) -> Vec<Try> {
    let states = |id: &str| json!({ "artifacts": [{ "id": id, "state": "error" }] });
    let announced = text(&other.announced["artifact_ids"][0]);
    let mut all = vec![at(route, &other.build.job, own, &states(&other.artifact), Expect::Is(404))];
    if own.name != other.name {
        // In the name of its own job, with another's artifacts.
        for id in [&other.artifact, &announced] {
            all.push(at(route, &own.build.job, own, &states(id), Expect::Is(404)));
        }
    }
    all
}

fn steps(route: Route, own: &Side, other: &Side) -> Vec<Try> {
    let mut all = Vec::new();
    for step in [other.told.step.clone(), format!("step-of-{}", other.name)] {
        for build in [None, Some(&other.build.uuid), Some(&own.build.uuid)] {
            let mut body = json!({ "attribute": "label", "value": "stolen", "force": true,
                "idempotency_uuid": "0198f3a1-7c3e-7b21-9f60-0000000000ff" });
            if let Some(build) = build {
                body["build_id"] = json!(build);
            }
            all.push(at(route, &step, own, &body, Expect::Is(404)));
        }
    }
    all
}

/// A call on a route below `/v3` with this id in it, by `own`.
fn at(route: Route, id: &str, own: &Side, body: &Value, expect: Expect) -> Try {
    let path = route.path.replace("{id}", id).replace("{context}", "mine").replace("{uuid}", &own.upload);
    let path = path.replace("{registry}", "~").replace("{call}", "peek").replace("{*call}", "register");
    let query = match route.path {
        "/builds/{id}/artifacts/search" => "?query=*&state=finished",
        "/jobs/{id}/secrets" => "?key=K",
        "/metrics/queue" => "?name=default",
        _ => "",
    };
    let call = Call::new(method(route), &format!("/v3{path}{query}")).token(&own.told.token);
    Try { what: "another's", call: if body.is_null() { call } else { call.json(body) }, expect }
}

fn with_path(mut tried: Try, from: &str, to: &str) -> Try {
    tried.call.path = tried.call.path.replace(from, to);
    tried
}

fn with_query(mut tried: Try, more: &str) -> Try {
    tried.call.path += more;
    tried
}

fn method(route: Route) -> Method {
    route.method.parse().expect("a method")
}
