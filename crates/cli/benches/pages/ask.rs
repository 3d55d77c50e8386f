//! A server in process, somebody who is signed in there, and what their calls came to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use countersign_control::access::actions::IssueSignInLink;
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::{SeededEntropy, World};
use http::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http::{Request, Response};
use tower::ServiceExt;

use super::WANTED;

/// A server, and the cookie of an Organization Admin.
pub struct Server {
    router: Router,
    cookie: String,
}

impl Server {
    /// The pages of a world. Its clock stands still, so that nobody is signed out.
    pub async fn new(world: &World) -> Self {
        let edge = Edge::new(world.control.clone(), Arc::new(SeededEntropy::new(9)), TrustedProxies::default());
        let router = edge.layers(countersign_pages::router(world.control.clone()));
        let grant = world.control.grant_own::<IssueSignInLink>(&world.operator).expect("the operator may");
        let link = world.control.issue_sign_in_link(&grant, "ada@acme.example").await.expect("a link");
        let form = format!("link={}&password=correct+horse+battery+staple", link.secret.reveal());
        let request = Request::post("/sign-in/link")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(ORIGIN, "http://localhost:8420");
        let mut server = Self { router, cookie: String::new() };
        let answer = server.send(request.body(Body::from(form)).expect("a request")).await;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        let cookie = cookies.filter_map(|line| line.split(';').next()).find(|it| it.starts_with("countersign="));
        cookie.expect("a cookie").clone_into(&mut server.cookie);
        server
    }

    async fn send(&self, mut request: Request<Body>) -> Response<Body> {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        self.router.clone().oneshot(request).await.expect("the router answers")
    }

    /// Asks for a page that is there; answers how many bytes it has.
    pub async fn page(&self, path: &str) -> usize {
        let request = Request::get(path).header(COOKIE, &self.cookie).header("sec-fetch-site", "none");
        let answer = self.send(request.body(Body::empty()).expect("a request")).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.expect("the body is whole");
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
        bytes.len()
    }
}

/// What the calls for one page came to.
pub struct Figures {
    /// How long each took, the shortest first.
    pub took: Vec<Duration>,
    /// How long the page is.
    pub bytes: usize,
    /// Milliseconds of this process's processors that each took. What PostgreSQL does is not in it.
    pub cpu: f64,
}

impl Figures {
    fn millis(&self, percent: usize) -> f64 {
        let at = (self.took.len() * percent).div_ceil(100).saturating_sub(1);
        self.took[at].as_secs_f64() * 1e3
    }

    /// Prints a line, with a mark where it is not as quick, or the page larger, than is wanted.
    pub fn tell(&self, name: &str, floor: &Self) {
        let slow = if self.millis(95) > WANTED { "  SLOW" } else { "" };
        let large = if self.bytes > 100_000 { "  LARGE" } else { "" };
        println!(
            "{name:<52} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8} {:>8.1}{slow}{large}",
            self.millis(50),
            self.millis(95),
            self.millis(99),
            self.cpu,
            self.bytes,
            self.millis(50) / floor.millis(50)
        );
    }
}

/// Processor time of this process, in milliseconds.
pub fn processor_time() -> f64 {
    /// Ticks of `/proc/self/stat` per second, on every Linux that Rust runs on.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok()).expect("a number");
    (ticks() + ticks()) * 1e3 / TICKS
}
