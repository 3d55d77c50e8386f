//! Agents: their states, their pages, asking them to leave.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Server;

const LIST: &str = "query($first: Int, $last: Int, $after: String, $before: String, $search: String, $tags: [String!], $paused: Boolean,
    $busy: Boolean) { organization(slug: \"acme\") { agents(first: $first, last: $last, after: $after, before: $before,
    search: $search, metaData: $tags, paused: $paused, isRunningJob: $busy) { count edges { cursor node { name } }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }";

async fn names(server: &Server, variables: Value) -> (Value, Vec<String>, Value) {
    let answer = server.ask(LIST, variables).await.ok();
    let found = answer.at("/data/organization/agents");
    let edges = found["edges"].as_array().expect("edges");
    let names = edges.iter().map(|edge| edge["node"]["name"].as_str().expect("a name").to_owned()).collect();
    (found["count"].clone(), names, found["pageInfo"].clone())
}

async fn three(server: &Server) -> Vec<String> {
    let mut uuids = Vec::new();
    for name in ["one", "two", "three"] {
        server.world.clock.advance(Duration::from_millis(5));
        uuids.push(server.agent(server.world.acme.agent_token(), name).await);
    }
    uuids
}

#[tokio::test]
async fn pages_go_forward_and_backward() {
    let server = Server::new().await;
    three(&server).await;
    let (count, first, info) = names(&server, json!({ "first": 2 })).await;
    assert_eq!((count, first), (json!(3), vec!["three".to_owned(), "two".to_owned()]));
    assert_eq!(info["hasNextPage"], true);
    let (_, rest, info) = names(&server, json!({ "first": 2, "after": info["endCursor"] })).await;
    assert_eq!(
        (rest, &info["hasNextPage"], &info["hasPreviousPage"]),
        (vec!["one".to_owned()], &json!(false), &json!(true))
    );
    let (_, back, _) = names(&server, json!({ "last": 1, "before": info["startCursor"] })).await;
    assert_eq!(back, ["two"]);
    let (_, back, info) = names(&server, json!({ "last": 5 })).await;
    assert_eq!((back.len(), &info["hasPreviousPage"]), (3, &json!(false)));
    for wrong in ["", "x", "b25l"] {
        assert_eq!(server.ask(LIST, json!({ "after": wrong })).await.kind(), "invalid", "{wrong}");
    }
}

#[tokio::test]
async fn filters_let_through_what_they_say() {
    let server = Server::new().await;
    let uuids = three(&server).await;
    let two = agent(&server, &uuids[1]).await;
    let pause = "mutation($input: AgentPauseInput!) { agentPause(input: $input) { agent { paused pausedNote pausedTimeoutInMinutes pausedBy { email } } } }";
    let paused = server
        .ask(pause, json!({ "input": { "id": two["id"], "note": "maintenance", "timeoutInMinutes": 30 } }))
        .await
        .ok();
    let wanted = json!({ "paused": true, "pausedNote": "maintenance", "pausedTimeoutInMinutes": 30,
        "pausedBy": { "email": "ada@acme.example" } });
    assert_eq!(paused.at("/data/agentPause/agent"), wanted);
    assert_eq!(names(&server, json!({ "paused": true })).await.1, ["two"]);
    assert_eq!(names(&server, json!({ "paused": false })).await.0, 2);
    assert_eq!(names(&server, json!({ "busy": true })).await.0, 0);
    let (count, first, _) = names(&server, json!({ "busy": false, "first": 1 })).await;
    assert_eq!((count, first), (json!(3), vec!["three".to_owned()]));
    assert_eq!(names(&server, json!({ "search": "TW" })).await.1, ["two"]);
    assert_eq!(names(&server, json!({ "tags": ["no=such"] })).await.0, 0);
    let resume = "mutation($id: ID!) { agentResume(input: {id: $id}) { agent { paused } } }";
    assert_eq!(server.ask(resume, json!({ "id": two["id"] })).await.ok().at("/data/agentResume/agent/paused"), false);
    for minutes in [-1, 0, 1441] {
        let refused = server.ask(pause, json!({ "input": { "id": two["id"], "timeoutInMinutes": minutes } })).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), "timeoutInMinutes", "{minutes}");
    }
}

async fn agent(server: &Server, uuid: &str) -> Value {
    let query =
        "query($slug: ID!) { agent(slug: $slug) { id uuid name connectionState metaData isRunningJob job { __typename }
        public isDeprecated versionHasKnownIssues paused pausedTimeoutInMinutes ipAddress queue deployment { name }
        organization { slug } permissions { agentStop { allowed } } stoppedGracefullyBy { email } stopForcedAt } }";
    server.ask(query, json!({ "slug": format!("acme/{uuid}") })).await.ok().at("/data/agent")
}

#[tokio::test]
async fn an_agent_is_asked_to_leave_gracefully_or_not() {
    let server = Server::new().await;
    let uuid = server.agent(server.world.acme.agent_token(), "builder").await;
    let before = agent(&server, &uuid).await;
    assert_eq!((&before["connectionState"], &before["uuid"]), (&json!("connected"), &json!(uuid)));
    assert_eq!(before["deployment"]["name"], "default");
    let stop =
        "mutation($input: AgentStopInput!) { agentStop(input: $input) { clientMutationId agent { connectionState } } }";
    let stopped = server.ask(stop, json!({ "input": { "id": before["id"], "clientMutationId": "x" } })).await.ok();
    assert_eq!(
        stopped.at("/data/agentStop"),
        json!({ "clientMutationId": "x", "agent": { "connectionState": "stopping" } })
    );
    let asked = agent(&server, &uuid).await;
    assert_eq!(
        (&asked["stoppedGracefullyBy"]["email"], &asked["stopForcedAt"]),
        (&json!("ada@acme.example"), &Value::Null)
    );
    server.ask(stop, json!({ "input": { "id": before["id"], "graceful": false } })).await.ok();
    assert_eq!(agent(&server, &uuid).await["stopForcedAt"], "2026-01-02T03:04:05Z");
    // The uuid is not the global id.
    assert_eq!(server.ask(stop, json!({ "input": { "id": uuid } })).await.error(), "No agent found");
}
