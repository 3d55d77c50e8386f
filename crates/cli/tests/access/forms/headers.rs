//! The headers of every page, and of whatever goes wrong: printed in `headers.txt`, which is read by whoever changes them.
//!
//! What hyper itself answers to a request that it cannot read (400, 431) has no body and is no page: nothing of ours stands around it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use countersign_http::{Edge, TrustedProxies};
use countersign_testkit::routes::{self, Route};
use countersign_testkit::{SeededEntropy, table};
use http::header::CONTENT_DISPOSITION;
use http::{HeaderMap, StatusCode};

use super::browser::{ADA, Call, OWN, Server, asked};
use super::targets::Targets;

/// What stands on every page.
const SET: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=(), \
         clipboard-read=(), publickey-credentials-get=(self), clipboard-write=(self)",
    ),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];
/// What differs from call to call, and keeps nothing from anybody.
const LEFT_OUT: [&str; 4] = ["x-request-id", "content-length", "set-cookie", "location"];
/// More than any form may be, in bytes.
const LARGE: usize = 200 * 1024;
/// More than any body may be, in bytes.
const HUGE: &str = "99999999999";

/// A line for an answer, and one more for each header that is not as the set has it.
fn shown(table: &mut String, what: &str, (status, headers): &(StatusCode, HeaderMap)) {
    writeln!(table, "{what} {}", status.as_u16()).expect("a string");
    for (name, value) in SET {
        match headers.get(name).and_then(|value| value.to_str().ok()) {
            Some(it) if it == value => {}
            Some(it) => writeln!(table, "    {name}: {it}").expect("a string"),
            None => writeln!(table, "    without {name}").expect("a string"),
        }
    }
    let mut others: Vec<_> = headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            !LEFT_OUT.contains(&name) && SET.iter().all(|(of, _)| *of != name)
        })
        .collect();
    others.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in others {
        let value = value.to_str().expect("a text");
        // Of a file the name says what it is, and is another in each run.
        let value = if name == CONTENT_DISPOSITION { value.split(';').next().expect("a word") } else { value };
        if (name.as_str(), value) != ("content-type", "text/html; charset=utf-8") {
            writeln!(table, "    {name}: {value}").expect("a string");
        }
    }
}

/// The address of a page, with what a form of the same things names.
fn filled(route: &str, targets: &Targets) -> String {
    let open: Vec<_> = route.split('/').filter(|part| part.starts_with('{')).collect();
    let known = |form: &&super::targets::Form| {
        let theirs: Vec<_> = form.route.split('/').collect();
        let pairs = theirs.windows(2);
        let own: Vec<_> = route.split('/').collect();
        let beyond = |part: &str| ["{version}", "{name}", "{artifact}", "{dagster_agent}", "{*rest}"].contains(&part);
        own.windows(2)
            .filter(|pair| pair[1].starts_with('{') && !beyond(pair[1]))
            .all(|pair| pairs.clone().any(|it| it == pair))
    };
    // Its own form, where the page has one: what that names is what the page is of.
    let own = targets.forms.iter().find(|form| form.route == route);
    let form = own.or_else(|| targets.forms.iter().find(known)).expect("a form that names the same things");
    let (names, values): (Vec<_>, Vec<_>) = (form.route.split('/').collect(), form.path.split('/').collect());
    let path = open.iter().fold(route.to_owned(), |path, name| {
        let at = names.iter().position(|it| it == name);
        let value = at.map_or(
            match *name {
                "{name}" => "pages.css",
                "{*rest}" => "nowhere",
                _ => "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b99",
            },
            |at| values[at],
        );
        path.replace(name, value)
    });
    assert!(!path.contains('{'), "{route}: {path}");
    path
}

#[tokio::test]
async fn a9_every_page_and_every_fault_has_the_headers_that_are_printed() {
    let server = Server::new().await;
    let targets = Box::pin(Targets::of(&server)).await;
    let (ada, router) = (&targets.ada, &server.router);
    let mut table = String::from("what stands on every page, but where it says otherwise\n");
    for (name, value) in SET {
        assert!(!value.contains("unsafe") && !value.contains('*'), "{name}: {value}");
        writeln!(table, "    {name}: {value}").expect("a string");
    }
    table.push_str("\npages\n");
    for Route { path: route, .. } in routes::pages().into_iter().filter(|route| route.method == "GET") {
        let path = filled(route, &targets);
        shown(&mut table, &format!("GET {route}"), &asked(router, &Call::get(&path, ada)).await);
        // Whoever is led away is led away by the same headers.
        let mut nobodys = String::new();
        let call = Call { cookie: None, ..Call::get(&path, "") };
        shown(&mut nobodys, "nobody", &asked(router, &call).await);
        assert!(nobodys.lines().count() == 1 || path.starts_with("/assets/"), "{route}: {nobodys}");
    }
    table.push_str("\nfaults\n");
    let form = || Call::form("/sign-in", &[("email", ADA), ("password", "wrong horse battery")]);
    let at = |path: &str| Call::get(path, ada);
    for (what, call) in [
        ("what is no form", Call { kind: Some("text/plain"), ..form() }),
        ("a page of another site", form().saying(&[("sec-fetch-site", "cross-site")])),
        ("another organization", at("/organizations/globex/agents")),
        ("no page of an organization", at("/organizations/acme/nowhere")),
        ("no page at all", at("/nowhere")),
        ("a method that a page has not", Call { method: "DELETE", ..form() }),
        ("a form's address alone", at("/sign-out")),
        ("a form that is too large", Call { body: "a".repeat(LARGE), ..form() }),
        ("a body that is far too large", form().saying(&[OWN[0], ("content-length", HUGE)])),
        ("a password that is wrong", form()),
    ] {
        shown(&mut table, what, &asked(router, &call).await);
    }
    let guess = Call::form("/prove", &[("password", "wrong horse battery")]).of(ada);
    let mut guessed = asked(router, &guess).await;
    for _ in 0..50 {
        if guessed.0 == 422 {
            guessed = asked(router, &guess).await;
        }
    }
    shown(&mut table, "a guess too many", &guessed);
    let edge = Edge::new(server.world.control.clone(), Arc::new(SeededEntropy::new(9)), TrustedProxies::default());
    let pages = || countersign_pages::router(server.world.control.clone());
    // None of the pages takes too long for sure: on a busy machine even the first look finds what another thread has read.
    let never = Router::new().route("/never", get(async || std::future::pending::<StatusCode>().await));
    let slow = edge.clone().giving_up_after(Duration::ZERO).layers(pages().merge(never));
    shown(&mut table, "a page that takes too long", &asked(&slow, &at("/never")).await);
    let panics = Router::new().route("/panics", get(async || -> StatusCode { panic!("of itself") }));
    shown(&mut table, "a fault of the server", &asked(&edge.layers(pages().merge(panics)), &at("/panics")).await);
    server.world.control.store().close().await;
    shown(&mut table, "no database", &asked(router, &at("/account")).await);
    table::must_be_as_printed(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/access/forms/headers.txt"),
        &table,
        "what stands on pages",
    );
}
