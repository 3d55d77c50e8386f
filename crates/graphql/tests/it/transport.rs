//! HTTP around a document: bodies, methods, both addresses.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use crate::client::Server;

const VIEWER: &str = "{ viewer { user { name } } }";

#[tokio::test]
async fn both_addresses_take_the_same_body() {
    let server = Server::new().await;
    let body =
        json!({ "query": VIEWER, "variables": "{ }", "operationName": "", "extensions": { "x": 1 }, "unknown": [] });
    for path in ["/graphql", "/v1"] {
        let request = Request::post(path)
            .header("authorization", format!("bearer {}", server.world.acme.user_token()))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        let answer = server.send(request.expect("a request")).await.ok();
        assert_eq!(answer.at("/data/viewer/user/name"), "ada", "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn bodies_that_are_none() {
    let server = Server::new().await;
    let token = server.world.acme.user_token();
    let deep = format!("{{\"query\":\"x\",\"variables\":{}", "[".repeat(50_000));
    let wrong: [(&str, u16, &str); 12] = [
        ("", 400, "no `query`"),
        ("{", 400, "ends in the middle"),
        ("null", 400, "must be a JSON object"),
        ("\"{ viewer { id } }\"", 400, "must be a JSON object"),
        (r#"[{"query":"{ viewer { id } }"}]"#, 400, "Batches are not supported"),
        (r#"{"variables":{}}"#, 400, "no `query`"),
        (r#"{"query":7}"#, 400, "expected a string"),
        (r#"{"query":null}"#, 400, "no `query`"),
        (r#"{"query":"{ viewer { id } }","variables":[]}"#, 400, "`variables` must be"),
        (r#"{"query":"{ viewer { id } }","operationName":5}"#, 400, "expected a string"),
        (r#"{"query":"\ud800"}"#, 400, "not valid JSON"),
        (&deep, 400, "nested too deeply"),
    ];
    for (body, status, words) in wrong {
        let answer = server.post(token, body.to_owned()).await;
        assert_eq!(answer.status.as_u16(), status, "{body:.60}: {}", answer.text);
        assert!(answer.error().contains(words), "{body:.60}: {}", answer.text);
    }
    let large = server.post(token, vec![b' '; 10 * 1024 * 1024]).await;
    assert_eq!(large.status, 413);
}

#[tokio::test]
async fn a_form_is_no_json() {
    let server = Server::new().await;
    for kind in [None, Some("application/x-www-form-urlencoded"), Some("text/plain"), Some("multipart/form-data")] {
        let mut request =
            Request::post("/graphql").header("authorization", format!("Bearer {}", server.world.acme.user_token()));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let answer =
            server.send(request.body(Body::from(json!({ "query": VIEWER }).to_string())).expect("a request")).await;
        assert_eq!((answer.status.as_u16(), answer.kind()), (415, "unsupported_media_type".to_owned()), "{kind:?}");
    }
}

#[tokio::test]
async fn get_executes_nothing() {
    let server = Server::new().await;
    let query = "query=mutation%20%7B%20agentTokenCreate%20%7D";
    for accept in [None, Some("application/json"), Some("*/*")] {
        let mut request = Request::get(format!("/graphql?{query}"))
            .header("authorization", format!("Bearer {}", server.world.acme.user_token()));
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let answer = server.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD, POST"));
        assert!(answer.error().contains("POST"));
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let request = Request::builder().method(method).uri("/graphql").body(Body::empty()).expect("a request");
        assert_eq!(server.send(request).await.status, 405);
    }
}

#[tokio::test]
async fn of_several_operations_the_named_one_is_executed() {
    let server = Server::new().await;
    let query = "query A { viewer { id } } query B { organization(slug: \"acme\") { slug } }";
    let ask = async |name: &str| {
        let body = json!({ "query": query, "operationName": name }).to_string();
        server.post(server.world.acme.user_token(), body).await
    };
    assert_eq!(ask("B").await.ok().at("/data"), json!({ "organization": { "slug": "acme" } }));
    for wrong in ["", "C"] {
        let refused = ask(wrong).await;
        assert_eq!((refused.status.as_u16(), refused.json().get("data")), (200, None), "{}", refused.text);
    }
}

/// Not knowing is no denial: clients that take 401 for final must not hear it.
#[tokio::test]
async fn without_a_database_nobody_can_tell() {
    let server = Server::new().await;
    server.world.control.store().close().await;
    let answer = server.ask(VIEWER, json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.kind()), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(answer.json().get("data"), None);
}

#[tokio::test]
async fn fields_are_answered_in_the_order_of_the_document() {
    let server = Server::new().await;
    let query = "{ organization(slug: \"acme\") { agentTokens(first: 1) { count pageInfo { hasNextPage } edges { node { createdBy { name } state } } } }
        viewer { id: __typename user { name } } }";
    let answer = server.ask(query, json!({})).await.ok();
    assert_eq!(
        answer.text,
        r#"{"data":{"organization":{"agentTokens":{"count":1,"pageInfo":{"hasNextPage":false},"edges":[{"node":{"createdBy":null,"state":"ACTIVE"}}]}},"viewer":{"id":"Viewer","user":{"name":"ada"}}}}"#
    );
}
