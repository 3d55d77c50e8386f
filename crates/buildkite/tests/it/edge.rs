//! What stands around the routes.

use std::time::Duration;

use axum::body::Body;
use countersign_control::access::actions::ManageOperatorTokens;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request};
use insta::assert_snapshot;

use crate::server::Server;

#[tokio::test]
async fn what_is_not_there_is_404_and_json() {
    let server = Server::new().await;
    let session = server.agent("3.137.0").await.session;
    for path in [
        "/",
        "/v3",
        "/v3/",
        "/v3/nothing",
        "/v3/jobs/x/nothing",
        "/v3//ping",
        "/V3/ping",
        "/v3/ping/",
        "/v3/%2e%2e/ping",
        "/v3;x/ping",
        "/v3/ping%00",
        "/v4/ping",
    ] {
        let answer = server.get(path, &session).await;
        let expected = r#"404 {"message":"Not found"}"#;
        assert_eq!((answer.to_string().as_str(), path), (expected, path));
    }
}

#[tokio::test]
async fn segments_are_split_before_they_are_decoded() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let encoded = job.id.replace('-', "%2D");
    assert_eq!(server.get(&format!("/v3/jobs/{encoded}"), &job.token).await.status, 200);
    assert_snapshot!(server.get(&format!("/v3/jobs/{}%2Fdata", job.id), &job.token).await, @r#"404 {"message":"No job found"}"#);
}

#[tokio::test]
async fn streaming_that_is_switched_off_is_refused_at_once_so_that_agents_poll() {
    let settings = countersign_control::Settings { streaming_pings: false, ..Default::default() };
    let server = Server::with(settings).await;
    let session = server.agent("3.137.0").await.session;
    let request = Request::post("/agentedge.v1.AgentEdgeService/StreamPings")
        .header(AUTHORIZATION, format!("Token {session}"))
        .header("content-type", "application/grpc")
        .body(endless())
        .expect("a request");
    assert_snapshot!(server.send(request, "127.0.0.1").await, @r#"404 {"message":"Not found"}"#);
}

/// A body that never comes to its end, as that of an open stream.
fn endless() -> Body {
    Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>())
}

