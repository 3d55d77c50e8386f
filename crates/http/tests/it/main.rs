//! What stands around every route, with routes that misbehave.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

use std::cell::RefCell;
use std::io::{Error, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::routing::{get, post};
use countersign_control::access::actions::IssueSignInLink;
use countersign_control::{Caller, Control, Grant, Origin};
use countersign_http::limits::MAX_ANY_BODY;
use countersign_http::{BadBody, Edge, SignInCookie, TrustedProxies, authenticate, read_body, signed_in};
use countersign_testkit::{Engine, SeededEntropy, World};
use http::header::{AUTHORIZATION, COOKIE, HeaderName, USER_AGENT};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// Where requests are given up: after what would be long enough for them where the machine does nothing else.
const REQUEST_TIME: Duration = Duration::from_secs(1);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

struct Server {
    world: World,
    app: Router,
}

impl Server {
    async fn new() -> Self {
        Self::with(|edge| edge).await
    }

    async fn with(set: impl FnOnce(Edge) -> Edge) -> Self {
        Log::listen();
        let world = World::new(Engine::Sqlite).await;
        let entropy = Arc::new(SeededEntropy::new(9));
        let edge = set(Edge::new(world.control.clone(), entropy, TrustedProxies::default()));
        let routes = Router::new()
            .route("/panic", get(panics))
            .route("/never", get(std::future::pending::<()>))
            .route("/all", post(async |request: Request| read_body(request, usize::MAX).await.map(drop)))
            .route("/who/{name}", get(who))
            .route("/mine/{slug}", get(mine))
            .with_state(world.control.clone());
        Self { app: edge.layers(routes), world }
    }

    async fn send(&self, request: http::request::Builder, body: Body) -> Answer {
        let mut request = request.body(body).expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let answer = self.app.clone().oneshot(request).await.expect("the router answers everything");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("a text");
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

async fn panics() {
    panic!("a handler with a fault");
}

async fn who(State(control): State<Control>, Path(_): Path<String>, request: Request) -> Result<(), StatusCode> {
    let (parts, _) = request.into_parts();
    authenticate(&control, &parts).await.map(drop).map_err(|_| StatusCode::UNAUTHORIZED)
}

/// Who is signed in, in the organization of this slug, or in the one that they looked at last.
async fn mine(
    State(control): State<Control>,
    Path(slug): Path<String>,
    request: Request,
) -> Result<String, (StatusCode, String)> {
    let (parts, _) = request.into_parts();
    let slug = (slug != "-").then_some(slug.as_str());
    let caller = signed_in(&control, &parts, slug).await.map_err(|error| match &error {
        countersign_control::Error::NotFound(_) => (StatusCode::NOT_FOUND, error.to_string()),
        _ => (StatusCode::UNAUTHORIZED, error.to_string()),
    })?;
    Ok(format!("{:?}", caller.who()))
}

#[tokio::test]
async fn a_cookie_stands_for_whoever_is_signed_in_and_a_header_does_not() {
    let server = Server::new().await;
    let control = &server.world.control;
    let grant: Grant<IssueSignInLink> = control.grant_own(&server.world.operator).expect("the operator may");
    let link = control.issue_sign_in_link(&grant, "ada@acme.example").await.expect("a link is made");
    let nobody = Caller::Anonymous(Origin::local());
    let signed = control.use_sign_in_link(&nobody, link.secret.reveal(), "correct horse battery").await;
    let secret = signed.expect("signed in").secret;
    let set = SignInCookie::of(&control.settings().public_url).set(&secret).expect("a header");
    let pair = set.to_str().expect("a text").split(';').next().expect("a pair").to_owned();
    assert_eq!(pair, format!("countersign={}", secret.reveal()));
    let ask = async |path: &str, name: HeaderName, value: String| {
        let answer = server.send(Request::get(path).header(name, value), Body::empty()).await;
        (answer.status.as_u16(), answer.body)
    };
    let body = |text: &str| (200, text.to_owned());
    assert_eq!(ask("/mine/-", COOKIE, pair.clone()).await, body("Admin"));
    assert_eq!(ask("/mine/acme", COOKIE, pair.clone()).await, body("Admin"));
    assert_eq!(ask("/mine/globex", COOKIE, pair.clone()).await, (404, "No organization found".to_owned()));
    assert_eq!(ask("/mine/-", COOKIE, "theme=dark".to_owned()).await, body("Anonymous"));
    // Neither value is taken in the other's place.
    let bearer = format!("Bearer {}", secret.reveal());
    assert_eq!(ask("/mine/-", AUTHORIZATION, bearer.clone()).await, body("Anonymous"));
    assert_eq!(ask("/who/ada", AUTHORIZATION, bearer).await.0, 401);
    assert_eq!(ask("/who/ada", COOKIE, pair.clone()).await.0, 200, "nobody in particular");
    let token = format!("countersign={}", server.world.acme.user_token());
    assert_eq!(ask("/mine/-", COOKIE, token).await.0, 401);
    assert_eq!(ask("/mine/-", COOKIE, format!("{pair}; {pair}")).await.0, 401, "one of them was planted");
}

#[tokio::test]
async fn a_panic_ends_one_request_and_shows_its_number_alone() {
    let server = Server::new().await;
    let answer = server.send(Request::get("/panic"), Body::empty()).await;
    let id = answer.headers["x-request-id"].to_str().expect("a text");
    let expected = format!(r#"{{"message":"Internal error","request_id":"{id}"}}"#);
    assert_eq!((answer.status.as_u16(), answer.body), (500, expected));
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let server = Server::with(|edge| edge.giving_up_after(REQUEST_TIME)).await;
    let answer = tokio::time::timeout(REQUEST_TIME * 60, server.send(Request::get("/never"), Body::empty()));
    let answer = answer.await.expect("an answer in time");
    assert_eq!(answer.headers["retry-after"], "2");
    insta::assert_snapshot!(
        format!("{} {}", answer.status.as_u16(), answer.body),
        @r#"503 {"message":"The server took too long over this; try again.","code":"timeout"}"#
    );
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_at_the_most_that_any_route_takes() {
    let server = Server::new().await;
    let piece = vec![b'x'; 64 * 1024];
    let pieces =
        futures_util::stream::iter((0..=MAX_ANY_BODY / piece.len()).map(move |_| Ok::<_, Error>(piece.clone())));
    let answer = server.send(Request::post("/all"), Body::from_stream(pieces)).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    let fits = server.send(Request::post("/all"), Body::from(vec![0; MAX_ANY_BODY])).await;
    assert_eq!(fits.status, 200, "{}", fits.body);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_fault_of_the_server() {
    let request =
        Request::new(Body::from_stream(futures_util::stream::iter([Ok(vec![b'{']), Err(Error::other("gone"))])));
    assert_eq!(read_body(request, 8).await, Err(BadBody::CutOff));
}

thread_local! {
    /// What this thread logged; a test runs on one thread, with all that it asks for.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is logged in [`LOGGED`].
struct Log;

impl Log {
    /// Listens for the whole process, once. Who listens on one thread alone may hear nothing: that nobody listens at
    /// a place of the program is remembered for all of them, by whichever thread meets it first.
    fn listen() {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
            lines.with_writer(|| Self).init();
        });
    }

    fn taken() -> String {
        String::from_utf8(LOGGED.take()).expect("a text")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_the_route_and_the_public_id_and_no_value() {
    let server = Server::new().await;
    let _of_others = Log::taken();
    let value = server.world.acme.user_token();
    let dressed = |path: String| {
        Request::get(path).header(AUTHORIZATION, format!("Bearer {value}")).header(USER_AGENT, format!("curl {value}"))
    };
    assert_eq!(server.send(dressed(format!("/who/{value}")), Body::empty()).await.status, 200);
    assert_eq!(server.send(dressed(format!("/{value}")), Body::empty()).await.status, 404);
    assert_eq!(server.send(dressed(format!("/who/me?token={value}")), Body::empty()).await.status, 400);
    let text = Log::taken();
    let public_id = server.world.acme.created.user_secret.public_id().to_string();
    for wanted in ["/who/{name}", public_id.as_str(), "caller=\"admin\"", "status=200", "status=404", "status=400"] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    let (_, secret) = value.rsplit_once('_').expect("a secret part");
    assert!(!text.contains(secret), "the value is in\n{text}");
}
