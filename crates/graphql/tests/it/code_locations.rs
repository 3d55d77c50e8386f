//! Code locations: set, shown as agents tell of them, loaded again, asked for and removed.

use std::time::Duration;

use countersign_control::access::actions::TellCodeLocation;
use countersign_control::code_locations::{Definition, Outcome, Told};
use serde_json::{Value, json};

use crate::client::Server;

const LIST: &str = "query($first: Int, $after: String) { organization(slug: \"acme\") { deployments(first: 1) { edges { node { id codeLocations(first: $first, after: $after) {
    count pageInfo { hasNextPage endCursor } edges { node { name state error loadedAt waitingSince toldAt toldByAgentTokenPublicId createdAt changedAt
    createdBy { email } deployment { name } definition { moduleName image queue commitHash containerContext pythonFile } } } } } } } } }";
const SET: &str = "mutation($input: CodeLocationSetInput!) { codeLocationSet(input: $input) { clientMutationId isNew
    codeLocation { uuid name state definition { moduleName queue } } } }";
const RELOAD: &str = "mutation($id: ID!, $name: String!) { codeLocationReload(input: {deploymentId: $id, name: $name}) { codeLocation { state } } }";
const PING: &str = "mutation($id: ID!, $name: String!) { codeLocationPing(input: {deploymentId: $id, name: $name}) { request { kind state
    locationName offers endedAt createdBy { email } } } }";
const REMOVE: &str = "mutation($id: ID!, $name: String!) { codeLocationRemove(input: {deploymentId: $id, name: $name}) { codeLocation { name } } }";
const ONE: &str = "query($id: ID!, $name: String!) { node(id: $id) { ... on Deployment { codeLocation(name: $name) { state error loadedAt
    waitingSince toldByAgentTokenPublicId } dagsterRequests(first: 9) { kind state stateReason locationName } } } }";

async fn default_of(server: &Server) -> String {
    let listed = server.ask(LIST, json!({})).await.ok();
    listed.text_at("/data/organization/deployments/edges/0/node/id")
}

/// What is listed.
async fn list(server: &Server, variables: Value) -> Value {
    server.ask(LIST, variables).await.ok().at("/data/organization/deployments/edges/0/node/codeLocations")
}

async fn set(server: &Server, id: &str, name: &str) {
    let input = json!({ "deploymentId": id, "name": name, "definition": { "moduleName": "sales" } });
    server.ask(SET, json!({ "input": input })).await.ok();
}

/// As an agent of the default deployment.
async fn tell(server: &Server, outcome: Outcome) {
    let control = &server.world.control;
    let holder = server.world.authenticate(server.world.acme.agent_token()).await.expect("it is accepted");
    let told = Told { deployment: "default".to_owned(), location: "sales".to_owned(), outcome };
    let grant = control.grant_own::<TellCodeLocation>(&holder).expect("it may");
    assert!(control.tell_code_location(&grant, told).await.expect("it is kept").is_current);
}

fn loaded() -> Outcome {
    let definition = Definition { module_name: Some("sales".to_owned()), ..Definition::default() };
    Outcome::Loaded { definition: Box::new(definition), manifest: "{}".to_owned(), snapshots: Vec::new() }
}

