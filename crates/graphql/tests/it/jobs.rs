//! Jobs of every kind: seeing them, running them again, canceling and answering them.

use countersign_control::access::actions::ReportJob;
use countersign_control::jobs::Finished;
use serde_json::{Value, json};

use crate::client::{Answer, Server};

const BUILD: &str = "mutation($input: BuildCreateInput!) { buildCreate(input: $input) { build { uuid } } }";
const JOBS: &str = "query($uuid: ID!, $type: [JobTypes!], $state: [JobStates!]) { build(uuid: $uuid) { state blockedState
    jobs(first: 50, type: $type, state: $state) { count edges { node { __typename
    ... on JobTypeCommand { id uuid label state retried retryType passed step { key } parallelGroupIndex parallelGroupTotal matrix
      concurrency { group limit } retriedIn { uuid } }
    ... on JobTypeWait { id uuid label state step { key uuid } }
    ... on JobTypeBlock { id uuid label state isUnblockable unblockedAt unblockedBy { email } prompt step { key }
      fields { key label required default multiple options { value label } } build { uuid } }
    ... on JobTypeTrigger { id uuid label state async triggered { number pipeline { slug } triggeredFrom { uuid } } } } } } } }";
const UNBLOCK: &str = "mutation($id: ID!, $fields: JSON) { jobTypeBlockUnblock(input: {id: $id, fields: $fields}) {
    jobTypeBlock { state unblockedBy { email } isUnblockable } } }";
const RETRY: &str =
    "mutation($id: ID!) { jobTypeCommandRetry(input: {id: $id, clientMutationId: \"c\"}) { clientMutationId
    jobTypeCommand { uuid retried } retriedInJobTypeCommand { uuid state retryType } } }";
const CANCEL: &str = "mutation($id: ID!) { jobTypeCommandCancel(input: {id: $id, clientMutationId: \"c\"}) { clientMutationId jobTypeCommand { state } } }";

/// Makes a build of these steps; answers its uuid.
async fn build(server: &Server, steps: &str) -> Value {
    let id = server.pipeline("work", steps).await;
    server.ask(BUILD, json!({ "input": { "pipelineID": id } })).await.ok().at("/data/buildCreate/build/uuid")
}

async fn jobs(server: &Server, build: &Value) -> Vec<Value> {
    of(&server.ask(JOBS, json!({ "uuid": build })).await.ok())
}

fn of(answer: &Answer) -> Vec<Value> {
    let edges = answer.at("/data/build/jobs/edges");
    edges.as_array().expect("a list").iter().map(|edge| edge["node"].clone()).collect()
}

fn states(jobs: &[Value]) -> Vec<&str> {
    jobs.iter().filter_map(|job| job["state"].as_str()).collect()
}

/// Takes the next job and ends it so.
async fn run(server: &Server, agent: &str, exit_status: &str) {
    let job = server.take_job(agent).await;
    let caller = server.world.authenticate(&job).await.expect("the job token is accepted");
    let grant = server.world.control.grant_own::<ReportJob>(&caller).expect("it may report");
    let how = Finished {
        exit_status: exit_status.to_owned(),
        signal: None,
        signal_reason: None,
        chunks_failed: 0,
        ignore_agent_in_dispatches: false,
    };
    server.world.control.start_job(&grant).await.expect("it starts");
    server.world.control.finish_job(&grant, how).await.expect("it ends");
}

