//! Queues: what is in them, and keeping their jobs back.

use serde_json::{Value, json};

use crate::client::Server;

const LIST: &str =
    "{ organization(slug: \"acme\") { queues { count edges { node { id uuid key hosted dispatchPaused dispatchPausedAt
    dispatchPausedNote dispatchPausedBy { email } deployment { name }
    metrics { connectedAgentsCount runningJobsCount waitingJobsCount timestamp } } } } } }";
const PAUSE: &str = "mutation($id: ID!, $note: String) { clusterQueuePauseDispatch(input: {id: $id, note: $note, clientMutationId: \"c\"}) {
    clientMutationId queue { key dispatchPaused dispatchPausedAt dispatchPausedNote dispatchPausedBy { email } } } }";
const RESUME: &str = "mutation($id: ID!) { clusterQueueResumeDispatch(input: {id: $id}) {
    queue { dispatchPaused dispatchPausedAt dispatchPausedNote dispatchPausedBy { email } } } }";

#[tokio::test]
async fn a_queue_is_seen_paused_and_resumed() {
    let server = Server::new().await;
    let none = server.ask(LIST, json!({})).await.ok();
    assert_eq!(none.at("/data/organization/queues"), json!({ "count": 0, "edges": [] }));
    let pipeline = server.pipeline("web", "steps: [{ command: a }, { command: b }]").await;
    let create = "mutation($id: ID!) { buildCreate(input: {pipelineID: $id}) { build { id } } }";
    server.ask(create, json!({ "id": pipeline })).await.ok();
    let agent = server.session(server.world.acme.agent_token()).await;
    server.take_job(&agent).await;
    let queue = server.ask(LIST, json!({})).await.ok().at("/data/organization/queues/edges/0/node");
    let wanted = json!({ "key": "default", "hosted": false, "dispatchPaused": false, "dispatchPausedAt": null, "dispatchPausedNote": null,
        "dispatchPausedBy": null, "deployment": { "name": "default" },
        "metrics": { "connectedAgentsCount": 1, "runningJobsCount": 1, "waitingJobsCount": 1, "timestamp": "2026-01-02T03:04:05Z" } });
    for (field, value) in wanted.as_object().expect("an object") {
        assert_eq!(queue[field], *value, "{field}");
    }
    let found = server
        .ask(
            "query($id: ID!) { node(id: $id) { __typename ... on ClusterQueue { key } } }",
            json!({ "id": queue["id"] }),
        )
        .await
        .ok();
    assert_eq!(found.at("/data/node"), json!({ "__typename": "ClusterQueue", "key": "default" }));

    let paused = server.ask(PAUSE, json!({ "id": queue["id"], "note": "Repairs" })).await.ok();
    let wanted = json!({ "clientMutationId": "c", "queue": { "key": "default", "dispatchPaused": true, "dispatchPausedAt": "2026-01-02T03:04:05Z",
        "dispatchPausedNote": "Repairs", "dispatchPausedBy": { "email": "ada@acme.example" } } });
    assert_eq!(paused.at("/data/clusterQueuePauseDispatch"), wanted);
    let long = server.ask(PAUSE, json!({ "id": queue["id"], "note": "x".repeat(10_000) })).await;
    assert_eq!(long.text_at("/errors/0/extensions/fields/0/field"), "note");
    for (document, name) in [(PAUSE, "clusterQueuePauseDispatch"), (RESUME, "clusterQueueResumeDispatch")] {
        let theirs = server.ask_as(server.world.globex.user_token(), document, json!({ "id": queue["id"] })).await;
        assert_eq!((theirs.error(), theirs.at(&format!("/data/{name}"))), ("No queue found".to_owned(), Value::Null));
        assert_eq!(server.ask(document, json!({ "id": pipeline })).await.error(), "No queue found");
    }
    let resumed = server.ask(RESUME, json!({ "id": queue["id"] })).await.ok();
    let wanted = json!({ "dispatchPaused": false, "dispatchPausedAt": null, "dispatchPausedNote": null, "dispatchPausedBy": null });
    assert_eq!(resumed.at("/data/clusterQueueResumeDispatch/queue"), wanted);
    let theirs = LIST.replace("acme", "globex");
    let twin = server.ask_as(server.world.globex.user_token(), &theirs, json!({})).await.ok();
    assert_eq!(twin.at("/data/organization/queues/count"), 0);
}
