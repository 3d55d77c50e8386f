//! Trading an agent token for a session token.

use std::time::Duration;

use axum::body::Body;
use countersign_control::access::actions::{CreateAgentToken, RotateAgentToken};
use countersign_control::agent_tokens::{NewAgentToken, Rotation, TokenReference};
use countersign_control::agents::Reach;
use countersign_domain::{Clock, QueueScope, Scope};
use http::Request;
use http::header::AUTHORIZATION;
use insta::assert_snapshot;

use crate::server::{Server, public_id_of};

const REQUEST: &str = r#"{"name":"%hostname-1","hostname":"host","os":"x\ny","arch":"amd64","script_eval_enabled":true,
    "ignore_in_dispatches":false,"version":"3.137.0","build":"12345","meta_data":["queue=default","gpu"],"pid":7,"features":null,"new":{}}"#;

#[tokio::test]
async fn a_live_token_registers() {
    let server = Server::new().await;
    let answer = server.post("/v3/register", server.world.acme.agent_token(), REQUEST).await;
    assert_snapshot!(answer, @r#"200 {"access_token":"[token value]","heartbeat_interval":30,"id":"[uuid]","job_status_interval":2,"meta_data":["queue=default","gpu"],"name":"host-1","ping_interval":2}"#);
    assert_snapshot!(server.post("/v3/register", server.world.acme.agent_token(), "").await.status, @"200 OK");
}

#[tokio::test]
async fn what_does_not_verify_gets_one_identical_body() {
    let server = Server::new().await;
    let known = server.world.acme.agent_token();
    let mut mistyped = known.to_owned();
    mistyped.replace_range(20..21, if &known[20..21] == "x" { "y" } else { "x" });
    let first = server.post("/v3/register", "", REQUEST).await;
    assert_snapshot!(first, @r#"401 {"message":"The token is not known here. Check that it was copied whole and belongs to this server.","reason":"unknown"}"#);
    for value in
        ["x", "csnat_", mistyped.as_str(), &known[..known.len() - 1], &format!("{known} "), &format!(" {known}")]
    {
        let answer = server.post("/v3/register", value, REQUEST).await;
        assert_eq!((answer.status, &answer.body), (first.status, &first.body), "{value}");
    }
    let no_header = Request::post("/v3/register").body(Body::from(REQUEST)).expect("a request");
    assert_eq!(server.send(no_header, "127.0.0.1").await.body, first.body);
    let two = Request::post("/v3/register")
        .header(AUTHORIZATION, format!("Token {known}"))
        .header(AUTHORIZATION, format!("Token {known}"))
        .body(Body::from(REQUEST))
        .expect("a request");
    assert_eq!(server.send(two, "127.0.0.1").await.body, first.body);
}

#[tokio::test]
async fn a_genuine_value_of_another_kind_is_told_so() {
    let server = Server::new().await;
    let answer = server.post("/v3/register", server.world.acme.user_token(), REQUEST).await;
    assert_snapshot!(answer, @r#"401 {"message":"This is a token of another kind than this call asks for. Check which token was configured.","reason":"kind","token":"[public id]"}"#);
    let session = server.agent("3.137.0").await.session;
    let answer = server.post("/v3/register", &session, REQUEST).await;
    assert_eq!((answer.status.as_u16(), answer.json()["reason"].as_str()), (401, Some("kind")));
}

#[tokio::test]
async fn revoked() {
    let server = Server::new().await;
    server.revoke(Reach::Keep).await;
    let answer = server.post("/v3/register", server.world.acme.agent_token(), REQUEST).await;
    assert_snapshot!(answer, @r#"401 {"message":"This token was revoked. Ask an administrator of the organization for another one.","reason":"revoked","token":"[public id]"}"#);
    assert_eq!(answer.json()["token"], server.public_id().as_str());
}

#[tokio::test]
async fn expired() {
    let server = Server::new().await;
    let at = server.world.clock.now().plus(Duration::from_secs(60));
    let token = token(&server, NewAgentToken { expires_at: Some(at), ..NewAgentToken::default() }).await;
    assert_eq!(server.post("/v3/register", &token, REQUEST).await.status, 200);
    server.world.clock.advance(Duration::from_secs(60));
    let answer = server.post("/v3/register", &token, REQUEST).await;
    assert_snapshot!(answer, @r#"401 {"message":"This token has expired, or what it was for has ended. An agent registers again; anyone else asks an administrator for another one.","reason":"expired","token":"[public id]"}"#);
    assert_eq!(answer.json()["token"], public_id_of(&token));
}

#[tokio::test]
async fn rotated() {
    let server = Server::new().await;
    let token = TokenReference::parse(server.public_id().as_str()).expect("a public id");
    let until = server.world.clock.now().plus(Duration::from_secs(60));
    let rotation = Rotation { token, old_valid_until: Some(until), expected: None };
    let grant = server.world.admin::<RotateAgentToken>();
    let rotated = server.world.control.rotate_agent_token(&grant, rotation).await.expect("rotated");
    let old = server.world.acme.agent_token();
    assert_eq!(server.post("/v3/register", old, REQUEST).await.status, 200);
    server.world.clock.advance(Duration::from_secs(60));
    assert_snapshot!(server.post("/v3/register", old, REQUEST).await, @r#"401 {"message":"This token was rotated and this is an older value of it. Use the newest value.","reason":"rotated","token":"[public id]"}"#);
    assert_eq!(server.post("/v3/register", rotated.secret.reveal(), REQUEST).await.status, 200);
}

#[tokio::test]
async fn from_another_network() {
    let server = Server::new().await;
    let scope = Scope { networks: vec!["10.0.0.0/8".parse().expect("a network")], ..Scope::widest() };
    let token = token(&server, NewAgentToken { scope: Some(scope), ..NewAgentToken::default() }).await;
    let request = || {
        Request::post("/v3/register")
            .header(AUTHORIZATION, format!("token {token}"))
            .header("X-Forwarded-For", "10.1.2.3")
            .body(Body::from(REQUEST))
            .expect("a request")
    };
    assert_snapshot!(server.send(request(), "192.0.2.1").await, @r#"403 {"message":"This token may not be used from this network address. Ask an administrator to allow it.","reason":"network","token":"[public id]"}"#);
    assert_eq!(server.send(request(), "10.1.2.3").await.status, 200);
    assert_eq!(server.send(request(), "::ffff:10.1.2.3").await.status, 200);
}

#[tokio::test]
async fn outside_the_scope() {
    let server = Server::new().await;
    let linux = ["linux".parse().expect("a queue")].into();
    let scope = Scope { queues: QueueScope::Only(linux), ..Scope::widest() };
    let token = token(&server, NewAgentToken { scope: Some(scope), ..NewAgentToken::default() }).await;
    assert_snapshot!(server.post("/v3/register", &token, REQUEST).await, @r#"403 {"message":"This token does not reach this deployment or queue, or there is none of that name. Check the agent's tags, or ask for a wider scope.","reason":"scope","token":"[public id]"}"#);
    let other = r#"{"meta_data":["queue=linux","deployment=nowhere"]}"#;
    assert_eq!(server.post("/v3/register", &token, other).await.json()["reason"], "scope");
    assert_eq!(server.post("/v3/register", &token, r#"{"meta_data":["queue=linux"]}"#).await.status, 200);
}

#[tokio::test]
async fn a_registration_that_cannot_be_used() {
    let server = Server::new().await;
    let token = server.world.acme.agent_token();
    assert_snapshot!(server.post("/v3/register", token, r#"{"name":"#).await, @r#"400 {"message":"The body ends in the middle of its JSON text (line 1, column 8)."}"#);
    assert_snapshot!(server.post("/v3/register", token, r#"{"meta_data":"queue=x"}"#).await, @r#"400 {"message":"The body does not fit: expected a sequence (line 1, column 22)."}"#);
    assert_snapshot!(server.post("/v3/register", token, r#"{"priority":"high"}"#).await, @r#"422 {"errors":[{"field":"priority","message":"is not a whole number"}],"message":"priority is not a whole number"}"#);
    assert_snapshot!(server.post("/v3/register", token, r#"{"name":"a\u202eb"}"#).await, @r#"422 {"errors":[{"field":"name","message":"The agent's name holds a character that turns the writing direction (U+202E) as character 2; remove it."}],"message":"name: The agent's name holds a character that turns the writing direction (U+202E) as character 2; remove it."}"#);
    // Nothing is parsed for a caller who is refused.
    assert_eq!(server.post("/v3/register", "x", r#"{"name":"#).await.status, 401);
}

#[tokio::test]
async fn a_token_says_what_it_is() {
    let server = Server::new().await;
    assert_snapshot!(server.get("/v3/token", server.world.acme.agent_token()).await, @r#"200 {"cluster_name":"","cluster_uuid":"","description":"Default agent registration token","organization_queue_key":"","organization_queue_uuid":"","organization_slug":"acme","organization_uuid":"[uuid]","token_type":"AgentToken","uuid":"[uuid]"}"#);
}

/// The value of another agent token of acme's.
async fn token(server: &Server, new: NewAgentToken) -> String {
    let grant = server.world.admin::<CreateAgentToken>();
    server.world.control.create_agent_token(&grant, new).await.expect("a token").secret.reveal().to_owned()
}
