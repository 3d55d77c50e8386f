//! A server in process, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use countersign_control::agents::{Instruction, Registration};
use countersign_graphql::Allowance;
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::{Engine, SeededEntropy, World};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A server with two organizations, `acme` and its twin `globex`.
pub struct Server {
    pub world: World,
    router: Router,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// What is at a path such as `/data/viewer`.
    pub fn at(&self, path: &str) -> Value {
        self.json().pointer(path).cloned().unwrap_or_else(|| panic!("nothing at {path}: {}", self.text))
    }

    pub fn text_at(&self, path: &str) -> String {
        self.at(path).as_str().unwrap_or_else(|| panic!("no text at {path}: {}", self.text)).to_owned()
    }

    /// The message of the one error.
    pub fn error(&self) -> String {
        assert_eq!(self.at("/errors").as_array().map(Vec::len), Some(1), "{}", self.text);
        self.text_at("/errors/0/message")
    }

    /// The kind of the one error.
    pub fn kind(&self) -> String {
        self.error();
        self.text_at("/errors/0/extensions/type")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_else(|| panic!("no header {name}"))
    }

    /// An answer without errors.
    pub fn ok(self) -> Self {
        assert_eq!((self.status, self.json().get("errors")), (StatusCode::OK, None), "{}", self.text);
        self
    }
}

impl Server {
    pub async fn new() -> Self {
        Self::with(Allowance::default()).await
    }

    pub async fn with(allowance: Allowance) -> Self {
        let world = World::new(Engine::Sqlite).await;
        let edge = Edge::new(world.control.clone(), Arc::new(SeededEntropy::new(9)), TrustedProxies::default());
        let router = edge.layers(countersign_graphql::router(world.control.clone(), allowance));
        Self { world, router }
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let answer = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.expect("the body is whole").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("the body is text"),
        }
    }

    /// A body as it is, with a token.
    pub async fn post(&self, token: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post("/graphql")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(body.into());
        self.send(request.expect("a request")).await
    }

    /// A document with variables, with a token.
    pub async fn ask_as(&self, token: &str, query: &str, variables: Value) -> Answer {
        self.post(token, json!({ "query": query, "variables": variables }).to_string()).await
    }

    /// As acme's admin.
    pub async fn ask(&self, query: &str, variables: Value) -> Answer {
        self.ask_as(self.world.acme.user_token(), query, variables).await
    }

    /// The global id of an organization.
    pub async fn organization_id(&self, token: &str, slug: &str) -> String {
        let query = "query($slug: ID!) { organization(slug: $slug) { id } }";
        self.ask_as(token, query, json!({ "slug": slug })).await.ok().text_at("/data/organization/id")
    }

    /// The global id of acme.
    pub async fn acme(&self) -> String {
        self.organization_id(self.world.acme.user_token(), "acme").await
    }

    /// A fresh agent token of acme: its global id and its value.
    pub async fn token(&self) -> (String, String) {
        let query = "mutation($id: ID!) { agentTokenCreate(input: {organizationID: $id, description: \"ci\"}) {
            tokenValue agentTokenEdge { node { id } } } }";
        let made = self.ask(query, json!({ "id": self.acme().await })).await.ok();
        let id = made.text_at("/data/agentTokenCreate/agentTokenEdge/node/id");
        (id, made.text_at("/data/agentTokenCreate/tokenValue"))
    }

    /// Registers and connects an agent with a token's value; answers its uuid.
    pub async fn agent(&self, value: &str, name: &str) -> String {
        let control = &self.world.control;
        let caller = self.world.authenticate(value).await.expect("the token is accepted");
        let new = Registration { name: name.to_owned(), ..Registration::default() };
        let grant = control.grant_own(&caller).expect("it may register");
        let registered = control.register_agent(&grant, new).await.expect("it registers");
        let session = self.world.authenticate(registered.session.reveal()).await.expect("the session is accepted");
        control.connect_agent(&control.grant_own(&session).expect("it may connect")).await.expect("it connects");
        registered.agent.id.to_string()
    }
}

/// What an agent does, for the tests of builds.
impl Server {
    /// Registers and connects an agent; answers its session token.
    pub async fn session(&self, value: &str) -> String {
        let control = &self.world.control;
        let caller = self.world.authenticate(value).await.expect("the token is accepted");
        let new =
            Registration { name: "worker".to_owned(), version: Some("4.0.0".to_owned()), ..Registration::default() };
        let registered =
            control.register_agent(&control.grant_own(&caller).expect("it may"), new).await.expect("it registers");
        let session = registered.session.reveal().to_owned();
        let caller = self.world.authenticate(&session).await.expect("the session is accepted");
        control.connect_agent(&control.grant_own(&caller).expect("it may")).await.expect("it connects");
        session
    }

    /// Takes the job that the agent is offered; answers the job's token.
    pub async fn take_job(&self, session: &str) -> String {
        let control = &self.world.control;
        let caller = self.world.authenticate(session).await.expect("the session is accepted");
        let offered = control.ping(&control.grant_own(&caller).expect("it may")).await.expect("it is answered");
        let Instruction::TakeJob(job) = offered else { panic!("a job is offered: {offered:?}") };
        let accepted =
            control.accept_job(&control.grant_own(&caller).expect("it may"), job).await.expect("it is taken");
        accepted.secret.reveal().to_owned()
    }
}
