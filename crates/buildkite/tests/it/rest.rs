//! The REST API v2.

use http::Method;
use http::header::LINK;
use insta::assert_snapshot;
use serde_json::Value;

use crate::server::{Answer, Server};

const AGENTS: &str = "/v2/organizations/acme/agents";

async fn get(server: &Server, path: &str) -> Answer {
    server.get(path, server.world.acme.user_token()).await
}

async fn put(server: &Server, path: &str, body: &str) -> Answer {
    server.put(path, server.world.acme.user_token(), body).await
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let items = list.as_array().expect("a list").iter();
    items.map(|it| it["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn anybody_may_ask_whether_it_is_there() {
    let server = Server::new().await;
    assert_eq!(server.get("/v2/", "").await.body, server.get("/v2", "").await.body);
    assert_snapshot!(server.get("/v2/meta", "").await, @r#"200 {"webhook_ips":[]}"#);
}

#[tokio::test]
async fn a_token_tells_what_it_is_and_takes_itself_back() {
    let server = Server::new().await;
    let answer = get(&server, "/v2/access-token").await.json();
    assert_eq!(answer["user"]["email"], "ada@acme.example");
    assert_eq!(answer["created_at"], "2026-01-02T03:04:05.000Z");
    assert!(answer["scopes"].as_array().is_some_and(|scopes| scopes.contains(&Value::from("graphql"))));
    assert_eq!(get(&server, "/v2/user").await.json()["name"], "ada");
    let token = server.world.acme.user_token();
    assert_eq!(server.call(Method::DELETE, "/v2/access-token", token, "").await.status, 204);
    let after = get(&server, "/v2/access-token").await;
    assert_eq!((after.status.as_u16(), after.json()["reason"].as_str()), (401, Some("revoked")));
}

#[tokio::test]
async fn an_organization_is_found_by_its_own_members_only() {
    let server = Server::new().await;
    let own = get(&server, "/v2/organizations/acme").await;
    assert_eq!((own.status.as_u16(), own.json()["slug"].as_str()), (200, Some("acme")));
    assert_eq!(get(&server, "/v2/organizations").await.json()[0]["slug"], "acme");
    let foreign = get(&server, "/v2/organizations/globex").await;
    let missing = get(&server, "/v2/organizations/nowhere").await;
    assert_snapshot!(foreign, @r#"404 {"message":"No organization found"}"#);
    assert_eq!(foreign.body, missing.body);
    assert_eq!(get(&server, "/v2/organizations/globex/agents").await.body, missing.body);
}

#[tokio::test]
async fn other_credentials_are_of_another_kind() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    for token in [server.world.acme.agent_token(), &agent.session] {
        let refused = server.get(AGENTS, token).await;
        assert_eq!((refused.status.as_u16(), refused.json()["reason"].as_str()), (401, Some("kind")));
    }
    assert_eq!(server.get(AGENTS, "garbage").await.status, 401);
}

#[tokio::test]
async fn agents_come_in_pages_newest_first() {
    let server = Server::new().await;
    let mut all = Vec::new();
    for _ in 0..3 {
        server.world.clock.advance(std::time::Duration::from_millis(5));
        all.insert(0, server.agent("3.137.0").await.id);
    }
    let first = get(&server, &format!("{AGENTS}?per_page=2&name=a-1")).await;
    assert_eq!(names(&first), all[..2]);
    let link = first.headers.get(LINK).expect("a link").to_str().expect("a text");
    assert_eq!(link, "<http://localhost:8420/v2/organizations/acme/agents?page=2&per_page=2&name=a-1>; rel=\"next\"");
    let second = get(&server, &format!("{AGENTS}?per_page=2&page=2&name=a-1")).await;
    assert_eq!(names(&second), all[2..]);
    assert_eq!(names(&get(&server, &format!("{AGENTS}?name=other")).await), Vec::<String>::new());
    assert_snapshot!(get(&server, &format!("{AGENTS}?page=0")).await, @r#"422 {"errors":[{"field":"page","message":"must be a whole number from 1"}],"message":"page must be a whole number from 1"}"#);
    assert_snapshot!(get(&server, &format!("{AGENTS}?name=a&name=b")).await, @r#"422 {"errors":[{"field":"query","message":"cannot be read; each filter may stand once, with one value"}],"message":"query cannot be read; each filter may stand once, with one value"}"#);
}

#[tokio::test]
async fn an_agent_is_paused_resumed_and_stopped() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let address = format!("{AGENTS}/{}", agent.id);
    assert_eq!(get(&server, &address).await.json()["connection_state"], "connected");
    assert_snapshot!(put(&server, &format!("{address}/resume"), "").await, @r#"422 {"message":"Agent is not paused"}"#);
    let pause = format!("{address}/pause");
    assert_eq!(put(&server, &pause, r#"{"note":"lunch","timeout_in_minutes":30}"#).await.status, 204);
    assert_snapshot!(put(&server, &pause, "{}").await, @r#"422 {"message":"Agent is already paused"}"#);
    let paused = get(&server, &address).await.json();
    assert_eq!(
        (&paused["paused_note"], &paused["paused_timeout_in_minutes"]),
        (&Value::from("lunch"), &Value::from(30))
    );
    assert_eq!(put(&server, &format!("{address}/resume"), "").await.status, 204);
    assert_eq!(put(&server, &format!("{address}/stop"), r#"{"force":false}"#).await.status, 204);
    assert_eq!(server.get("/v3/ping", &agent.session).await.json()["action"], "disconnect");
    server.post("/v3/disconnect", &agent.session, "").await;
    assert_snapshot!(put(&server, &format!("{address}/stop"), "").await, @r#"400 {"message":"Can only stop connected agents"}"#);
    assert_eq!(names(&get(&server, AGENTS).await), Vec::<String>::new());
    assert_eq!(get(&server, &address).await.json()["connection_state"], "stopped");
    assert_snapshot!(get(&server, &format!("{AGENTS}/nonsense")).await, @r#"404 {"message":"No agent found"}"#);
}
