//! A server in process, and what an agent says to it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use countersign_control::Settings;
use countersign_control::access::actions::{CreateBuild, RevokeAgentToken};
use countersign_control::agent_tokens::{Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::builds::{Build, NewBuild};
use countersign_domain::{PublicId, TokenSecret};
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::{Engine, SeededEntropy, World};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The routes of this face and of operation, with the layers around them, over a system of its own.
pub struct Server {
    pub world: World,
    app: Router,
}

/// An answer. Shown as its status and its body, with what differs from run to run named instead.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// An agent that registered.
pub struct Agent {
    pub id: String,
    pub session: String,
}

/// A job that an agent accepted.
pub struct Job {
    pub id: String,
    pub build: String,
    pub token: String,
}

impl Server {
    pub async fn new() -> Self {
        Self::over(World::new(Engine::Sqlite).await)
    }

    /// One with settings of its own.
    pub async fn with(settings: Settings) -> Self {
        Self::over(World::with(Engine::Sqlite, settings).await)
    }

    fn over(world: World) -> Self {
        let edge = Edge::new(world.control.clone(), Arc::new(SeededEntropy::new(9)), TrustedProxies::default());
        let routes = countersign_buildkite::router(world.control.clone()).merge(edge.operation());
        let app = edge.layers_with(routes, countersign_buildkite::streams(world.control.clone()));
        Self { world, app }
    }

    /// Sends a request as it is, from an address.
    pub async fn send(&self, request: Request<Body>, from: &str) -> Answer {
        let (parts, body) = self.open(request, from).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("a text");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request, and leaves the answer's body to be read.
    pub async fn open(&self, mut request: Request<Body>, from: &str) -> Response {
        let peer = SocketAddr::new(from.parse().expect("an address"), 40_000);
        request.extensions_mut().insert(ConnectInfo(peer));
        self.app.clone().oneshot(request).await.expect("the router answers everything")
    }

    /// Sends a call with a token and a body as a text; none is sent where it is empty.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(AUTHORIZATION, format!("Token {token}"));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json").header(CONTENT_LENGTH, body.len());
        }
        self.send(request.body(Body::from(body.to_owned())).expect("a request"), "127.0.0.1").await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, "").await
    }

    pub async fn post(&self, path: &str, token: &str, body: &str) -> Answer {
        self.call(Method::POST, path, token, body).await
    }

    pub async fn put(&self, path: &str, token: &str, body: &str) -> Answer {
        self.call(Method::PUT, path, token, body).await
    }

    /// Registers an agent of a version with acme's default token, and connects it.
    pub async fn agent(&self, version: &str) -> Agent {
        let body = json!({ "name": "a-1", "version": version, "meta_data": ["queue=default"] }).to_string();
        let answer = self.post("/v3/register", self.world.acme.agent_token(), &body).await;
        let read = answer.json();
        let agent = Agent { id: text(&read["id"]), session: text(&read["access_token"]) };
        assert_eq!(self.post("/v3/connect", &agent.session, "").await.status, 200);
        agent
    }

    /// A build of these many steps.
    pub async fn build(&self, steps: usize) -> Build {
        let steps: Vec<Value> = (0..steps).map(|_| json!({ "command": "echo hello" })).collect();
        let new = NewBuild {
            definition: json!({ "steps": steps }).to_string(),
            pipeline: "demo".to_owned(),
            queue: None,
            deployment: None,
            message: None,
            ..NewBuild::default()
        };
        self.world.control.create_build(&self.world.admin::<CreateBuild>(), new).await.expect("a build")
    }

    /// Lets an agent take the next job, without starting it.
    pub async fn accept(&self, agent: &Agent) -> Job {
        let id = text(&self.get("/v3/ping", &agent.session).await.json()["job"]["id"]);
        let read = self.put(&format!("/v3/jobs/{id}/accept"), &agent.session, "").await.json();
        let build = text(&read["env"]["BUILDKITE_BUILD_ID"]);
        Job { id, build, token: read["token"].as_str().unwrap_or_default().to_owned() }
    }

    /// A job that runs on an agent of its own.
    pub async fn running_job(&self) -> Job {
        self.build(1).await;
        let job = self.accept(&self.agent("3.137.0").await).await;
        assert_eq!(self.put(&format!("/v3/jobs/{}/start", job.id), &job.token, "").await.status, 200);
        job
    }

    /// Revokes acme's default token.
    pub async fn revoke(&self, connected_agents: Reach) {
        let token = TokenReference::parse(self.public_id().as_str()).expect("a public id");
        let revocation = Revocation { token, reason: "Leaked".to_owned(), connected_agents, expected: None };
        let grant = self.world.admin::<RevokeAgentToken>();
        self.world.control.revoke_agent_token(&grant, revocation).await.expect("revoked");
    }

    /// The public id of acme's default token.
    pub fn public_id(&self) -> PublicId {
        self.world.acme.created.agent_secret.public_id().clone()
    }
}

impl Answer {
    /// A header's text; empty where there is none.
    pub fn header(&self, name: impl AsRef<str>) -> &str {
        self.headers.get(name.as_ref()).map_or("", |value| value.to_str().expect("a text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {} is no JSON", self.status, self.body))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::from_str::<Value>(&self.body) {
            Ok(body) => write!(f, "{} {}", self.status.as_u16(), steady(body)),
            Err(_) => write!(f, "{} {}", self.status.as_u16(), self.body),
        }
    }
}

/// The public id that a token's value carries.
pub fn public_id_of(value: &str) -> String {
    TokenSecret::parse(value).expect("a token value").public_id().to_string()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A body with ids and values named by what they are.
fn steady(body: Value) -> Value {
    match body {
        Value::String(text) if TokenSecret::parse(&text).is_ok() => json!("[token value]"),
        Value::String(text) if text.len() == 36 && text.matches('-').count() == 4 => json!("[uuid]"),
        Value::String(text) if text.len() == 11 && text.parse::<PublicId>().is_ok() => json!("[public id]"),
        Value::Array(items) => items.into_iter().map(steady).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, steady(value))).collect(),
        other => other,
    }
}
