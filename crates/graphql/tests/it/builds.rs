//! Builds: what the command line needs to make one and to follow it.

use countersign_control::access::actions::AppendLog;
use countersign_control::jobs::NewChunk;
use serde_json::{Value, json};

use crate::client::Server;

const CREATE: &str = "mutation($input: BuildCreateFromDefinitionInput!) { buildCreateFromDefinition(input: $input) {
    clientMutationId build { id uuid number state message pipeline { slug name } createdBy { email }
    jobs(first: 10) { count edges { node { ... on JobTypeCommand { id uuid label command state queue stepKey env agentQueryRules passed
    logPart { content contentBase64 next isComplete } } } } } annotations { body } metaData { key value } } } }";

const DEFINITION: &str = "env: { COLOR: green }
steps:
  - { key: one, label: First, command: echo one }
  - { command: echo two, agents: { queue: deploy } }";

async fn create(server: &Server, definition: &str) -> crate::client::Answer {
    let input = json!({ "organizationID": server.acme().await, "definition": definition, "pipeline": "tour", "message": "hello" });
    server.ask(CREATE, json!({ "input": input })).await
}

#[tokio::test]
async fn a_build_is_made_seen_and_canceled() {
    let server = Server::new().await;
    let build = create(&server, DEFINITION).await.ok().at("/data/buildCreateFromDefinition/build");
    assert_eq!(
        (&build["number"], &build["state"], &build["message"]),
        (&json!(1), &json!("SCHEDULED"), &json!("hello"))
    );
    let empty = json!({ "content": "", "contentBase64": "", "next": 0, "isComplete": false });
    assert_eq!(build["jobs"]["count"], 2);
    let wanted = [
        json!({ "label": "First", "command": "echo one", "queue": "default", "stepKey": "one", "agentQueryRules": ["queue=default"] }),
        json!({ "label": null, "command": "echo two", "queue": "deploy", "stepKey": null, "agentQueryRules": ["queue=deploy"] }),
    ];
    for (at, wanted) in wanted.iter().enumerate() {
        let job = &build["jobs"]["edges"][at]["node"];
        for (field, value) in wanted.as_object().expect("an object") {
            assert_eq!(job[field], *value, "{field}");
        }
        assert_eq!((&job["state"], &job["passed"], &job["logPart"]), (&json!("SCHEDULED"), &json!(false), &empty));
        assert_eq!(job["env"], json!(["COLOR=green"]));
    }
    let query = "query($uuid: ID!, $job: ID!, $id: ID!) { a: build(uuid: $uuid) { id } b: build(slug: \"acme/tour/1\") { id }
        c: build(slug: \"acme/tour/2\") { id } d: build(slug: \"globex/tour/1\") { id } node(id: $id) { id __typename }
        job(uuid: $job) { ... on JobTypeCommand { build { number } pipeline { slug } } }
        organization(slug: \"acme\") { builds(first: 1) { edges { node { number jobs(state: [SCHEDULED], type: [COMMAND],
        agentQueryRules: [\"queue=deploy\"]) { count } failed: jobs(passed: true) { count } } } pageInfo { hasNextPage } } } }";
    let job = &build["jobs"]["edges"][0]["node"];
    let found = server.ask(query, json!({ "uuid": build["uuid"], "job": job["uuid"], "id": job["id"] })).await.ok();
    assert_eq!((found.at("/data/a/id"), found.at("/data/b/id")), (build["id"].clone(), build["id"].clone()));
    assert_eq!((found.at("/data/c"), found.at("/data/d")), (Value::Null, Value::Null));
    assert_eq!(found.at("/data/node"), json!({ "id": job["id"], "__typename": "JobTypeCommand" }));
    assert_eq!(found.at("/data/job"), json!({ "build": { "number": 1 }, "pipeline": { "slug": "tour" } }));
    let node = found.at("/data/organization/builds/edges/0/node");
    assert_eq!(node, json!({ "number": 1, "jobs": { "count": 1 }, "failed": { "count": 0 } }));

    let cancel = "mutation($id: ID!) { buildCancel(input: {id: $id}) { build { state canceledAt } } }";
    let canceled = server.ask(cancel, json!({ "id": build["id"] })).await.ok();
    assert_eq!(
        canceled.at("/data/buildCancel/build"),
        json!({ "state": "CANCELED", "canceledAt": "2026-01-02T03:04:05Z" })
    );
    let again = server.ask(cancel, json!({ "id": build["id"] })).await;
    assert_eq!((again.kind(), again.at("/data")), ("conflict".to_owned(), json!({ "buildCancel": null })));
}

#[tokio::test]
async fn a_log_is_read_in_parts() {
    let server = Server::new().await;
    let build = create(&server, "steps: [{ command: 'printf x' }]").await.ok();
    let build = build.at("/data/buildCreateFromDefinition/build");
    let agent = server.session(server.world.acme.agent_token()).await;
    let job = server.take_job(&agent).await;
    let control = &server.world.control;
    let caller = server.world.authenticate(&job).await.expect("the job token is accepted");
    let grant = control.grant_own::<AppendLog>(&caller).expect("it may send its log");
    let content = b"caf\xc3\xa9 \xff\n".to_vec();
    control.append_log(&grant, NewChunk { sequence: 1, offset: 0, content }).await.expect("it is kept");
    let query = "query($uuid: ID!, $from: Int) { job(uuid: $uuid) { ... on JobTypeCommand { state
        agent { name isRunningJob job { ... on JobTypeCommand { uuid } } } logPart(from: $from) { content contentBase64 next isComplete } } } }";
    let uuid = &build["jobs"]["edges"][0]["node"]["uuid"];
    let part = server.ask(query, json!({ "uuid": uuid, "from": 0 })).await.ok();
    let wanted =
        json!({ "content": "café \u{fffd}\n", "contentBase64": "Y2Fmw6kg/wo=", "next": 8, "isComplete": false });
    assert_eq!(part.at("/data/job/logPart"), wanted);
    assert_eq!(part.at("/data/job/agent/isRunningJob"), true);
    assert_eq!(part.at("/data/job/agent/job/uuid"), *uuid);
    let rest = server.ask(query, json!({ "uuid": uuid, "from": 6 })).await.ok();
    assert_eq!(rest.at("/data/job/logPart/contentBase64"), "/wo=");
    assert_eq!(server.ask(query, json!({ "uuid": uuid, "from": -1 })).await.kind(), "invalid");
}

#[tokio::test]
async fn a_pipeline_that_cannot_be_read_makes_nothing() {
    let server = Server::new().await;
    for definition in ["", "steps: []", "steps: 3", "a: &a [*a]", "steps: [{ command: \"\\0\" }]", "{"] {
        let refused = create(&server, definition).await;
        assert_eq!(
            refused.text_at("/errors/0/extensions/fields/0/field"),
            "definition",
            "{definition}: {}",
            refused.text
        );
        assert_eq!(refused.at("/data"), json!({ "buildCreateFromDefinition": null }));
    }
    let none = server.ask("{ organization(slug: \"acme\") { builds { edges { cursor } } } }", json!({})).await.ok();
    assert_eq!(none.at("/data/organization/builds/edges"), json!([]));
}