#[tokio::test]
async fn one_is_set_listed_changed_and_removed() {
    let server = Server::new().await;
    let id = default_of(&server).await;
    let definition = json!({
        "moduleName": "sales", "image": "sales:7", "queue": "gpu", "commitHash": "0a1b", "containerContext": "{\"k8s\": {}}"
    });
    let input = json!({ "deploymentId": id, "name": "sales", "clientMutationId": "c", "definition": definition });
    let made = server.ask(SET, json!({ "input": input })).await.ok();
    assert_eq!(made.at("/data/codeLocationSet/isNew"), true);
    assert_eq!(made.text_at("/data/codeLocationSet/clientMutationId"), "c");
    assert_eq!(made.at("/data/codeLocationSet/codeLocation/state"), "WAITING");
    set(&server, &id, "a stock of things").await;

    let listed = list(&server, json!({})).await;
    assert_eq!(listed["count"], 2);
    assert_eq!(listed["edges"][0]["node"]["name"], "a stock of things");
    let node = &listed["edges"][1]["node"];
    let mut wanted = definition;
    wanted["pythonFile"] = Value::Null;
    assert_eq!(node["definition"], wanted);
    assert_eq!(
        (&node["createdBy"]["email"], &node["deployment"]["name"]),
        (&json!("ada@acme.example"), &json!("default"))
    );
    assert_eq!((&node["waitingSince"], &node["loadedAt"]), (&node["changedAt"], &Value::Null));
    let first = list(&server, json!({ "first": 1 })).await;
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let next = list(&server, json!({ "first": 1, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(next["edges"][0]["node"]["name"], "sales");

    let same = json!({ "deploymentId": id, "name": "sales", "definition": { "moduleName": "other" } });
    let changed = server.ask(SET, json!({ "input": same })).await.ok();
    let wanted = json!({ "moduleName": "other", "queue": null });
    assert_eq!(changed.at("/data/codeLocationSet/isNew"), false);
    assert_eq!(changed.at("/data/codeLocationSet/codeLocation/definition"), wanted);
    let mut new = same;
    new["mayExist"] = json!(false);
    let refused = server.ask(SET, json!({ "input": new })).await;
    assert_eq!((refused.kind(), refused.error().contains("sales already")), ("conflict".to_owned(), true));

    let removed = server.ask(REMOVE, json!({ "id": id, "name": "sales" })).await.ok();
    assert_eq!(removed.at("/data/codeLocationRemove/codeLocation/name"), "sales");
    assert_eq!(server.ask(REMOVE, json!({ "id": id, "name": "sales" })).await.kind(), "not_found");
    assert_eq!(list(&server, json!({})).await["count"], 1);
}

#[tokio::test]
async fn what_agents_tell_and_are_asked_is_shown() {
    let server = Server::new().await;
    let id = default_of(&server).await;
    set(&server, &id, "sales").await;
    server.world.clock.advance(Duration::from_secs(5));
    tell(&server, Outcome::Failed { definition: None, error: "no module named sales".to_owned() }).await;
    let one = async || server.ask(ONE, json!({ "id": id, "name": "sales" })).await.ok().at("/data/node");
    let it = one().await["codeLocation"].clone();
    let token = server.world.acme.created.agent_token.public_id.as_str();
    let wanted = json!({
        "state": "FAILED", "error": "no module named sales", "loadedAt": null, "waitingSince": null, "toldByAgentTokenPublicId": token
    });
    assert_eq!(it, wanted);
    tell(&server, loaded()).await;
    let it = one().await["codeLocation"].clone();
    assert_eq!((&it["state"], &it["error"], it["loadedAt"].is_string()), (&json!("LOADED"), &Value::Null, true));

    server.world.clock.advance(Duration::from_secs(5));
    let anew = server.ask(RELOAD, json!({ "id": id, "name": "sales" })).await.ok();
    assert_eq!(anew.at("/data/codeLocationReload/codeLocation/state"), "WAITING");
    let asked = server.ask(PING, json!({ "id": id, "name": "sales" })).await.ok().at("/data/codeLocationPing/request");
    let wanted = json!({
        "kind": "PING_LOCATION", "state": "WAITING", "locationName": "sales", "offers": 0, "endedAt": null,
        "createdBy": { "email": "ada@acme.example" }
    });
    assert_eq!(asked, wanted);
    let requests = one().await["dagsterRequests"].clone();
    let waiting = |kind: &str, location: Option<&str>| json!({ "kind": kind, "state": "WAITING", "locationName": location, "stateReason": "no agent has taken it yet" });
    assert_eq!(
        requests,
        json!([waiting("PING_LOCATION", Some("sales")), waiting("CHECK_FOR_WORKSPACE_UPDATES", None)]),
        "one check waits for all changes"
    );
    let nothing = server.ask(ONE, json!({ "id": id, "name": "stock" })).await.ok();
    assert_eq!(nothing.at("/data/node/codeLocation"), Value::Null);
}

#[tokio::test]
async fn what_is_wrong_is_named_as_the_input_names_it() {
    let server = Server::new().await;
    let id = default_of(&server).await;
    for (field, name, definition) in [
        ("name", "a\nb", json!({ "moduleName": "m" })),
        ("definition.moduleName", "a", json!({})),
        ("definition.moduleName", "a", json!({ "moduleName": "m", "pythonFile": "f.py" })),
        ("definition.queue", "a", json!({ "moduleName": "m", "queue": "a b" })),
        ("definition.containerContext", "a", json!({ "moduleName": "m", "containerContext": "[]" })),
    ] {
        let input = json!({ "deploymentId": id, "name": name, "definition": definition });
        let refused = server.ask(SET, json!({ "input": input })).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), field);
        assert_eq!(refused.at("/data/codeLocationSet"), Value::Null);
    }
    let globex = server.world.globex.user_token().to_owned();
    set(&server, &id, "sales").await;
    let member = server.world.member().await;
    for (document, name) in [(RELOAD, "codeLocationReload"), (PING, "codeLocationPing"), (REMOVE, "codeLocationRemove")]
    {
        let theirs = server.ask_as(&globex, document, json!({ "id": id, "name": "sales" })).await;
        assert_eq!(
            (theirs.error(), theirs.at(&format!("/data/{name}"))),
            ("No deployment found".to_owned(), Value::Null)
        );
        let nobodys = server.ask(document, json!({ "id": "x", "name": "sales" })).await;
        assert_eq!(nobodys.error(), "No deployment found");
        assert_eq!(server.ask_as(&member, document, json!({ "id": id, "name": "sales" })).await.kind(), "forbidden");
    }
}
