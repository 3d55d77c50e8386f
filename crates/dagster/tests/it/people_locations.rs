//! Code locations as Dagster's commands for people set, show and remove them, with the documents that they send.

use countersign_control::access::actions::TellCodeLocation;
use countersign_control::code_locations::{Definition, Outcome, Told};
use serde_json::{Value, json};

use crate::server::Server;

const ADD: &str = "mutation CliAddOrUpdateLocation($document: GenericScalar!) { addOrUpdateLocationFromDocument(document: $document) \
     { __typename ... on WorkspaceEntry { locationName } ... on PythonError { message stack } ... on InvalidLocationError { errors } \
     ... on UnauthorizedError { message } } }";
const DELETE: &str = "mutation CliDeleteLocation($locationName: String!) { deleteLocation(locationName: $locationName) { __typename \
     ... on DeleteLocationSuccess { locationName } ... on PythonError { message stack } } }";
const STANDS: &str = "query CliLocationsQuery { workspaceOrError { __typename ... on Workspace { locationEntries { __typename name \
     loadStatus locationOrLoadError { __typename ... on RepositoryLocation { name } ... on PythonError { message stack errorChain \
     { isExplicitLink error { message stack } } } } } } ... on PythonError { message stack } } }";
const LIST: &str =
    "query CliWorkspaceEntries { workspace { workspaceEntries { locationName serializedDeploymentMetadata } } }";
const DOCUMENT: &str = "query CliLocationsAsDocument { locationsAsDocument { __typename document } }";

async fn add(server: &Server, document: Value) -> Value {
    let added = server.person(ADD, json!({ "document": document })).await;
    added["addOrUpdateLocationFromDocument"].clone()
}

fn sales() -> Value {
    json!({ "location_name": "sales", "code_source": { "module_name": "sales" }, "git": { "commit_hash": "0a1b" } })
}

/// Where the one code location stands.
async fn stands(server: &Server) -> Value {
    server.person(STANDS, json!({})).await["workspaceOrError"]["locationEntries"][0].clone()
}

async fn tell(server: &Server, outcome: Outcome) {
    let world = &server.world;
    let agent = world.authenticate(world.acme.agent_token()).await.expect("a live token");
    let grant = world.control.grant_own::<TellCodeLocation>(&agent).expect("it may");
    let told = Told { deployment: "default".to_owned(), location: "sales".to_owned(), outcome };
    world.control.tell_code_location(&grant, told).await.expect("it is kept");
}

#[tokio::test]
async fn a_code_location_is_set_seen_and_removed() {
    let server = Server::new().await;
    assert_eq!(add(&server, sales()).await, json!({ "__typename": "WorkspaceEntry", "locationName": "sales" }));
    let listed = server.person(LIST, json!({})).await["workspace"]["workspaceEntries"].clone();
    assert_eq!(listed[0]["locationName"], "sales");
    let metadata = listed[0]["serializedDeploymentMetadata"].as_str().expect("a text");
    assert!(metadata.contains(r#""commit_hash":"0a1b""#), "{metadata}");
    assert_eq!(stands(&server).await["loadStatus"], "LOADING");

    tell(&server, Outcome::Failed { definition: None, error: "No module named sales".to_owned() }).await;
    let seen = stands(&server).await;
    assert_eq!((&seen["loadStatus"], &seen["name"]), (&json!("LOADED"), &json!("sales")));
    let error = &seen["locationOrLoadError"];
    assert_eq!((&error["message"], &error["errorChain"]), (&json!("No module named sales"), &json!([])));

    let mut changed = sales();
    changed["code_source"] = json!({ "python_file": "sales.py" });
    assert_eq!(add(&server, changed.clone()).await["__typename"], "WorkspaceEntry", "the same call changes it");
    assert_eq!(stands(&server).await["loadStatus"], "LOADING", "what was told was of the one before");
    let document = server.person(DOCUMENT, json!({})).await["locationsAsDocument"]["document"].clone();
    assert_eq!(document, json!({ "locations": [changed] }));
    let definition = Box::new(Definition {
        python_file: Some("sales.py".to_owned()),
        commit_hash: Some("0a1b".to_owned()),
        ..Definition::default()
    });
    tell(&server, Outcome::Loaded { definition, manifest: "{}".to_owned(), snapshots: Vec::new() }).await;
    assert_eq!(
        stands(&server).await["locationOrLoadError"],
        json!({ "__typename": "RepositoryLocation", "name": "sales" })
    );

    let removed = server.person(DELETE, json!({ "locationName": "sales" })).await["deleteLocation"].clone();
    assert_eq!(removed, json!({ "__typename": "DeleteLocationSuccess", "locationName": "sales" }));
    let gone = server.person(DELETE, json!({ "locationName": "sales" })).await["deleteLocation"].clone();
    assert_eq!((&gone["__typename"], &gone["message"]), (&json!("PythonError"), &json!("No code location found.")));
    assert_eq!(server.person(LIST, json!({})).await, json!({ "workspace": { "workspaceEntries": [] } }));
}

#[tokio::test]
async fn what_cannot_be_set_says_why() {
    let server = Server::new().await;
    for (document, said) in [
        (json!({}), "location_name is missing"),
        (json!({ "location_name": "a" }), "module_name names 0 of"),
        (json!({ "location_name": "a", "code_source": { "module_name": "a", "python_file": "b" } }), "names 2 of"),
        (json!({ "location_name": "a\nb", "code_source": { "module_name": "a" } }), "name holds a line break"),
        (json!([]), "document must be an object"),
    ] {
        let refused = add(&server, document).await;
        assert_eq!(refused["__typename"], "InvalidLocationError", "{refused}");
        assert!(refused["errors"][0].as_str().is_some_and(|it| it.contains(said)), "{refused}");
    }
    let member = server.world.member().await;
    let denied = server.person_as(&member, ADD, json!({ "document": {} })).await.data();
    let denied = &denied["addOrUpdateLocationFromDocument"];
    assert_eq!(denied["__typename"], "UnauthorizedError", "before what is wrong with it is looked at: {denied}");
    let denied = server.person_as(&member, DELETE, json!({ "locationName": "sales" })).await.data();
    assert_eq!(denied["deleteLocation"]["__typename"], "UnauthorizedError");
    add(&server, sales()).await;
    let seen = server.person_as(&member, LIST, json!({})).await.data();
    assert_eq!(seen["workspace"]["workspaceEntries"][0]["locationName"], "sales", "members see them");
    let stranger = server.world.globex.user_token().to_owned();
    let foreign = server.person_as(&stranger, LIST, json!({})).await.data();
    assert_eq!(foreign, json!({ "workspace": { "workspaceEntries": [] } }));
}