#[tokio::test]
async fn every_kind_of_step_is_a_job() {
    let server = Server::new().await;
    let child = json!({ "input": { "organizationId": server.acme().await, "name": "child", "repository": { "url": "" },
        "steps": { "yaml": "steps: [{ command: one }]" } } });
    server
        .ask("mutation($input: PipelineCreateInput!) { pipelineCreate(input: $input) { pipeline { id } } }", child)
        .await
        .ok();
    let steps = "steps:
  - { group: Both, steps: [{ command: a, key: first, parallelism: 2, concurrency: 3, concurrency_group: g }] }
  - { trigger: child, label: Child, async: true }
  - { command: 'm {{matrix}}', matrix: [x] }
  - wait
  - { block: Go, key: go, prompt: Really?, fields: [{ select: Where, key: where, options: [{ label: Oslo, value: oslo }] }] }
  - { input: More, depends_on: [] }";
    let uuid = build(&server, steps).await;
    let all = jobs(&server, &uuid).await;
    let kinds: Vec<_> = all.iter().filter_map(|job| job["__typename"].as_str()).collect();
    let command = "JobTypeCommand";
    assert_eq!(kinds, [command, command, "JobTypeTrigger", command, "JobTypeWait", "JobTypeBlock", "JobTypeBlock"]);
    assert_eq!(states(&all), ["SCHEDULED", "SCHEDULED", "FINISHED", "SCHEDULED", "WAITING", "WAITING", "BLOCKED"]);
    let first = json!({ "step": { "key": "first" }, "parallelGroupIndex": 0, "parallelGroupTotal": 2, "concurrency": { "group": "g", "limit": 3 } });
    for (field, value) in first.as_object().expect("an object") {
        assert_eq!(all[0][field], *value, "{field}");
    }
    assert_eq!((&all[0]["matrix"], all[3]["matrix"].as_object().map(serde_json::Map::len)), (&Value::Null, Some(1)));
    assert_eq!((&all[2]["label"], &all[2]["async"]), (&json!("Child"), &json!(true)));
    let triggered =
        json!({ "number": 1, "pipeline": { "slug": "child" }, "triggeredFrom": { "uuid": all[2]["uuid"] } });
    assert_eq!(all[2]["triggered"], triggered);
    let block = json!({ "isUnblockable": false, "prompt": "Really?", "label": "Go", "step": { "key": "go" }, "build": { "uuid": uuid },
        "fields": [{ "key": "where", "label": "Where", "required": true, "default": null, "multiple": false,
            "options": [{ "value": "oslo", "label": "Oslo" }] }] });
    for (field, value) in block.as_object().expect("an object") {
        assert_eq!(all[5][field], *value, "{field}");
    }
    for (kind, count) in [("BLOCK", 2), ("COMMAND", 3), ("TRIGGER", 1), ("WAIT", 1)] {
        let some = server.ask(JOBS, json!({ "uuid": uuid, "type": [kind] })).await.ok();
        assert_eq!(some.at("/data/build/jobs/count"), count, "{kind}");
    }
    let blocked = server.ask(JOBS, json!({ "uuid": uuid, "state": ["BLOCKED"] })).await.ok();
    assert_eq!(of(&blocked).len(), 1);

    let query = "query($uuid: ID!, $id: ID!) { job(uuid: $uuid) { __typename } node(id: $id) { __typename id } }";
    for job in &all {
        let asked = json!({ "uuid": job["uuid"], "id": job["id"] });
        let found = server.ask(query, asked.clone()).await.ok();
        assert_eq!(
            (found.at("/data/job/__typename"), found.at("/data/node/id")),
            (job["__typename"].clone(), job["id"].clone())
        );
        let theirs = server.ask_as(server.world.globex.user_token(), query, asked).await.ok();
        assert_eq!(theirs.at("/data"), json!({ "job": null, "node": null }));
    }
}

#[tokio::test]
async fn a_block_is_answered() {
    let server = Server::new().await;
    let steps = "steps:
  - { command: a }
  - { block: Go, blocked_state: running, fields: [
      { text: Name, key: name, format: '[a-z]+' },
      { select: Where, key: where, multiple: true, options: [{ value: oslo }, { value: rome }] },
      { text: Why, key: why, required: false } ] }
  - { command: b }";
    let uuid = build(&server, steps).await;
    let agent = server.session(server.world.acme.agent_token()).await;
    let id = jobs(&server, &uuid).await[1]["id"].clone();
    let good = json!({ "name": "ada", "where": ["oslo", "rome"] });
    let early = server.ask(UNBLOCK, json!({ "id": id, "fields": good })).await;
    assert_eq!((early.kind(), early.at("/data/jobTypeBlockUnblock")), ("conflict".to_owned(), Value::Null));
    run(&server, &agent, "0").await;
    let seen = server.ask(JOBS, json!({ "uuid": uuid })).await.ok();
    assert_eq!(
        (seen.at("/data/build/state"), seen.at("/data/build/blockedState")),
        (json!("BLOCKED"), json!("RUNNING"))
    );
    assert_eq!((&of(&seen)[1]["state"], &of(&seen)[1]["isUnblockable"]), (&json!("BLOCKED"), &json!(true)));
    for (field, wrong) in [
        ("fields.name", json!({ "where": "oslo" })),
        ("fields.name", json!({ "name": "Ada 1", "where": "oslo" })),
        ("fields.where", json!({ "name": "ada" })),
        ("fields.where", json!({ "name": "ada", "where": "atlantis" })),
        ("fields.where", json!({ "name": "ada", "where": 7 })),
        ("fields.other", json!({ "name": "ada", "where": "oslo", "other": "x" })),
        ("fields", json!([])),
        ("fields", json!("{")),
    ] {
        let refused = server.ask(UNBLOCK, json!({ "id": id, "fields": wrong })).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), field, "{wrong}: {}", refused.text);
    }
    let theirs = server.ask_as(server.world.globex.user_token(), UNBLOCK, json!({ "id": id, "fields": good })).await;
    assert_eq!(theirs.error(), "No job found");
    let answered = server.ask(UNBLOCK, json!({ "id": id, "fields": good.to_string() })).await.ok();
    let wanted =
        json!({ "state": "UNBLOCKED", "unblockedBy": { "email": "ada@acme.example" }, "isUnblockable": false });
    assert_eq!(answered.at("/data/jobTypeBlockUnblock/jobTypeBlock"), wanted);
    assert_eq!(server.ask(UNBLOCK, json!({ "id": id, "fields": good })).await.kind(), "conflict");
    let data =
        server.ask("query($u: ID!) { build(uuid: $u) { metaData { key value } } }", json!({ "u": uuid })).await.ok();
    assert_eq!(
        data.at("/data/build/metaData"),
        json!([{ "key": "name", "value": "ada" }, { "key": "where", "value": "oslo\nrome" }])
    );
    run(&server, &agent, "0").await;
    assert_eq!(server.ask(JOBS, json!({ "uuid": uuid })).await.ok().at("/data/build/state"), "PASSED");
    let command = jobs(&server, &uuid).await[0]["id"].clone();
    assert_eq!(server.ask(UNBLOCK, json!({ "id": command })).await.error(), "No job found");
}

