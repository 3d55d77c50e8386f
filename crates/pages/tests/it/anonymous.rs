//! What nobody in particular sees, and what pages of other sites can do: nothing.

use axum::body::Body;
use countersign_control::access::actions::ViewAudit;
use countersign_control::audit::Period;
use countersign_control::{MAX_PAGE, PageRequest};
use http::Request;
use tower::ServiceExt;

use crate::browser::{OWN, Server};

/// What anyone may open.
const OPEN: [&str; 5] =
    ["/sign-in", "/sign-in/link", "/invitation", "/assets/0/pages.css", "/organizations/acme/nowhere"];
/// What anyone may post, from a page of this server.
const OPEN_FORMS: [&str; 8] = [
    "/sign-in",
    "/sign-in/link",
    "/sign-in/passkey",
    "/sign-in/provider",
    "/invitation",
    "/invitation/provider",
    "/sign-out",
    "/appearance",
];

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_it() {
    let server = Server::new().await;
    for route in server.routes().into_iter().filter(|route| route.method == "GET") {
        let answer = server.send("GET", route.path, &[], "").await;
        if OPEN.contains(&route.path) {
            let expected = if route.path.ends_with("/nowhere") { 404 } else { 200 };
            assert_eq!(answer.status, expected, "{}", route.path);
        } else {
            assert_eq!(answer.status, 303, "{}: {}", route.path, answer.text);
            assert!(answer.location().starts_with("/sign-in"), "{}: {}", route.path, answer.location());
        }
    }
}

#[tokio::test]
async fn a_token_is_no_way_into_a_page() {
    let server = Server::new().await;
    let value = server.world.acme.user_token().to_owned();
    let (bearer, cookie) = (format!("Bearer {value}"), format!("countersign={value}"));
    for headers in [[("authorization", bearer.as_str())], [("cookie", cookie.as_str())]] {
        let answer = server.send("GET", "/organizations/acme/settings/tokens", &headers, "").await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(answer.location().starts_with("/sign-in"), "{}", answer.location());
    }
}

#[tokio::test]
async fn a_form_on_a_page_of_another_site_does_nothing() {
    let server = Server::new().await;
    let grant = server.world.admin::<ViewAudit>();
    let events = async || {
        server
            .world
            .control
            .audit_events(&grant, Period::default(), PageRequest::first(MAX_PAGE))
            .await
            .expect("a log")
            .items
            .len()
    };
    let before = events().await;
    let elsewhere: [&[(&str, &str)]; 6] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for route in server.routes().into_iter().filter(|route| route.method == "POST") {
        for headers in elsewhere {
            let answer = server.send("POST", route.path, headers, "reason=x&description=x").await;
            assert_eq!(answer.status, 403, "{} {headers:?}: {}", route.path, answer.text);
            assert!(answer.text.contains("page of another site"), "{}: {}", route.path, answer.text);
        }
    }
    assert_eq!(events().await, before, "something was done");
}

#[tokio::test]
async fn a_form_of_nobody_leads_to_signing_in() {
    let server = Server::new().await;
    for route in server.routes().into_iter().filter(|route| route.method == "POST") {
        if OPEN_FORMS.contains(&route.path) {
            continue;
        }
        let answer = server.send("POST", route.path, &OWN, "reason=x&description=x").await;
        assert_eq!(answer.status, 303, "{}: {}", route.path, answer.text);
        assert!(answer.location().starts_with("/sign-in"), "{}: {}", route.path, answer.location());
    }
}

#[tokio::test]
async fn every_answer_has_the_whole_set_of_headers() {
    let server = Server::new().await;
    let mut seen = Vec::new();
    for route in server.routes() {
        for headers in [&OWN[..], &[]] {
            let answer = server.send(route.method, route.path, headers, "").await;
            for name in [
                "content-security-policy",
                "x-content-type-options",
                "x-frame-options",
                "referrer-policy",
                "permissions-policy",
                "cross-origin-opener-policy",
                "cross-origin-resource-policy",
                "cache-control",
            ] {
                assert!(answer.headers.contains_key(name), "{} {} has no {name}", route.method, route.path);
            }
            if !route.path.starts_with("/assets/") {
                assert_eq!(answer.headers["cache-control"], "no-store", "{}", route.path);
            }
            for inline in ["<style", " style=", "onclick=", "<script>", "javascript:"] {
                assert!(!answer.text.contains(inline), "{} {} has {inline}", route.method, route.path);
            }
            seen.push(answer.status.as_u16());
        }
    }
    assert!(seen.contains(&200) && seen.contains(&303) && seen.contains(&403) && seen.contains(&404), "{seen:?}");
    assert!(!seen.contains(&500), "{seen:?}");
}

#[tokio::test]
async fn a_password_that_is_wrong_is_told_at_its_field_and_not_repeated() {
    let server = Server::new().await;
    let form = "email=ada%40acme.example&password=hunter2hunter2&to=%2Forganizations%2Facme%2Fagents";
    let answer = server.send("POST", "/sign-in", &OWN, form).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    for part in [r#"value="ada@acme.example""#, r#"aria-invalid="true""#, r#"value="/organizations/acme/agents""#] {
        assert!(answer.text.contains(part), "{part}: {}", answer.text);
    }
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
}

#[tokio::test]
async fn one_is_led_to_no_other_site_after_signing_in() {
    let server = Server::new().await;
    for elsewhere in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let answer = server.send("GET", &format!("/sign-in?to={elsewhere}"), &[], "").await;
        assert_eq!(answer.status, 200);
        // The first is where the choice of a look leads back to: this very page.
        let to = answer.text.split("name=\"to\" value=\"").nth(2).and_then(|rest| rest.split('"').next());
        assert_eq!(to, Some("/"), "{elsewhere}");
    }
}

#[tokio::test]
async fn a_look_is_chosen_without_script() {
    let server = Server::new().await;
    let answer = server.send("POST", "/appearance", &OWN, "theme=dark&to=%2Fsign-in").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/sign-in"));
    let cookie = answer.headers["set-cookie"].to_str().expect("a text");
    assert_eq!(cookie, "countersign-theme=dark; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax");
    let page = server.send("GET", "/sign-in", &[("cookie", "countersign-theme=dark")], "").await;
    assert!(page.text.contains(r#"data-theme="dark""#), "{}", page.text);
    let page = server.send("GET", "/sign-in", &[("cookie", "countersign-theme=\"><script>")], "").await;
    assert!(page.text.contains(r#"data-theme="system""#), "{}", page.text);
}

#[tokio::test]
async fn a_release_has_no_page_of_components() {
    let server = Server::new().await;
    let control = || server.world.control.clone();
    let ask = async |router: axum::Router, path: &str| {
        let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
        router.oneshot(request).await.expect("an answer").status().as_u16()
    };
    for path in ["/dev/components", "/dev/components/dialog"] {
        assert_eq!(ask(countersign_pages::development(control(), true), path).await, 200, "development has {path}");
        let release = countersign_pages::router(control()).merge(countersign_pages::development(control(), false));
        assert_eq!(ask(release, path).await, 404, "a release has {path}");
    }
}
