//! Ways to sign in and to prove beside a password: what stands on the pages, where one is led, and what is not taken. The whole stories of a passkey
//! and of a provider are told in a browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_control::Control;
use countersign_control::signing_in::{CALLBACK, Fetch, FetchError, Provider};
use futures_util::future::BoxFuture;
use url::Url;

use crate::browser::{Answer, OWN, PASSWORD, Server, form};

const ISSUER: &str = "https://login.example.com";
const PASSKEY: &str = "Sign in with a passkey";
const PROVIDER: &str = "Sign in with login.example.com";

/// A provider that says where it is, and no more; or nothing at all.
#[derive(Debug, Default)]
struct Quiet(AtomicBool);

impl Quiet {
    fn of(control: &Control) -> Arc<Self> {
        let it = Arc::new(Self::default());
        let provider = Provider::new(ISSUER, "countersign", None).expect("a provider");
        let _ = control.clone().with_provider(provider, it.clone());
        it
    }

    fn be_silent(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Fetch for Quiet {
    fn fetch(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'static, Result<http::Response<Vec<u8>>, FetchError>> {
        let answer = match request.uri().path() {
            _ if self.0.load(Ordering::SeqCst) => Err(FetchError("no answer".to_owned())),
            "/.well-known/openid-configuration" => Ok((
                200,
                r#"{"issuer":"https://login.example.com","authorization_endpoint":"https://login.example.com/authorize",
                "token_endpoint":"https://login.example.com/token","jwks_uri":"https://login.example.com/keys",
                "response_types_supported":["code"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}"#,
            )),
            "/keys" => Ok((200, r#"{"keys":[]}"#)),
            _ => Ok((400, r#"{"error":"invalid_grant"}"#)),
        };
        let answer = answer.map(|(status, body)| {
            let response = http::Response::builder().status(status).header("content-type", "application/json");
            response.body(body.as_bytes().to_vec()).expect("a response")
        });
        Box::pin(async move { answer })
    }
}

/// Where a page goes on by itself.
fn leads(answer: &Answer) -> String {
    let url = answer.text.split("content=\"0; url=").nth(1).and_then(|rest| rest.split('"').next());
    url.expect("a page that goes on").replace("&#38;", "&")
}

fn state(url: &str) -> String {
    let url = Url::parse(url).expect("an address");
    url.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned()
}

async fn post(server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
    server.send("POST", path, &OWN, &form(fields)).await
}

/// Comes back from the provider, by a link on another site.
async fn back(server: &Server, cookie: &str, query: &str) -> Answer {
    let headers = [("cookie", cookie), ("sec-fetch-site", "cross-site")];
    server.send("GET", &format!("{CALLBACK}?{query}"), &headers, "").await
}

#[tokio::test]
async fn only_what_is_there_is_offered() {
    let server = Server::new().await;
    assert!(server.routes().iter().any(|route| route.path == CALLBACK), "browsers come back elsewhere");
    let page = server.send("GET", "/sign-in", &[], "").await.text;
    assert!(page.contains(PASSKEY) && !page.contains("Sign in with login"), "{page}");
    assert_eq!(post(&server, "/sign-in/provider", &[]).await.status, 404);
    assert_eq!(post(&server, "/invitation/provider", &[("link", "x")]).await.status, 422);
    Quiet::of(&server.world.control);
    let page = server.send("GET", "/sign-in", &[], "").await.text;
    assert!(page.contains(PASSKEY) && page.contains(PROVIDER), "{page}");
    assert!(server.send("GET", "/invitation", &[], "").await.text.contains("Become a member with login.example.com"));
    // She has no passkey, and the provider has never meant her.
    let ada = server.admin().await;
    let page = ada.page("/prove").await;
    assert!(!page.contains("Confirm with"), "{page}");
    assert!(ada.page("/account").await.contains("/account/passkeys/new"));
}

#[tokio::test]
async fn where_browsers_have_no_passkeys_there_are_none() {
    for public_url in ["http://ci.example", "http://127.0.0.1:8420", "https://192.0.2.1"] {
        let server = Server::at(public_url).await;
        let page = server.send("GET", "/sign-in", &[], "").await.text;
        assert!(!page.contains("passkey"), "{public_url}: {page}");
        let answer = post(&server, "/sign-in/passkey", &[("credential", "{}"), ("challenge", "x")]).await;
        assert!([403, 409, 422].contains(&answer.status.as_u16()), "{public_url}: {} {}", answer.status, answer.text);
        assert!(answer.cookie("countersign").is_none());
    }
}

#[tokio::test]
async fn what_is_no_passkey_is_answered_by_the_page_with_a_fresh_question() {
    let server = Server::new().await;
    let challenge = |page: &str| {
        let value = page.split("name=\"challenge\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        value.expect("a question").to_owned()
    };
    let to = "/organizations/acme/agents?search=a&b";
    let asked = challenge(&server.send("GET", "/sign-in", &[], "").await.text);
    for credential in ["", "{}", "<script>alert(1)</script>"] {
        let fields = [("to", to), ("challenge", asked.as_str()), ("credential", credential)];
        let answer = post(&server, "/sign-in/passkey", &fields).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.cookie("countersign").is_none(), "{:?}", answer.headers);
        assert_ne!(challenge(&answer.text), asked);
        assert!(!answer.text.contains("<script>alert"), "{}", answer.text);
        let address = "data-address=\"/sign-in?to=%2Forganizations%2Facme%2Fagents%3Fsearch%3Da%26b\"";
        assert!(answer.text.contains(address), "{}", answer.text);
    }
    let fields = [("to", "//evil.example"), ("challenge", ""), ("credential", "{}")];
    let answer = post(&server, "/sign-in/passkey", &fields).await;
    assert!(!answer.text.contains("evil.example"), "{}", answer.text);
    let ada = server.admin().await;
    let answer = ada.post("/prove/passkey", &fields).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(
        answer.text.contains("data-address=\"/prove\"") && answer.text.contains("cannot be read"),
        "{}",
        answer.text
    );
    let answer = ada.post("/account/passkeys/new", &[("name", "x"), ("credential", "{}")]).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
}

#[tokio::test]
async fn a_browser_is_sent_to_the_provider_with_a_cookie_of_its_own() {
    let server = Server::new().await;
    Quiet::of(&server.world.control);
    let to = "/organizations/acme/agents?search=a~b;c";
    let sent = post(&server, "/sign-in/provider", &[("to", to)]).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    let url = leads(&sent);
    assert!(url.starts_with("https://login.example.com/authorize?"), "{url}");
    assert!(url.contains("code_challenge_method=S256") && url.contains("nonce="), "{url}");
    assert!(!url.contains("acme"), "the provider is told where one goes: {url}");
    let line = sent.cookie("countersign-provider").expect("a cookie");
    assert!(line.ends_with("; Path=/; Max-Age=300; HttpOnly; SameSite=Lax"), "{line}");
    let cookie = line.split(';').next().expect("a cookie");

    // What it is answered with is wrong in one way or another.
    let state = state(&url);
    let mut words = Vec::new();
    for query in [
        "code=stolen&state=another".to_owned(),
        "code=stolen".to_owned(),
        format!("state={state}"),
        format!("error=access_denied&state={state}"),
        format!("code=stolen&state={state}"),
    ] {
        let answer = back(&server, cookie, &query).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text);
        assert!(answer.cookie("countersign").is_none(), "{query}: {:?}", answer.headers);
        let line = answer.cookie("countersign-provider").expect("it is taken away");
        assert!(line.starts_with("countersign-provider=; Path=/; Max-Age=0"), "{line}");
        assert!(!answer.text.contains("stolen") && !answer.text.contains(&state), "{query}: {}", answer.text);
        // Where one wanted to go is known still.
        let address = "data-address=\"/sign-in?to=%2Forganizations%2Facme%2Fagents%3Fsearch%3Da%7Eb%3Bc\"";
        assert!(answer.text.contains(address), "{query}: {}", answer.text);
        let problem = answer.text.split("role=\"alert\"").nth(1).and_then(|it| it.split("</div>").next());
        words.push(problem.expect("a problem").to_owned());
    }
    words.dedup();
    assert_eq!(words.len(), 1, "which of it was wrong is told: {words:?}");
}

#[tokio::test]
async fn whoever_comes_back_without_what_they_held_is_led_to_signing_in() {
    let server = Server::new().await;
    Quiet::of(&server.world.control);
    let held = |kept: &str| format!("countersign-provider={kept}");
    for cookie in ["", "theme=dark", &held(""), &held("x"), &held("sign-in~x"), &held("other~x~to=%2F")] {
        let answer = back(&server, cookie, "code=stolen&state=x").await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/sign-in"), "{cookie}: {}", answer.text);
        assert!(answer.cookie("countersign").is_none(), "{cookie}");
    }
    // One that was made up, and one that leads elsewhere.
    let answer = back(&server, &held("sign-in~x~to=%2F%2Fevil.example"), "code=stolen&state=x").await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(!answer.text.contains("evil.example"), "{}", answer.text);
    // A proof is for whoever is signed in.
    let answer = back(&server, &held("proof~x~to=%2Faccount"), "code=stolen&state=x").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/sign-in"), "{}", answer.text);
    let answer = back(&server, &held("invitation~x~link=csniv_x&name=%3Cb%3EAda"), "code=stolen&state=x").await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.text.contains("data-address=\"/invitation\"") && !answer.text.contains("<b>"), "{}", answer.text);
    assert!(!answer.text.contains("csniv_x"), "the invitation is put into the page: {}", answer.text);
}

#[tokio::test]
async fn while_the_provider_is_silent_one_may_come_back_again() {
    let server = Server::new().await;
    let provider = Quiet::of(&server.world.control);
    let sent = post(&server, "/sign-in/provider", &[]).await;
    let cookie = sent.cookie("countersign-provider").and_then(|line| line.split(';').next()).expect("a cookie");
    let query = format!("code=stolen&state={}", state(&leads(&sent)));
    provider.be_silent();
    let answer = back(&server, cookie, &query).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"));
    assert!(answer.cookie("countersign-provider").is_none(), "the browser has to forget");
    assert!(!answer.text.contains("stolen"), "{}", answer.text);
    // What people have here works all the same.
    server.admin().await;
    let fields = [("email", "ada@acme.example"), ("password", PASSWORD)];
    assert_eq!(post(&server, "/sign-in", &fields).await.status, 303);
}
