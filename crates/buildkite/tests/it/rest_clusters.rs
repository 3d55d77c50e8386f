//! The REST API: clusters, their queues and their tokens.

use http::Method;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const CLUSTERS: &str = "/v2/organizations/acme/clusters";

async fn call(server: &Server, method: Method, path: &str, body: Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    server.call(method, path, server.world.acme.user_token(), &body).await
}

async fn made(server: &Server, path: &str, body: Value) -> Value {
    let answer = call(server, Method::POST, path, body).await;
    assert_eq!(answer.status, 201, "{answer}");
    answer.json()
}

fn field(answer: &Answer) -> String {
    assert_eq!(answer.status, 422, "{answer}");
    answer.json()["errors"][0]["field"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_cluster_is_made_changed_and_deleted() {
    let server = Server::new().await;
    let body = json!({ "name": "Open Source", "description": "d", "emoji": ":rocket:", "color": "#0B79CE" });
    let cluster = made(&server, CLUSTERS, body.clone()).await;
    let id = cluster["id"].as_str().expect("an id");
    let one = format!("{CLUSTERS}/{id}");
    for (name, value) in body.as_object().expect("an object") {
        assert_eq!(cluster[name], *value);
    }
    assert_eq!(cluster["url"], json!(format!("http://localhost:8420{one}")));
    assert_eq!(cluster["queues_url"], json!(format!("http://localhost:8420{one}/queues")));
    assert_eq!(cluster["created_by"]["email"], "ada@acme.example");
    assert_eq!(cluster["maintainers"], json!({ "users": [], "teams": [] }));
    assert_eq!(call(&server, Method::POST, CLUSTERS, body).await.status, 422, "the name is taken");
    assert_eq!(field(&call(&server, Method::POST, CLUSTERS, json!({})).await), "name");
    assert_eq!(field(&call(&server, Method::POST, CLUSTERS, json!({ "name": "a", "size": 1 })).await), "size");

    let list = call(&server, Method::GET, &format!("{CLUSTERS}?per_page=1"), Value::Null).await;
    assert_eq!(list.json()[0]["name"], "Open Source");
    assert!(list.header("link").contains("rel=\"next\""), "{}", list.header("link"));
    for (method, description) in [(Method::PUT, "put"), (Method::PATCH, "patched")] {
        let changed = call(&server, method, &one, json!({ "description": description })).await;
        assert_eq!(
            (&changed.json()["description"], &changed.json()["emoji"]),
            (&json!(description), &json!(":rocket:"))
        );
    }
    let cleared = call(&server, Method::PATCH, &one, json!({ "emoji": null })).await.json();
    assert_eq!((&cleared["emoji"], &cleared["color"]), (&Value::Null, &json!("#0B79CE")));
    let wrong = call(&server, Method::PATCH, &one, json!({ "default_queue_id": "x" })).await;
    assert_eq!(field(&wrong), "default_queue_id");
    assert_eq!(call(&server, Method::GET, &one, Value::Null).await.json()["description"], "patched");
    assert_eq!(call(&server, Method::DELETE, &one, Value::Null).await.status, 204);
    for method in [Method::GET, Method::DELETE] {
        let gone = call(&server, method, &one, Value::Null).await;
        assert_eq!(gone.to_string(), r#"404 {"message":"No cluster found"}"#);
    }
    let theirs = server.world.globex.created.organization.default_deployment;
    let foreign = call(&server, Method::GET, &format!("{CLUSTERS}/{theirs}"), Value::Null).await;
    assert_eq!(foreign.to_string(), r#"404 {"message":"No cluster found"}"#);
}

#[tokio::test]
async fn a_queue_is_made_paused_resumed_and_deleted() {
    let server = Server::new().await;
    let of = server.world.acme.created.organization.default_deployment;
    let queues = format!("{CLUSTERS}/{of}/queues");
    let queue = made(&server, &queues, json!({ "key": "linux", "description": "Builds" })).await;
    let one = format!("{queues}/{}", queue["id"].as_str().expect("an id"));
    assert_eq!((&queue["key"], &queue["retry_agent_affinity"]), (&json!("linux"), &json!("prefer-warmest")));
    assert_eq!(queue["cluster_url"], json!(format!("http://localhost:8420{CLUSTERS}/{of}")));
    assert_eq!(call(&server, Method::POST, &queues, json!({ "key": "linux" })).await.status, 422, "it is there");
    let wrong = json!({ "key": "x", "retry_agent_affinity": "prefer-different" });
    assert_eq!(field(&call(&server, Method::POST, &queues, wrong).await), "retry_agent_affinity");

    for name in ["note", "dispatch_paused_note"] {
        let paused =
            call(&server, Method::POST, &format!("{one}/pause_dispatch"), json!({ name: "Repairs" })).await.json();
        assert_eq!((&paused["dispatch_paused"], &paused["dispatch_paused_note"]), (&json!(true), &json!("Repairs")));
        assert_eq!(paused["dispatch_paused_by"]["email"], "ada@acme.example");
        let again = call(&server, Method::POST, &format!("{one}/pause_dispatch"), Value::Null).await;
        assert_eq!(again.to_string(), r#"422 {"message":"Cluster queue is already paused"}"#);
        let resumed = call(&server, Method::POST, &format!("{one}/resume_dispatch"), Value::Null).await.json();
        assert_eq!((&resumed["dispatch_paused"], &resumed["dispatch_paused_at"]), (&json!(false), &Value::Null));
        let again = call(&server, Method::POST, &format!("{one}/resume_dispatch"), Value::Null).await;
        assert_eq!(again.to_string(), r#"422 {"message":"Cluster queue is not paused"}"#);
    }
    for (method, description) in [(Method::PUT, json!("Tests")), (Method::PATCH, Value::Null)] {
        let changed = call(&server, method, &one, json!({ "description": description })).await.json();
        assert_eq!(changed["description"], description);
    }
    let listed = call(&server, Method::GET, &queues, Value::Null).await.json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let other = made(&server, CLUSTERS, json!({ "name": "other" })).await;
    let other =
        format!("{CLUSTERS}/{}/queues/{}", other["id"].as_str().expect("an id"), queue["id"].as_str().expect("an id"));
    let elsewhere = call(&server, Method::GET, &other, Value::Null).await;
    assert_eq!(elsewhere.to_string(), r#"404 {"message":"No queue found"}"#, "it is in another cluster");
    assert_eq!(call(&server, Method::DELETE, &one, Value::Null).await.status, 204);
    assert_eq!(call(&server, Method::GET, &one, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_token_of_a_cluster_is_shown_with_its_value_once() {
    let server = Server::new().await;
    let of = server.world.acme.created.organization.default_deployment;
    let tokens = format!("{CLUSTERS}/{of}/tokens");
    // As `bk agent run` asks.
    let token = made(&server, &tokens, json!({ "description": "Ephemeral token created by bk agent run" })).await;
    let value = token["token"].as_str().expect("its value").to_owned();
    let one = format!("{tokens}/{}", token["id"].as_str().expect("an id"));
    server.world.authenticate(&value).await.expect("agents can register with it");
    assert_eq!((&token["allowed_ip_addresses"], &token["expires_at"]), (&json!("0.0.0.0/0 ::/0"), &Value::Null));
    for path in [&tokens, &one] {
        let answer = call(&server, Method::GET, path, Value::Null).await;
        assert!(answer.status == 200 && !answer.body.contains(&value), "{answer}");
    }
    for (method, networks, wanted) in
        [(Method::PUT, "10.0.0.0/8 192.0.2.1", "10.0.0.0/8 192.0.2.1/32"), (Method::PATCH, "", "0.0.0.0/0 ::/0")]
    {
        let body = json!({ "description": "ci", "allowed_ip_addresses": networks });
        let changed = call(&server, method, &one, body).await.json();
        assert_eq!((&changed["description"], &changed["allowed_ip_addresses"]), (&json!("ci"), &json!(wanted)));
    }
    for (name, body) in [
        ("description", json!({})),
        ("expires_at", json!({ "description": "d", "expires_at": "soon" })),
        ("expires_at", json!({ "description": "d", "expires_at": "2020-01-01T00:00:00Z" })),
        ("allowed_ip_addresses", json!({ "description": "d", "allowed_ip_addresses": "here" })),
    ] {
        assert_eq!(field(&call(&server, Method::POST, &tokens, body).await), name);
    }
    let later = call(&server, Method::PATCH, &one, json!({ "expires_at": "2090-01-01T00:00:00Z" })).await;
    assert_eq!(field(&later), "expires_at");
    let plain = server.world.acme.created.agent_token.id;
    assert_eq!(call(&server, Method::GET, &format!("{tokens}/{plain}"), Value::Null).await.status, 404);
    for _ in 0..2 {
        assert_eq!(call(&server, Method::DELETE, &one, Value::Null).await.status, 204, "saying it again is no fault");
    }
    assert_eq!(call(&server, Method::GET, &one, Value::Null).await.status, 404);
    server.world.authenticate(&value).await.expect_err("nobody can register with it any more");
}
