//! A server in process, and what browsers send to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use countersign_control::Settings;
use countersign_control::access::actions::IssueSignInLink;
use countersign_testkit::{Engine, World};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, Response, StatusCode};
use tower::ServiceExt;

use super::rows::{Rows, Tables};
use crate::faces;

/// What everybody here chooses, but for Grace.
pub const PASSWORD: &str = "correct horse battery staple";
/// What Grace chooses.
pub const GRACES: &str = "a stranger's own pass phrase";
/// Acme's admin.
pub const ADA: &str = "ada@acme.example";
/// Globex's admin, who is nobody in acme.
pub const GRACE: &str = "grace@globex.example";
/// What a browser says of a form on a page of this server.
pub const OWN: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];
/// What forms are.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 << 20;

/// A server with two organizations, `acme` and its twin `globex`, and every face.
pub struct Server {
    pub world: World,
    pub tables: Tables,
    pub router: Router,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// What is sent.
#[derive(Debug, Clone, Default)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    /// The whole header.
    pub cookie: Option<String>,
    pub kind: Option<&'static str>,
    pub body: String,
}

impl Answer {
    /// Where one is led.
    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The cookies that the browser is told to keep, or to forget.
    pub fn cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        lines.map(|line| line.to_str().expect("a text").to_owned()).collect()
    }

    /// What the browser shows from now on: `NAME=VALUE` of the cookie of a sign-in.
    pub fn sign_in(&self) -> Option<String> {
        let pairs = self.cookies().into_iter().filter_map(|line| line.split(';').next().map(str::to_owned));
        let is_sign_in = |pair: &String| pair.starts_with("countersign=") || pair.starts_with("__Host-countersign=");
        pairs.into_iter().find(is_sign_in)
    }
}

impl Call {
    pub fn get(path: impl Into<String>, cookie: &str) -> Self {
        let headers = vec![("sec-fetch-site", "none".to_owned())];
        Self { method: "GET", path: path.into(), headers, cookie: Some(cookie.to_owned()), ..Self::default() }
    }

    /// A form on a page of this server, of nobody.
    pub fn form(path: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        Self {
            method: "POST",
            path: path.into(),
            headers: OWN.map(|(name, value)| (name, value.to_owned())).to_vec(),
            cookie: None,
            kind: Some(FORM),
            body: encoded(fields),
        }
    }

    /// The same of somebody.
    pub fn of(self, cookie: &str) -> Self {
        Self { cookie: Some(cookie.to_owned()), ..self }
    }

    /// The same with other headers.
    pub fn saying(self, headers: &[(&'static str, &str)]) -> Self {
        Self { headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), ..self }
    }
}

/// A form as a browser writes it.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Sends it.
pub async fn send(router: &Router, call: &Call) -> Answer {
    let (parts, body) = begun(router, call).await.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.expect("a body");
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
}

/// Sends it, and waits for no body: that of a stream has no end.
pub async fn asked(router: &Router, call: &Call) -> (StatusCode, HeaderMap) {
    let (parts, _) = begun(router, call).await.into_parts();
    (parts.status, parts.headers)
}

/// Each call comes from a network of its own: whoever guesses is slowed down, and nobody does here.
async fn begun(router: &Router, call: &Call) -> Response<Body> {
    static NETWORK: AtomicU16 = AtomicU16::new(0);
    let mut request = Request::builder().method(call.method).uri(&call.path);
    if let Some(kind) = call.kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    if let Some(cookie) = &call.cookie {
        request = request.header(COOKIE, cookie);
    }
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let mut request = request.body(Body::from(call.body.clone())).expect("a request");
    let [high, low] = NETWORK.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, high, low, 1], 40_000))));
    router.clone().oneshot(request).await.expect("never fails")
}

impl Server {
    pub async fn new() -> Self {
        Self::on(Engine::Sqlite).await
    }

    pub async fn on(engine: Engine) -> Self {
        Self::of(World::new(engine).await).await
    }

    /// A server that is reached by this address.
    pub async fn at(public_url: &str) -> Self {
        let settings = Settings { public_url: public_url.to_owned(), ..Settings::default() };
        Self::of(World::with(Engine::Sqlite, settings).await).await
    }

    async fn of(world: World) -> Self {
        Self { tables: Tables::of(&world).await, router: faces::of(&world), world }
    }

    pub async fn rows(&self) -> Rows {
        self.tables.rows(&self.world).await
    }

    pub async fn send(&self, call: &Call) -> Answer {
        send(&self.router, call).await
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(&Call::get(path, cookie)).await
    }

    /// A form on a page of this server, by somebody.
    pub async fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(&Call::form(path, fields).of(cookie)).await
    }

    /// The value of a link for somebody.
    pub async fn link(&self, email: &str) -> String {
        let control = &self.world.control;
        let grant = control.grant_own::<IssueSignInLink>(&self.world.operator).expect("the operator may");
        control.issue_sign_in_link(&grant, email).await.expect("a link").secret.reveal().to_owned()
    }

    /// Somebody uses a link that was made for them, and has this password from then on; answers their cookie.
    pub async fn links_in(&self, email: &str, password: &str) -> String {
        let link = self.link(email).await;
        let answer = self.send(&Call::form("/sign-in/link", &[("link", &link), ("password", password)])).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.sign_in().expect("a cookie")
    }

    /// The same by their password, in one more browser.
    pub async fn signs_in(&self, email: &str, password: &str) -> String {
        let answer = self.send(&Call::form("/sign-in", &[("email", email), ("password", password)])).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.sign_in().expect("a cookie")
    }
}

/// The public id in a cookie's value.
pub fn public_id(cookie: &str) -> &str {
    cookie.split('_').nth(1).expect("a value with its parts")
}
