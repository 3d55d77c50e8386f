//! What Dagster's commands for people ask, with the documents that they send.

use http::StatusCode;
use serde_json::json;

use crate::server::{AGENTS, DEPLOYMENTS, HEARTBEATS, PROCESS, Server, heartbeat};

const LIST_AGENTS: &str =
    "query ListAgents { agents { id agentLabel status lastHeartbeatTime metadata { key value } } }";
const AGENT_STATUS: &str = "query CliAgentStatus { agents { status errors { error { message } } } }";
const LIST_DEPLOYMENTS: &str = "query ListDeployments { fullDeployments { deploymentName deploymentId deploymentType deploymentStatus \
     agentType isBranchDeployment organizationName } }";
const GET_DEPLOYMENT: &str = "query GetDeployment($deploymentName: String!) { deploymentByName(name: $deploymentName) { __typename \
     ... on DagsterCloudDeployment { deploymentName deploymentId } ... on DeploymentNotFoundError { message } \
     ... on UnauthorizedError { message } ... on PythonError { message } } }";
const SETTINGS: &str = "query CliDeploymentSettings { deploymentSettings { settings } }";
const ORGANIZATION: &str = "query CliOrganizationSettings { organizationSettings { settings } }";
const CURRENT: &str = "query CliCurrentDeploymentName { currentDeployment { deploymentName agentType } }";
const LOCATIONS: &str =
    "query CliWorkspaceEntries { workspace { workspaceEntries { locationName serializedDeploymentMetadata } } }";

#[tokio::test]
async fn people_see_what_agents_said_of_themselves() {
    let server = Server::new().await;
    server.ask(HEARTBEATS, heartbeat(PROCESS, &["default"], &["no route\n"])).await.data();
    let listed = server.person(LIST_AGENTS, json!({})).await;
    let agent = &listed["agents"][0];
    assert_eq!(
        (&agent["id"], &agent["agentLabel"], &agent["status"]),
        (&json!(PROCESS), &json!("north"), &json!("RUNNING"))
    );
    let now = server.world.control.now().as_micros() as f64 / 1_000_000.0;
    assert_eq!(agent["lastHeartbeatTime"].as_f64(), Some(now), "seconds");
    let token = server.world.acme.created.agent_token.public_id.as_str();
    for pair in
        [("version", "1.13.27"), ("type", "ProcessUserCodeLauncher"), ("queues", "default, gpu"), ("token", token)]
    {
        let entry = json!({ "key": pair.0, "value": pair.1 });
        assert!(agent["metadata"].as_array().is_some_and(|all| all.contains(&entry)), "{pair:?}: {agent}");
    }
    let status = server.person(AGENT_STATUS, json!({})).await;
    assert_eq!(status["agents"][0]["errors"][0]["error"]["message"], "no route");
    let more = "{ agents { codeServerStates { locationName status error { message className stack } } runWorkerStates { runId } } }";
    let more = server.person(more, json!({})).await;
    let state = &more["agents"][0]["codeServerStates"][0];
    assert_eq!((&state["locationName"], &state["status"]), (&json!("sales"), &json!("FAILED")));
    assert_eq!(state["error"]["stack"], json!(["  line 1\n"]));
    // Another organization's people see none, and another agent hears only that it lives.
    let foreign = server.world.globex.user_token().to_owned();
    assert_eq!(server.person_as(&foreign, LIST_AGENTS, json!({})).await.data(), json!({ "agents": [] }));
    let answer = server.ask(LIST_AGENTS, json!({})).await;
    let said = &answer.json()["errors"][0];
    assert_eq!((answer.status, &said["extensions"]["type"]), (StatusCode::OK, &json!("kind")), "{}", answer.text);
    assert!(said["message"].as_str().is_some_and(|words| words.contains("user token")), "{}", answer.text);
    server.ask(AGENTS, json!({})).await.data();
}