#[tokio::test]
async fn a_job_is_run_again() {
    let server = Server::new().await;
    let uuid = build(&server, "steps: [{ command: a }, wait, { command: b }]").await;
    let agent = server.session(server.world.acme.agent_token()).await;
    let all = jobs(&server, &uuid).await;
    let (id, wait) = (all[0]["id"].clone(), all[1]["id"].clone());
    let early = server.ask(RETRY, json!({ "id": id })).await;
    assert_eq!((early.kind(), early.at("/data/jobTypeCommandRetry")), ("conflict".to_owned(), Value::Null));
    run(&server, &agent, "1").await;
    assert_eq!(states(&jobs(&server, &uuid).await), ["FINISHED", "WAITING_FAILED", "WAITING_FAILED"]);
    let theirs = server.ask_as(server.world.globex.user_token(), RETRY, json!({ "id": id })).await;
    assert_eq!(theirs.error(), "No job found");
    assert_eq!(server.ask(RETRY, json!({ "id": wait })).await.error(), "No job found");
    let again = server.ask(RETRY, json!({ "id": id })).await.ok().at("/data/jobTypeCommandRetry");
    assert_eq!((&again["clientMutationId"], &again["jobTypeCommand"]["retried"]), (&json!("c"), &json!(true)));
    assert_eq!(again["retriedInJobTypeCommand"]["retryType"], "MANUAL");
    let now = jobs(&server, &uuid).await;
    assert_eq!(states(&now), ["FINISHED", "SCHEDULED", "WAITING", "WAITING"]);
    assert_eq!(now[0]["retriedIn"]["uuid"], again["retriedInJobTypeCommand"]["uuid"]);
    assert_eq!(server.ask(RETRY, json!({ "id": id })).await.kind(), "conflict");
    for _ in 0..2 {
        run(&server, &agent, "0").await;
    }
    assert_eq!(server.ask(JOBS, json!({ "uuid": uuid })).await.ok().at("/data/build/state"), "PASSED");
}

#[tokio::test]
async fn a_job_is_canceled() {
    let server = Server::new().await;
    let uuid = build(&server, "steps: [{ command: a }, { command: b }, wait, { command: c }]").await;
    let all = jobs(&server, &uuid).await;
    let canceled = server.ask(CANCEL, json!({ "id": all[0]["id"] })).await.ok();
    assert_eq!(
        canceled.at("/data/jobTypeCommandCancel"),
        json!({ "clientMutationId": "c", "jobTypeCommand": { "state": "CANCELED" } })
    );
    for (again, kind) in [(0, "conflict"), (2, "not_found"), (3, "conflict")] {
        let refused = server.ask(CANCEL, json!({ "id": all[again]["id"] })).await;
        assert_eq!((refused.kind().as_str(), refused.at("/data/jobTypeCommandCancel")), (kind, Value::Null), "{again}");
    }
    let theirs = server.ask_as(server.world.globex.user_token(), CANCEL, json!({ "id": all[1]["id"] })).await;
    assert_eq!(theirs.error(), "No job found");
    assert_eq!(jobs(&server, &uuid).await[1]["state"], "SCHEDULED");
}
