//! An agent's stay, from connect to disconnect.

use std::time::Duration;

use countersign_control::access::actions::{PauseAgent, StopAgent};
use countersign_control::agents::Reach;
use http::Method;
use insta::assert_snapshot;

use crate::server::{Server, public_id_of};

#[tokio::test]
async fn an_agent_comes_and_goes() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    assert_snapshot!(server.post("/v3/connect", &agent.session, "").await, @"200 {}");
    assert_snapshot!(server.post("/v3/heartbeat", &agent.session, r#"{"sent_at":"2026-01-02T04:04:05.000000001+01:00"}"#).await, @r#"200 {"received_at":"2026-01-02T03:04:05Z","sent_at":"2026-01-02T04:04:05.000000001+01:00"}"#);
    assert_snapshot!(server.post("/v3/heartbeat", &agent.session, "").await, @r#"200 {"received_at":"2026-01-02T03:04:05Z"}"#);
    assert_snapshot!(server.get("/v3/ping", &agent.session).await, @"200 {}");
    assert_snapshot!(server.post("/v3/disconnect", &agent.session, "").await, @r#"200 {"connection_state":"disconnected","id":"[uuid]"}"#);
    // The first answer may have been lost.
    assert_snapshot!(server.post("/v3/disconnect", &agent.session, "").await, @r#"200 {"connection_state":"disconnected","id":"[uuid]"}"#);
    let after = server.get("/v3/ping", &agent.session).await;
    assert_snapshot!(after, @r#"401 {"message":"This token has expired, or what it was for has ended. An agent registers again; anyone else asks an administrator for another one.","reason":"expired","token":"[public id]"}"#);
    assert_eq!(after.json()["token"], public_id_of(&agent.session));
}

#[tokio::test]
async fn a_job_is_offered_until_it_is_taken() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    server.build(1).await;
    let offered = server.get("/v3/ping", &agent.session).await;
    assert_snapshot!(offered, @r#"200 {"job":{"id":"[uuid]"}}"#);
    assert_eq!(server.get("/v3/ping", &agent.session).await.body, offered.body);
}

#[tokio::test]
async fn a_paused_agent_is_told_so() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let id = agent.id.parse().expect("an id");
    server.build(1).await;
    let grant = || server.world.admin::<PauseAgent>();
    let note = Some("Disk full".to_owned());
    server.world.control.pause_agent(&grant(), id, note, Some(1)).await.expect("paused");
    assert_snapshot!(server.get("/v3/ping", &agent.session).await, @r#"200 {"action":"pause","message":"Disk full"}"#);
    server.world.clock.advance(Duration::from_secs(60));
    assert_snapshot!(server.get("/v3/ping", &agent.session).await, @r#"200 {"job":{"id":"[uuid]"}}"#);
}

#[tokio::test]
async fn a_stopped_agent_is_told_to_leave() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let id = agent.id.parse().expect("an id");
    let grant = server.world.admin::<StopAgent>();
    server.world.control.stop_agent(&grant, id, false).await.expect("asked");
    assert_snapshot!(server.get("/v3/ping", &agent.session).await, @r#"200 {"action":"disconnect","message":"The agent was asked to stop."}"#);
    assert_snapshot!(server.post("/v3/disconnect", &agent.session, "").await, @r#"200 {"connection_state":"stopped","id":"[uuid]"}"#);
}

#[tokio::test]
async fn a_revoked_token_keeps_drains_or_cuts_off_its_agents() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    server.revoke(Reach::Keep).await;
    assert_snapshot!(server.get("/v3/ping", &agent.session).await, @"200 {}");
    server.revoke(Reach::Drain).await;
    assert_snapshot!(
        server.get("/v3/ping", &agent.session).await.body.replace(server.public_id().as_str(), "[public id]"),
        @r#"{"action":"disconnect","message":"The agent token [public id] was revoked: Leaked"}"#
    );
    server.revoke(Reach::Disconnect).await;
    let answer = server.get("/v3/ping", &agent.session).await;
    assert_snapshot!(answer, @r#"401 {"message":"This token was revoked. Ask an administrator of the organization for another one.","reason":"revoked","token":"[public id]"}"#);
    assert_eq!(answer.json()["token"], public_id_of(&agent.session));
    assert_snapshot!(server.post("/v3/heartbeat", &agent.session, "").await.status, @"401 Unauthorized");
}

#[tokio::test]
async fn an_agent_token_is_no_session() {
    let server = Server::new().await;
    let token = server.world.acme.agent_token();
    for (method, path) in [
        (Method::POST, "/v3/connect"),
        (Method::POST, "/v3/heartbeat"),
        (Method::GET, "/v3/ping"),
        (Method::POST, "/v3/disconnect"),
        (Method::PUT, "/v3/jobs/0198f3a0-0000-7000-8000-000000000000/accept"),
    ] {
        let answer = server.call(method, path, token, "").await;
        assert_eq!((answer.status.as_u16(), answer.json()["reason"].as_str()), (401, Some("kind")), "{path}");
    }
}
