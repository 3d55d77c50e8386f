//! What Dagster+ agents call: the fields of their face, read from its schema.

use countersign_testkit::routes;
use serde_json::{Value, json};

use crate::callers::Operation;
use crate::graphql::fields_of;

/// A document that would succeed, for each field, and its variables.
fn samples() -> Vec<(&'static str, &'static str, Value)> {
    let heartbeat = json!({
        "__class__": "AgentHeartbeat", "timestamp": 1, "agent_id": "5e6d1c1f-64e4-4c06-9d60-0a3b54cf2f3a"
    });
    vec![
        ("Query.agents", "query { agents(heartbeatedSince: 0) { id } }", json!({})),
        ("Query.deployments", "query { deployments(deploymentNames: [\"default\"]) { deploymentName } }", json!({})),
        ("Query.deploymentInfo", "query { deploymentInfo { deploymentName } }", json!({})),
        (
            "UserCloudAgent.popUserCloudAgentRequests",
            "mutation { userCloudAgent { popUserCloudAgentRequests(forFullDeployments: [\"default\"]) { requestId } } }",
            json!({}),
        ),
        (
            "UserCloudAgent.addAgentHeartbeats",
            "mutation($all: [AgentHeartbeatInput!]) { userCloudAgent { addAgentHeartbeats(serializedAgentHeartbeats: $all) { ok } } }",
            json!({ "all": [{ "deploymentName": "default", "serializedAgentHeartbeat": heartbeat.to_string() }] }),
        ),
    ]
}

/// The header in which a token goes with a call to this address, and what stands before it there.
pub fn header_of(path: &str) -> (&'static str, &'static str) {
    if path.starts_with("/dagster/") { ("Dagster-Cloud-Api-Token", "") } else { ("Authorization", "Bearer ") }
}

/// Every field by which something is asked or done.
pub fn all() -> Vec<Operation> {
    let [route] = routes::dagster()[..] else { panic!("there is one route") };
    let sdl = countersign_dagster::sdl();
    let samples = samples();
    let mut found = Vec::new();
    for of in ["Query", "UserCloudAgent"] {
        for field in fields_of(&sdl, of) {
            let name = format!("{of}.{field}");
            let sample = samples.iter().find(|(of, ..)| *of == name);
            let (_, document, variables) = sample.unwrap_or_else(|| panic!("the field {name} has no sample here"));
            let body = json!({ "query": document, "variables": variables }).to_string();
            let name = format!("/dagster {name}");
            found.push(Operation { name, method: route.method, path: route.path.to_owned(), body: Some(body) });
        }
    }
    assert_eq!(fields_of(&sdl, "Mutation"), ["userCloudAgent"], "another field of the mutation");
    assert_eq!(found.len(), samples.len(), "the schema has fewer fields than there are samples");
    found
}
