//! The cookie of a sign-in opens pages and nothing else: what programs call is done for no browser, whatever a page of another site has it send.

use countersign_testkit::World;
use serde_json::Value;

use super::browser::{ADA, Call, FORM, PASSWORD, Server, encoded, send};
use super::rows::Tables;
use crate::callers::{Caller, Cast, Operation, outcome};
use crate::{dagster, faces, graphql, routes};

/// How a page can have a browser send it: as the program does, and as forms do.
const KINDS: [&str; 4] = ["application/json", FORM, "text/plain", "multipart/form-data; boundary=x"];
/// From where.
const FROM: [&[(&str, &str)]; 3] = [&[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "cross-site")], &[]];

/// The operation as a browser sends it.
fn call(cast: &Cast, operation: &Operation, kind: &'static str, headers: &[(&'static str, &str)]) -> Call {
    let body = operation.body.as_deref().map(|body| cast.words.fill(body)).unwrap_or_default();
    let as_form = |text: &str| {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        json["query"].as_str().map_or_else(|| text.to_owned(), |query| encoded(&[("query", query)]))
    };
    let call = Call {
        method: operation.method,
        path: cast.words.fill(&operation.path),
        kind: (!body.is_empty()).then_some(kind),
        body: if kind == FORM { as_form(&body) } else { body },
        ..Call::default()
    };
    call.saying(headers)
}

/// A browser of Ada's on this world.
async fn cookie(world: &World) -> String {
    let grant = world.control.grant_own(&world.operator).expect("the operator may");
    let link = world.control.issue_sign_in_link(&grant, ADA).await.expect("a link").secret.reveal().to_owned();
    let form = Call::form("/sign-in/link", &[("link", &link), ("password", PASSWORD)]);
    send(&faces::of(world), &form).await.sign_in().expect("a cookie")
}

#[tokio::test]
async fn a9_a_cookie_opens_nothing_that_programs_call() {
    let cast = Cast::assemble().await;
    let (router, tables) = (faces::of(&cast.world), Tables::of(&cast.world).await);
    let cookie = cookie(&cast.world).await;
    let mut before = tables.rows(&cast.world).await;
    let (mut found, mut tried) = (Vec::new(), 0);
    for operation in routes::all().into_iter().chain(graphql::all()).chain(dagster::all()) {
        for kind in KINDS {
            for headers in FROM {
                let call = call(&cast, &operation, kind, headers);
                let nobody = send(&router, &call).await;
                let answer = send(&router, &call.of(&cookie)).await;
                tried += 1;
                let (with, without) = (outcome(answer.status, &answer.text), outcome(nobody.status, &nobody.text));
                if with != without || !answer.cookies().is_empty() {
                    found.push(format!("{} as {kind}: {with}; {without} without the cookie", operation.name));
                }
            }
        }
        let after = tables.rows(&cast.world).await;
        found.extend(before.changes(&after).first().map(|row| format!("{}: {row}", operation.name)));
        before = after;
    }
    assert!(found.is_empty(), "{} of {tried} did something:\n{}", found.len(), found.join("\n"));
    assert!(tried > 2_000, "only {tried} were tried");
    // The same call with what it is for.
    let all = graphql::all();
    let create = all.iter().find(|it| it.name == "mutation agentTokenCreate").expect("it is an operation");
    let (status, text) = cast.ask(create, cast.value(Caller::Admin), &cast.words).await;
    assert!(status == 200 && text.contains("csnat_"), "{status} {text}");
    assert!(!before.changes(&tables.rows(&cast.world).await).is_empty());
}

/// Where GraphQL is asked by a form, nothing is done, whatever it shows: a browser sends a form to anywhere.
#[tokio::test]
async fn a9_a_form_asks_no_graphql() {
    let server = Server::new().await;
    let ada = server.links_in(ADA, PASSWORD).await;
    let organization = crate::words::global("Organization", server.world.acme.created.organization.id);
    let query = format!(
        "mutation {{ agentTokenCreate(input: {{organizationID: \"{organization}\", description: \"d\"}}) {{ tokenValue }} }}"
    );
    let before = server.rows().await;
    for path in ["/graphql", "/v1", "/v1/"] {
        for headers in FROM {
            let form = Call::form(path, &[("query", &query)]).of(&ada).saying(headers);
            let link = Call { method: "GET", path: format!("{path}?{}", form.body), ..form.clone() };
            for call in [Call { kind: Some("text/plain"), ..form.clone() }, form, link] {
                let answer = server.send(&call).await;
                assert!(answer.status.is_client_error(), "{path} {headers:?}: {} {}", answer.status, answer.text);
            }
        }
    }
    assert!(before.changes(&server.rows().await).is_empty(), "something was done");
    // What is right about it but for the cookie.
    let bearer = format!("Bearer {}", server.world.acme.user_token());
    let call = Call {
        method: "POST",
        path: "/graphql".to_owned(),
        kind: Some("application/json"),
        body: serde_json::json!({ "query": query }).to_string(),
        ..Call::default()
    };
    let answer = server.send(&call.saying(&[("authorization", &bearer)])).await;
    assert!(answer.text.contains("csnat_"), "{}", answer.text);
}