#[tokio::test]
async fn deployments_and_settings_are_those_of_the_address() {
    let server = Server::new().await;
    let listed = server.person(LIST_DEPLOYMENTS, json!({})).await;
    let default = &listed["fullDeployments"][0];
    assert_eq!(listed["fullDeployments"].as_array().map(Vec::len), Some(1));
    for (field, value) in [
        ("deploymentName", json!("default")),
        ("deploymentType", json!("PRODUCTION")),
        ("deploymentStatus", json!("ACTIVE")),
        ("agentType", json!("HYBRID")),
        ("isBranchDeployment", json!(false)),
        ("organizationName", json!("acme")),
    ] {
        assert_eq!(default[field], value, "{field}");
    }
    let found = server.person(GET_DEPLOYMENT, json!({ "deploymentName": "default" })).await;
    assert_eq!(found["deploymentByName"]["deploymentId"], default["deploymentId"]);
    let missing = server.person(GET_DEPLOYMENT, json!({ "deploymentName": "nowhere" })).await;
    assert_eq!(missing["deploymentByName"]["__typename"], "DeploymentNotFoundError");
    assert_eq!(server.person(LOCATIONS, json!({})).await, json!({ "workspace": { "workspaceEntries": [] } }));
    assert_eq!(server.person(ORGANIZATION, json!({})).await, json!({ "organizationSettings": { "settings": {} } }));

    let token = ("Dagster-Cloud-Api-Token", server.world.acme.user_token());
    let organization = ("Dagster-Cloud-Organization", "acme");
    for (path, more) in [
        ("/dagster/graphql", vec![]),
        ("/dagster/default/graphql", vec![]),
        ("/dagster/default/graphql", vec![("Dagster-Cloud-Deployment", "default")]),
        ("/dagster/acme/graphql", vec![organization]),
        ("/dagster/acme/graphql", vec![]),
        ("/dagster/acme/graphql", vec![organization, ("Dagster-Cloud-Deployment", "default")]),
    ] {
        let headers = [vec![token], more].concat();
        let settings = server.post_at(path, &headers, SETTINGS).await.data();
        assert_eq!(settings, json!({ "deploymentSettings": { "settings": {} } }), "{path} {headers:?}");
        let current = server.post_at(path, &headers, CURRENT).await.data();
        assert_eq!(current["currentDeployment"]["deploymentName"], "default", "{path}");
    }
    for (path, more, said) in [
        ("/dagster/nowhere/graphql", vec![], "not_found"),
        ("/dagster/globex/graphql", vec![], "not_found"),
        ("/dagster/globex/graphql", vec![("Dagster-Cloud-Organization", "globex")], "not_found"),
        ("/dagster/graphql", vec![("Dagster-Cloud-Organization", "globex")], "not_found"),
        ("/dagster/graphql", vec![("Dagster-Cloud-Deployment", "nowhere")], "not_found"),
        ("/dagster/default/graphql", vec![("Dagster-Cloud-Deployment", "other")], "invalid"),
    ] {
        let headers = [vec![token], more].concat();
        let answer = server.post_at(path, &headers, SETTINGS).await;
        assert_eq!(answer.json()["errors"][0]["extensions"]["type"], said, "{path} {headers:?}: {}", answer.text);
        assert!(!answer.text.contains("nowhere"), "names are not repeated: {}", answer.text);
    }
}

#[tokio::test]
async fn what_is_not_offered_is_named() {
    let server = Server::new().await;
    let user = server.world.acme.user_token().to_owned();
    let add = "mutation CliDeployLocations($document: GenericScalar!) { deployLocations(document: $document) \
               { __typename ... on DeployLocationsSuccess { locations { locationName } } } }";
    for token in [&user, server.world.acme.agent_token()] {
        let answer = server.person_as(token, add, json!({ "document": {} })).await;
        assert_eq!(answer.status, StatusCode::OK);
        let error = &answer.json()["errors"][0];
        let said = json!({ "type": "not_offered", "operation": "CliDeployLocations", "field": "deployLocations" });
        assert_eq!(error["extensions"], said, "{}", answer.text);
        assert!(error["message"].as_str().is_some_and(|words| words.contains("CliDeployLocations")), "{}", answer.text);
    }
    // A token's value is a name as the language has it.
    let answer = server.person_as(&user, &format!("query {user} {{ {user} }}"), json!({})).await;
    assert!(!answer.text.contains(&user), "{}", answer.text);
    let answer = server.person_as(&user, "{ __schema { types { name } } }", json!({})).await;
    assert_eq!(answer.json()["errors"][0]["extensions"]["type"], "not_offered");
}

#[tokio::test]
async fn a_token_of_the_other_kind_is_told_so() {
    let server = Server::new().await;
    let user = server.world.acme.user_token().to_owned();
    for (query, variables) in
        [(DEPLOYMENTS, json!({ "deploymentNames": ["default"] })), (HEARTBEATS, heartbeat(PROCESS, &["default"], &[]))]
    {
        let (status, reason, words) = server.ask_as(&user, query, variables).await.refused();
        assert_eq!((status, reason.as_str()), (401, "kind"), "{words}");
        assert!(words.contains("agent token"), "{words}");
    }
    assert_eq!(server.agents().await.len(), 0);
    let agent = server.world.acme.agent_token().to_owned();
    for query in [ORGANIZATION, SETTINGS, LIST_DEPLOYMENTS, CURRENT, LOCATIONS] {
        let answer = server.person_as(&agent, query, json!({})).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["extensions"]["type"]), (StatusCode::OK, &json!("kind")), "{}", answer.text);
        assert!(error["message"].as_str().is_some_and(|words| words.contains("user token")), "{}", answer.text);
    }
    // Without Dagster's header, the one that other programs know.
    let bearer = format!("Bearer {user}");
    let answer = server.post_at("/dagster/graphql", &[("Authorization", &bearer)], ORGANIZATION).await;
    answer.data();
}
