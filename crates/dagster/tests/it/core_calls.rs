//! The calls that an agent needs to come up, to stay up and to be seen.

use countersign_control::access::actions::ViewAgents;
use http::StatusCode;
use serde_json::json;

use crate::server::{
    AGENTS, DEPLOYMENT_INFO, DEPLOYMENTS, HEARTBEATS, PROCESS, REQUESTS, Server, WORKSPACE, heartbeat,
};

#[tokio::test]
async fn an_agent_comes_up_and_is_seen() {
    let server = Server::new().await;
    assert_eq!(server.ask(AGENTS, json!({ "heartbeatedSince": 0.5 })).await.data(), json!({ "agents": [] }));
    let names = json!({ "deploymentNames": ["default"] });
    let found = server.ask(DEPLOYMENTS, names).await.data();
    assert_eq!(found, json!({ "deployments": [{ "deploymentName": "default" }] }));
    let wanted = json!({ "deploymentNames": ["default"], "includeAllServerlessDeployments": false, "agentQueues": ["gpu", null] });
    let workspace = server.ask(WORKSPACE, wanted).await.data();
    let entry = json!({ "deploymentName": "default", "isBranchDeployment": false, "workspaceEntries": [] });
    assert_eq!(workspace, json!({ "deployments": [entry] }));
    let wanted =
        json!({ "forBranchDeployments": false, "forFullDeployments": ["default"], "agentQueues": ["gpu", null] });
    let requests = server.ask(REQUESTS, wanted).await.data();
    assert_eq!(requests, json!({ "userCloudAgent": { "popUserCloudAgentRequests": [] } }));
    let told = server.ask(HEARTBEATS, heartbeat(PROCESS, &["default"], &["no route\n", "older"])).await.data();
    assert_eq!(told, json!({ "userCloudAgent": { "addAgentHeartbeats": { "ok": true } } }));

    let agents = server.agents().await;
    let agent = &agents[0];
    assert_eq!((agents.len(), agent.process.to_string().as_str()), (1, PROCESS));
    assert_eq!((agent.label.as_deref(), agent.version.as_deref()), (Some("north"), Some("1.13.27")));
    let grant = server.world.admin::<ViewAgents>();
    let errors = server.world.control.dagster_agent_errors(&grant, agent.id).await.expect("a read");
    assert_eq!(agent.error_count, 2);
    let errors: Vec<_> = errors.iter().map(|it| (it.message.as_str(), it.at)).collect();
    assert_eq!(errors, [("no route", Some(12_500_000)), ("older", Some(12_500_000))]);
    let serving = server.world.control.dagster_agent_serving(&grant, agent.id).await.expect("a read");
    let code_server = &serving[0].code_servers[0];
    assert_eq!((code_server.location.as_str(), code_server.status.as_str()), ("sales", "FAILED"));
    let why = code_server.error.as_ref().expect("why it failed");
    assert_eq!((why.class.as_deref(), why.trace.as_str()), (Some("ModuleNotFoundError"), "  line 1\n"));
    assert_eq!((serving[0].default_queue, serving[0].queues.as_slice()), (true, &["gpu".to_owned()][..]));

    let alive = server.ask(AGENTS, json!({ "heartbeatedSince": 0.5 })).await.data();
    assert_eq!(alive, json!({ "agents": [{ "id": PROCESS, "status": "RUNNING" }] }));
    let later = server.ask(AGENTS, json!({ "heartbeatedSince": 1e18 })).await.data();
    assert_eq!(later, json!({ "agents": [] }));
    let all = server.ask(AGENTS, json!({})).await.data();
    assert_eq!(all, alive, "without a time, all of them");
}

#[tokio::test]
async fn a_heartbeat_that_names_no_deployment_is_taken_and_says_nothing() {
    let server = Server::new().await;
    let told = server.ask(HEARTBEATS, heartbeat(PROCESS, &[], &["lost"])).await.data();
    assert_eq!(told["userCloudAgent"]["addAgentHeartbeats"]["ok"], true);
    assert_eq!(server.agents().await.len(), 0);
    let null = json!({ "serializedAgentHeartbeats": null, "serializedErrors": null });
    assert_eq!(server.ask(HEARTBEATS, null).await.data()["userCloudAgent"]["addAgentHeartbeats"]["ok"], true);
}

#[tokio::test]
async fn an_agent_without_a_deployment_is_told_one() {
    let server = Server::new().await;
    let info = json!({ "deploymentInfo": { "deploymentName": "default", "deploymentType": "PRODUCTION" } });
    assert_eq!(server.ask(DEPLOYMENT_INFO, json!({})).await.data(), info);
    let token = server.narrow_token().await;
    assert_eq!(server.ask_as(&token, DEPLOYMENT_INFO, json!({})).await.data(), info);
    let body = json!({ "query": DEPLOYMENT_INFO }).to_string();
    for (name, status) in [("default", StatusCode::OK), ("nowhere", StatusCode::FORBIDDEN)] {
        let headers = [("dagster-cloud-api-token", token.as_str()), ("dagster-cloud-deployment", name)];
        let answer = server.post(&headers, body.clone()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_value_in_dagsters_dress_is_the_same_token() {
    let server = Server::new().await;
    let dressed = format!("agent:acme:{}", server.world.acme.agent_token());
    assert_eq!(server.ask_as(&dressed, AGENTS, json!({})).await.data(), json!({ "agents": [] }));
}
