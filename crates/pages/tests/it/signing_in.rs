//! Signing in and out as a browser does.

use std::time::Duration;

use crate::browser::{Answer, OWN, PASSWORD, Server, form};

const AGENTS: &str = "/organizations/acme/agents";

#[tokio::test]
async fn a_link_signs_in_once_and_the_password_afterwards() {
    let server = Server::new().await;
    let ada = server.admin().await;
    assert_eq!(ada.get("/").await.location(), "/organizations/acme");
    let page = ada.page(AGENTS).await;
    assert!(page.contains("ada@acme.example") && page.contains("Sign out"), "{page}");

    let fields = [("email", "ada@acme.example"), ("password", PASSWORD), ("to", AGENTS)];
    let answer = server.send("POST", "/sign-in", &OWN, &form(&fields)).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, AGENTS), "{}", answer.text);
    let cookie = answer.headers["set-cookie"].to_str().expect("a text");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
}

#[tokio::test]
async fn a_sign_in_that_ended_is_none() {
    let server = Server::new().await;
    let ada = server.admin().await;
    assert_eq!(ada.post("/sign-out", &[]).await.location(), "/sign-in");
    let answer = ada.get(AGENTS).await;
    assert_eq!(answer.location(), "/sign-in?to=%2Forganizations%2Facme%2Fagents", "{}", answer.text);
    // What the browser still shows is no reason not to sign in again.
    let again = ada.post("/sign-in", &[("email", "ada@acme.example"), ("password", PASSWORD)]).await;
    assert_eq!(again.status, 303, "{}", again.text);
}

#[tokio::test]
async fn whoever_comes_back_too_late_and_is_signed_in_is_told_so() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let late = "/sign-in/callback?code=x&state=y";
    let notice = |answer: &Answer| answer.cookie("countersign-notice").expect("a notice").to_owned();
    let (hers, of_nobody) = (ada.get(late).await, server.send("GET", late, &[], "").await);
    assert_eq!((hers.location(), of_nobody.location()), ("/sign-in", "/sign-in"));
    assert!(notice(&hers).contains("=still-signed-in"), "{}", notice(&hers));
    assert!(notice(&of_nobody).contains("=provider-late"), "{}", notice(&of_nobody));
}