#[tokio::test]
async fn another_method_is_405() {
    let server = Server::new().await;
    let session = server.agent("3.137.0").await.session;
    let answer = server.post("/v3/ping", &session, "").await;
    assert_snapshot!(answer, @r#"405 {"message":"Method not allowed"}"#);
    assert_eq!(answer.headers.get(ALLOW).and_then(|it| it.to_str().ok()), Some("GET,HEAD"));
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_kept_by_nobody() {
    let server = Server::new().await;
    let token = server.world.acme.agent_token();
    let request = |id: &str| {
        Request::post("/v3/register")
            .header(AUTHORIZATION, format!("Token {token}"))
            .header("X-Request-Id", id)
            .body(Body::empty())
            .expect("a request")
    };
    let one = server.send(request("mine"), "127.0.0.1").await;
    let two = server.send(request("mine"), "127.0.0.1").await;
    let id = one.headers["x-request-id"].to_str().expect("a text");
    assert!(id.len() == 36 && id != two.headers["x-request-id"], "{id}");
    for answer in [&one, &server.get("/nothing", "").await, &server.get("/v3/ping", "").await] {
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
        assert_eq!(answer.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(answer.headers.contains_key("x-request-id"));
    }
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_read() {
    let server = Server::new().await;
    let token = server.world.acme.agent_token();
    let body = format!("{{\"name\":\"{}\"}}", "a".repeat(10 * 1024 * 1024));
    assert_snapshot!(server.post("/v3/register", token, &body).await, @r#"413 {"message":"The body is larger than 8388608 bytes, the most that this call takes."}"#);
    let body = format!("{{\"name\":\"{}\"}}", "a".repeat(2 * 1024 * 1024));
    assert_snapshot!(server.post("/v3/register", token, &body).await, @r#"413 {"message":"The body is larger than 1048576 bytes, the most that this call takes."}"#);
    let said = Request::post("/v3/register")
        .header(AUTHORIZATION, format!("Token {token}"))
        .header(CONTENT_LENGTH, "99999999999")
        .body(Body::empty())
        .expect("a request");
    assert_snapshot!(server.send(said, "127.0.0.1").await.status, @"413 Payload Too Large");
}

#[tokio::test]
async fn deep_json_is_refused_where_it_is_read_and_skipped_where_it_is_not() {
    let server = Server::new().await;
    let token = server.world.acme.agent_token();
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let read = server.post("/v3/register", token, &format!(r#"{{"meta_data":{deep}}}"#)).await;
    assert_snapshot!(read, @r#"400 {"message":"The body does not fit: expected a string (line 1, column 14)."}"#);
    assert_eq!(server.post("/v3/register", token, &format!(r#"{{"new":{deep}}}"#)).await.status, 200);
}

#[tokio::test]
async fn a_token_in_the_address_is_refused() {
    let server = Server::new().await;
    let token = server.world.acme.agent_token();
    assert_snapshot!(server.get(&format!("/v3/token?access_token={token}"), token).await, @r#"400 {"message":"A token value stands in the address, where logs and proxies see it. Send it in the Authorization header, and rotate this token."}"#);
    assert_eq!(server.get("/v3/token?access_token=x", token).await.status, 200);
}

#[tokio::test]
async fn health() {
    let server = Server::new().await;
    assert_snapshot!(server.get("/healthz", "").await, @r#"200 {"message":"The process is up."}"#);
    assert_snapshot!(server.get("/readyz", "").await, @r#"200 {"clock":"ok","database":"ok","key_ring":"ok","status":"ready"}"#);
    server.world.control.store().close().await;
    // Anyone may ask, and looking costs something: what was found stands for a while.
    assert_eq!(server.get("/readyz", "").await.status, 200);
    server.world.clock.advance(Duration::from_secs(5));
    assert_snapshot!(server.get("/readyz", "").await, @r#"503 {"clock":"not known","database":"not available","key_ring":"not known","status":"not ready"}"#);
    assert_snapshot!(server.get("/healthz", "").await.status, @"200 OK");
    let answer = server.post("/v3/register", server.world.acme.agent_token(), "").await;
    assert_snapshot!(answer, @r#"503 {"code":"database","message":"The database is not available now; try again."}"#);
    assert_eq!(answer.headers["retry-after"], "2");
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_the_operator() {
    let server = Server::new().await;
    server.agent("3.137.0").await;
    server.get("/v3/ping", "nothing").await;
    server.call(Method::from_bytes(b"BREW").expect("a method"), "/no/such/route", "", "").await;
    let ask = async |from: &str, header: (&str, String)| {
        let request = Request::get("/metrics").header(header.0, header.1).body(Body::empty()).expect("a request");
        server.send(request, from).await
    };
    let nothing = || ("accept", "*/*".to_owned());
    let shown = ask("127.0.0.1", nothing()).await;
    assert_eq!(shown.status, 200);
    for line in [
        r#"countersign_http_requests_total{method="POST",route="/v3/register",status="200"} 1"#,
        r#"countersign_http_requests_total{method="GET",route="/v3/ping",status="401"} 1"#,
        r#"countersign_http_requests_total{method="other",route="none",status="404"} 1"#,
        r#"countersign_agents{state="connected"} 1"#,
        "countersign_database_up 1",
        "countersign_database_collisions_total 0",
        "# EOF",
    ] {
        assert!(shown.body.lines().any(|it| it == line), "{line} is not in\n{}", shown.body);
    }
    for secret in [server.public_id().as_str(), "acme", "csn"] {
        assert!(!shown.body.contains(secret), "{secret} is in the metrics");
    }
    assert_snapshot!(ask("192.0.2.1", nothing()).await, @r#"401 {"message":"The token is not known here. Check that it was copied whole and belongs to this server."}"#);
    assert_eq!(ask("127.0.0.1", ("x-forwarded-for", "192.0.2.1".to_owned())).await.status, 401);
    let grant = server.world.control.grant_own::<ManageOperatorTokens>(&server.world.operator).expect("the operator");
    let (_, operator) = server.world.control.create_operator_token(&grant, "Scraper").await.expect("a token");
    assert_eq!(ask("192.0.2.1", ("authorization", format!("Bearer {}", operator.reveal()))).await.status, 200);
    let user = server.world.acme.user_token();
    assert_eq!(ask("192.0.2.1", ("authorization", format!("Bearer {user}"))).await.status, 401);
}
