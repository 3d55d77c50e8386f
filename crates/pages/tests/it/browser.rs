//! A server in process, and a browser of it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use countersign_control::Settings;
use countersign_control::access::actions::IssueSignInLink;
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::routes::{self, Route};
use countersign_testkit::{Engine, SeededEntropy, World};
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
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
    /// The line by which a browser keeps a cookie, or forgets it.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.into_iter().find(|line| line.split('=').next() == Some(name))
    }

    /// Whether it is the page that asks for a proof before a form is taken.
    pub fn asks_for_proof(&self) -> bool {
        self.status == 403 && self.text.contains(r#"data-address="/prove"#)
    }

    /// The fields of the form that is sent to this address, as a browser sends them.
    pub fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let form =
            self.text.split(&format!(r#"action="{action}""#)).nth(1).and_then(|rest| rest.split("</form>").next());
        let fields = form.expect("the form").split(r#"<input type="hidden" name=""#).skip(1);
        let fields = fields.map(|field| {
            let (name, rest) = field.split_once(r#"" value=""#).expect("a field");
            (name.to_owned(), unescaped(rest.split('"').next().expect("a value")))
        });
        fields.collect()
    }

    /// Where one is led.
    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A text as a browser reads it out of a page.
fn unescaped(text: &str) -> String {
    let signs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    signs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

impl Server {
    pub async fn new() -> Self {
        Self::of(World::new(Engine::Sqlite).await)
    }

    /// A server that people reach at this address.
    pub async fn at(public_url: &str) -> Self {
        let settings = Settings { public_url: public_url.to_owned(), ..Settings::default() };
        Self::of(World::with(Engine::Sqlite, settings).await)
    }

    fn of(world: World) -> Self {
        let edge = Edge::new(world.control.clone(), Arc::new(SeededEntropy::new(9)), TrustedProxies::default())
            .with_nowhere(countersign_pages::nowhere(world.control.clone()));
        let router = edge.layers(countersign_pages::router(world.control.clone()));
        Self { world, router }
    }

    /// All members only look on, where they have not been given more.
    pub async fn members_look_on(&self) {
        self.world.members_look_on().await;
    }

    /// A request with headers, and a form where it is a POST.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if method == "POST" {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(form.to_owned())).expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let (parts, body) = self.ask(request).await.into_parts();
        let bytes = body.collect().await.expect("the body is whole").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("the body is text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// A request as it is, and the answer before its body has come.
    pub async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("the router answers")
    }

    /// Every route, with something in the places that it leaves open.
    pub fn routes(&self) -> Vec<Route> {
        let token = self.world.acme.created.agent_token.id.to_string();
        let admin = self.world.acme.created.admin.id.to_string();
        let filled = routes::pages().into_iter().map(|Route { method, path }| {
            let path = path
                .replace("{organization}", "acme")
                .replace("{token}", &token)
                .replace("{agent}", &token)
                .replace("{dagster_agent}", &token)
                .replace("{member}", &admin)
                .replace("{id}", &token)
                .replace("{pipeline}", "demo")
                .replace("{build}", "1")
                .replace("{step}", &token)
                .replace("{job}", &token)
                .replace("{artifact}", &token)
                .replace("{team}", &token)
                .replace("{queue}", &token)
                .replace("{sign_in}", "4f9Kd0aZ81b")
                .replace("{passkey}", &token)
                .replace("{version}", "0")
                .replace("{name}", "pages.css")
                .replace("{*rest}", "nowhere");
            // Kept for the length of the test, as the paths that are in the program are.
            Route { method, path: path.leak() }
        });
        filled.collect()
    }
}

/// A password that nobody knows of anybody here.
pub const PASSWORD: &str = "correct horse battery staple";

/// Somebody who is signed in, with a browser of their own.
pub struct Browser<'a> {
    server: &'a Server,
    cookie: String,
}

impl Server {
    /// A browser in which somebody has used a link that was made for them.
    pub async fn signed_in(&self, email: &str) -> Browser<'_> {
        let control = &self.world.control;
        let grant = control.grant_own::<IssueSignInLink>(&self.world.operator).expect("the operator may");
        let link = control.issue_sign_in_link(&grant, email).await.expect("a link");
        let form = form(&[("link", link.secret.reveal()), ("password", PASSWORD)]);
        let answer = self.send("POST", "/sign-in/link", &OWN, &form).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/"), "{}", answer.text);
        let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
        let cookie =
            cookies.into_iter().find_map(|line| line.split(';').next().filter(|it| it.starts_with("countersign=")));
        Browser { server: self, cookie: cookie.expect("a cookie").to_owned() }
    }

    /// Acme's admin, who is signed in.
    pub async fn admin(&self) -> Browser<'_> {
        self.signed_in("ada@acme.example").await
    }

    /// A plain member of acme, who is signed in, and looks at acme.
    pub async fn member(&self) -> Browser<'_> {
        self.world.member().await;
        self.signed_in("grace@globex.example").await
    }
}

/// Headers of what is posted from a page of this server.
pub const OWN: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8420")];

/// A form as a browser writes it.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Browser<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "none")];
        self.server.send("GET", path, &headers, "").await
    }

    /// A page with more headers.
    pub async fn get_with(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        let headers = [&[("cookie", self.cookie.as_str()), ("sec-fetch-site", "none")][..], more].concat();
        self.server.send("GET", path, &headers, "").await
    }

    /// The headers of a page alone.
    pub async fn head(&self, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "none")];
        self.server.send("HEAD", path, &headers, "").await
    }

    /// A stream of events, as a page of this server opens it.
    pub async fn listen(&self, path: &str) -> Response<Body> {
        let request = Request::builder().uri(path).header("cookie", self.cookie.as_str()).header(OWN[0].0, OWN[0].1);
        let mut request = request.body(Body::empty()).expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        self.server.ask(request).await
    }

    /// The same by a link on a page of another site.
    pub async fn follow(&self, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "cross-site")];
        self.server.send("GET", path, &headers, "").await
    }

    /// A form on a page of this server.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), OWN[0], OWN[1]];
        self.server.send("POST", path, &headers, &form(fields)).await
    }

    /// A page that is there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {} {}", answer.location(), answer.text);
        answer.text
    }

    /// What a form says that it shows.
    pub async fn shown(&self, path: &str) -> String {
        let page = self.page(path).await;
        let shown = page.split(r#"name="shown" value=""#).nth(1).and_then(|rest| rest.split('"').next());
        shown.expect("the form carries what it shows").to_owned()
    }

    /// Fills in the form of a page that carries what it shows.
    pub async fn fill(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let shown = self.shown(path).await;
        self.post(path, &[fields, &[("shown", shown.as_str())]].concat()).await
    }

    /// Proves again who one is.
    pub async fn prove(&self) {
        let answer = self.post("/prove", &[("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }

    /// Creates an agent token; answers its path.
    pub async fn create(&self, fields: &[(&str, &str)]) -> String {
        let answer = self.post("/organizations/acme/settings/tokens/new", fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.location().strip_suffix("/value").expect("the page with the value").to_owned()
    }
}