#[tokio::test]
async fn what_is_no_link_is_told_at_the_field() {
    let server = Server::new().await;
    for path in ["/sign-in/link", "/invitation"] {
        for value in ["", "x", "https://ci.example/sign-in#csnsl_4f9Kd0aZ81b_x", server.world.acme.user_token()] {
            let fields = [("link", value), ("password", PASSWORD)];
            let answer = server.send("POST", path, &OWN, &form(&fields)).await;
            assert_eq!(answer.status, 422, "{path} {value}: {}", answer.text);
            assert!(answer.text.contains(r#"id="link-error""#), "{path}: {}", answer.text);
            assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn who_one_is_is_proved_again_after_five_minutes() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let token = ada.create(&[("description", "ci"), ("org_agent", "on"), ("reveal_policy", "always")]).await;
    server.world.clock.advance(Duration::from_secs(11 * 60));
    let permissions = format!("{token}/permissions");
    let new = ada.get("/organizations/acme/settings/tokens/new").await;
    assert_eq!((new.status.as_u16(), new.location().starts_with("/prove?to=")), (303, true), "{}", new.text);
    let led = ada.get(&permissions).await;
    assert_eq!(led.status, 303, "{}", led.text);
    let prove = led.location().to_owned();
    assert!(prove.starts_with("/prove?to="), "{prove}");
    assert!(ada.page(&prove).await.contains(&format!(r#"name="to" value="{permissions}""#)));
    let wrong = ada.post("/prove", &[("password", "wrong horse battery"), ("to", &permissions)]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let back = ada.post("/prove", &[("password", PASSWORD), ("to", &permissions)]).await;
    assert_eq!((back.status.as_u16(), back.location()), (303, permissions.as_str()), "{}", back.text);
    assert!(ada.page(&permissions).await.contains("Org Agent"));
}

#[tokio::test]
async fn what_was_typed_is_kept_while_one_proves_who_one_is() {
    const NEW: &str = "/organizations/acme/settings/tokens/new";
    let server = Server::new().await;
    let ada = server.admin().await;
    server.world.clock.advance(Duration::from_secs(6 * 60));
    let typed =
        [("description", "a \"b\" & <c>"), ("org_agent", "on"), ("reveal_policy", "always"), ("queues", "x\r\ny")];
    let asked = ada.post(NEW, &typed).await;
    assert!(
        asked.asks_for_proof() && asked.text.contains("Nothing has been done yet"),
        "{} {}",
        asked.status,
        asked.text
    );
    assert!(!asked.text.contains("<c>"), "{}", asked.text);
    let post = async |path: &str, fields: &[(String, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        ada.post(path, &fields).await
    };
    let mut proof = asked.hidden("/prove");
    proof.push(("password".to_owned(), "wrong horse battery".to_owned()));
    let wrong = post("/prove", &proof).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let mut proof = wrong.hidden("/prove");
    proof.push(("password".to_owned(), PASSWORD.to_owned()));
    let proved = post("/prove", &proof).await;
    assert!(proved.status == 200 && proved.text.contains("data-again-form"), "{} {}", proved.status, proved.text);
    assert!(!proved.text.contains(PASSWORD), "{}", proved.text);
    let again = proved.hidden(NEW);
    assert_eq!(again, typed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(
        ada.page("/organizations/acme/settings/tokens").await.matches("&#60;c&#62;").count() == 0,
        "it was made before"
    );
    let made = post(NEW, &again).await;
    assert!(made.status == 303 && made.location().ends_with("/value"), "{} {}", made.status, made.text);
}

#[tokio::test]
async fn no_form_of_elsewhere_and_no_secret_is_sent_after_a_proof() {
    let server = Server::new().await;
    let ada = server.admin().await;
    for action in ["https://evil.example/organizations/", "//evil.example/organizations/", "/sign-out", "/prove"] {
        let fields = [("password", PASSWORD), ("to", "/account"), ("typed_to", action), ("typed", "a=b")];
        let answer = ada.post("/prove", &fields).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/account"), "{action}: {}", answer.text);
    }
    server.world.clock.advance(Duration::from_secs(6 * 60));
    let fields = [("name", "x"), ("challenge", "secret-challenge"), ("credential", "secret-credential")];
    let asked = ada.post("/account/passkeys/new", &fields).await;
    assert!(asked.status == 303 && asked.location().starts_with("/prove"), "{} {}", asked.status, asked.text);
}

#[tokio::test]
async fn whoever_is_signed_in_is_told_so_before_they_sign_in_as_somebody_else() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let page = ada.page("/sign-in?to=%2Faccount").await;
    assert!(page.contains("signed in as") && page.contains("ada@acme.example"), "{page}");
    assert!(page.contains(r#"href="/account""#) && !page.contains(r#"name="password""#), "{page}");
    let form = ada.page("/sign-in?as=another&to=%2Faccount").await;
    assert!(form.contains(r#"name="password""#) && form.contains(r#"name="to" value="/account""#), "{form}");
}

#[tokio::test]
async fn where_there_is_no_page_a_browser_is_shown_one_and_a_program_a_message() {
    let server = Server::new().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for path in ["/nowhere", "/v3/nowhere", "/organizations"] {
        let answer = server.send("GET", path, &browser, "").await;
        assert!(answer.status == 404 && answer.text.contains("<h1>Not found</h1>"), "{path}: {}", answer.text);
        assert!(answer.headers.contains_key("content-security-policy"), "{:?}", answer.headers);
        let answer = server.send("GET", path, &[("accept", "*/*")], "").await;
        assert!(answer.status == 404 && answer.text.starts_with('{'), "{path}: {}", answer.text);
        let answer = server.send("POST", path, &browser, "").await;
        assert!(answer.status == 404 && answer.text.starts_with('{'), "{path}: {}", answer.text);
    }
    for (path, to) in [
        ("/account/", "/account"),
        ("/organizations/acme/", "/organizations/acme"),
        ("/organizations/acme/agents/?show=all", "/organizations/acme/agents?show=all"),
    ] {
        let answer = server.send("GET", path, &browser, "").await;
        assert_eq!((answer.status.as_u16(), answer.location()), (308, to), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_form_that_is_no_text_and_a_query_that_is_too_long_are_refused() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let long = format!("{AGENTS}?search=b&show={}", "a".repeat(9_000));
    let answer = ada.get(&long).await;
    assert!(answer.status == 414 && answer.text.contains("Too long an address"), "{} {}", answer.status, answer.text);
    assert_eq!(ada.get(&format!("{AGENTS}?search=%ff")).await.status, 400);
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in_and_ends_it() {
    let server = Server::new().await;
    let one = server.admin().await;
    let fields = [("email", "ada@acme.example"), ("password", PASSWORD)];
    let other = server.send("POST", "/sign-in", &OWN, &form(&fields)).await;
    let cookie = other.headers["set-cookie"].to_str().expect("a text").split(';').next().expect("a cookie").to_owned();
    let page = one.page("/account").await;
    assert_eq!(page.matches("/account/sign-ins/").count(), 1, "this one is not ended by that way: {page}");
    assert!(page.contains("This one"), "{page}");
    let way = page.split("/account/sign-ins/").nth(1).and_then(|it| it.split('"').next()).expect("a way");
    let ended = one.post(&format!("/account/sign-ins/{way}"), &[]).await;
    assert_eq!((ended.status.as_u16(), ended.location()), (303, "/account"), "{}", ended.text);
    let gone = server.send("GET", "/account", &[("cookie", &cookie)], "").await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    assert_eq!(one.post("/account/sign-out-everywhere", &[]).await.location(), "/sign-in");
    assert_eq!(one.get("/account").await.status, 303);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    const NEW: &str = "another horse battery staple";
    let server = Server::new().await;
    let ada = server.admin().await;
    let change = async |old, new| ada.post("/account/password", &[("password", old), ("new_password", new)]).await;
    let wrong = change("wrong horse battery", NEW).await;
    assert!(wrong.status == 422 && wrong.text.contains(r#"id="password-error""#), "{}", wrong.text);
    let short = change(PASSWORD, "short").await;
    assert!(short.status == 422 && short.text.contains(r#"id="new_password-error""#), "{}", short.text);
    for weak in [
        "            ",
        "aaaaaaaaaaaa",
        "123456789012",
        "passwordpassword",
        "acmeacmeacme",
        "ada@acme.example1",
        PASSWORD,
    ] {
        let weak = change(PASSWORD, weak).await;
        assert!(weak.status == 422 && weak.text.contains(r#"id="new_password-error""#), "{}", weak.text);
    }
    let changed = change(PASSWORD, NEW).await;
    assert_eq!((changed.status.as_u16(), changed.location()), (303, "/account"), "{}", changed.text);
    let fields = [("email", "ada@acme.example"), ("password", NEW)];
    assert_eq!(server.send("POST", "/sign-in", &OWN, &form(&fields)).await.status, 303);
}
