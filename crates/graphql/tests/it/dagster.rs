//! Dagster+ agents as people see them.

use countersign_control::access::actions::DagsterHeartbeat;
use countersign_control::dagster::{CodeServer, Heartbeat, RunWorker, Task, Trouble};
use serde_json::json;

use crate::client::Server;

const PROCESS: &str = "5e6d1c1f-64e4-4c06-9d60-0a3b54cf2f3a";

async fn hear(server: &Server) {
    let control = &server.world.control;
    let holder = server.world.authenticate(server.world.acme.agent_token()).await.expect("it is accepted");
    let error = Trouble { at: Some(1_500_000), message: "no route".to_owned(), ..Trouble::default() };
    let task = Task {
        deployment: "default".to_owned(),
        default_queue: true,
        queues: vec!["gpu".to_owned()],
        code_servers: vec![CodeServer {
            location: "sales".to_owned(),
            status: "FAILED".to_owned(),
            error: Some(error.clone()),
        }],
        run_workers: vec![RunWorker { run: "r1".to_owned(), status: "RUNNING".to_owned(), message: None }],
    };
    let told = Heartbeat {
        process: PROCESS.to_owned(),
        label: Some("north".to_owned()),
        version: Some("1.13.27".to_owned()),
        errors: vec![error],
        tasks: vec![task],
        ..Heartbeat::default()
    };
    let grant = control.grant_own::<DagsterHeartbeat>(&holder).expect("it may");
    control.dagster_heartbeat(&grant, told).await.expect("it is kept");
}

#[tokio::test]
async fn an_agent_is_shown_with_all_that_it_tells() {
    let server = Server::new().await;
    let query = "{ organization(slug: \"acme\") { dagsterAgentStatus dagsterAgents(first: 5) { count edges { node { process label status \
                 version agentTokenRevokedAt errors { at message } deployments { deployment { name } servesDefaultQueue queues \
                 codeServers { locationName status error { message } } runWorkers { runId status message } } } } } } }";
    let none = server.ask(query, json!({})).await.ok();
    assert_eq!(none.at("/data/organization/dagsterAgentStatus"), "NEVER_SEEN");
    assert_eq!(none.at("/data/organization/dagsterAgents/count"), 0);
    hear(&server).await;
    let one = server.ask(query, json!({})).await.ok();
    assert_eq!(one.at("/data/organization/dagsterAgentStatus"), "RUNNING");
    let wanted = json!({
        "process": PROCESS, "label": "north", "status": "RUNNING", "version": "1.13.27", "agentTokenRevokedAt": null,
        "errors": [{ "at": "1970-01-01T00:00:01.5Z", "message": "no route" }],
        "deployments": [{
            "deployment": { "name": "default" }, "servesDefaultQueue": true, "queues": ["gpu"],
            "codeServers": [{ "locationName": "sales", "status": "FAILED", "error": { "message": "no route" } }],
            "runWorkers": [{ "runId": "r1", "status": "RUNNING", "message": null }]
        }]
    });
    assert_eq!(one.at("/data/organization/dagsterAgents/edges/0/node"), wanted);
}

#[tokio::test]
async fn a_status_is_of_the_organization_or_of_a_deployment() {
    let server = Server::new().await;
    hear(&server).await;
    let query = "query($name: String) { organization(slug: \"acme\") { dagsterAgentStatus(deployment: $name) } }";
    for name in [json!(null), json!("default")] {
        let answer = server.ask(query, json!({ "name": name })).await.ok();
        assert_eq!(answer.at("/data/organization/dagsterAgentStatus"), "RUNNING");
    }
    assert_eq!(server.ask(query, json!({ "name": "nowhere" })).await.kind(), "not_found");
    server.world.clock.advance(std::time::Duration::from_secs(300));
    let answer = server.ask(query, json!({})).await.ok();
    assert_eq!(answer.at("/data/organization/dagsterAgentStatus"), "NOT_RUNNING");
    let running = "{ organization(slug: \"acme\") { dagsterAgents(running: true) { count } } }";
    assert_eq!(server.ask(running, json!({})).await.ok().at("/data/organization/dagsterAgents/count"), 0);
}
