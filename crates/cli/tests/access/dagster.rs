//! What Dagster+ agents and their people's commands call: the fields of their face, read from its schema.

use countersign_testkit::routes::{self, Route};
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
        ("Query.scopedSecrets", "query { scopedSecrets(locationName: \"l\") { secretName } }", json!({})),
        ("Query.latestDefsStateInfo", "query { latestDefsStateInfo }", json!({})),
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
        (
            "Runs.getRunRecords",
            "query($filters: RunsFilter) { runs { getRunRecords(filters: $filters, limit: 1) { storageId } } }",
            json!({ "filters": { "runIds": [NO_RUN] } }),
        ),
        ("Runs.getRuns", "query { runs { getRuns(limit: 1) } }", json!({})),
        ("Runs.getRunById", "query($id: String!) { runs { getRunById(runId: $id) } }", json!({ "id": NO_RUN })),
        ("Runs.hasRun", "query($id: String!) { runs { hasRun(runId: $id) } }", json!({ "id": NO_RUN })),
        ("EventLogs.getPoolConfig", "query { eventLogs { getPoolConfig { defaultPoolLimit } } }", json!({})),
        (
            "RunsByAgents.addRunTags",
            "mutation($id: String!) { runs { addRunTags(runId: $id, jsonNewTags: \"{}\") { ok } } }",
            json!({ "id": NO_RUN }),
        ),
        (
            "EventLogsByAgents.StoreEvent",
            "mutation($it: EventLogEntryInput!) { eventLogs { StoreEvent(eventRecord: $it) { ok } } }",
            json!({ "it": event() }),
        ),
        (
            "EventLogsByAgents.StoreEventBatch",
            "mutation($all: [EventLogEntryInput!]!) { eventLogs { StoreEventBatch(eventRecords: $all) { ok } } }",
            json!({ "all": [event()] }),
        ),
    ]
}

/// The id of no run.
const NO_RUN: &str = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";

fn event() -> Value {
    json!({ "level": 20, "runId": NO_RUN, "timestamp": 1.5, "userMessage": "m" })
}

/// The fields below which others stand that are calls of their own, and the types of those.
const NAMESPACES: [(&str, &str); 5] = [
    ("Mutation.userCloudAgent", "UserCloudAgent"),
    ("Query.runs", "Runs"),
    ("Query.eventLogs", "EventLogs"),
    ("Mutation.runs", "RunsByAgents"),
    ("Mutation.eventLogs", "EventLogsByAgents"),
];

/// The same for what people ask and do.
const OF_PEOPLE: &[(&str, &str)] = &[
    ("Query.agentTokensOrError", "query { agentTokensOrError { __typename } }"),
    ("Query.agentTokenOrError", "query { agentTokenOrError(tokenId: {agent-token-number}) { __typename } }"),
    ("Query.userTokensOrError", "query { userTokensOrError { __typename } }"),
    ("Query.fullDeployments", "query { fullDeployments { deploymentId } }"),
    ("Query.deploymentByName", "query { deploymentByName(name: \"prepared\") { __typename } }"),
    ("Query.currentDeployment", "query { currentDeployment { deploymentName } }"),
    ("Query.organizationSettings", "query { organizationSettings { settings } }"),
    ("Query.deploymentSettings", "query { deploymentSettings { settings } }"),
    ("Query.workspace", "query { workspace { workspaceEntries { locationName } } }"),
    ("Query.workspaceOrError", "query { workspaceOrError { __typename } }"),
    ("Query.locationsAsDocument", "query { locationsAsDocument { document } }"),
    (
        "Mutation.addOrUpdateLocationFromDocument",
        "mutation { addOrUpdateLocationFromDocument(document: { location_name: \"made\", code_source: { module_name: \"m\" } }) \
         { __typename } }",
    ),
    ("Mutation.deleteLocation", "mutation { deleteLocation(locationName: \"made\") { __typename } }"),
    ("Query.runOrError", "query { runOrError(runId: \"{job}\") { __typename } }"),
    (
        "Mutation.launchRun",
        "mutation { launchRun(executionParams: { selector: { repositoryLocationName: \"l\", jobName: \"j\" } }) { __typename } }",
    ),
    ("Mutation.createAgentToken", "mutation { createAgentToken { __typename } }"),
    ("Mutation.revokeAgentToken", "mutation { revokeAgentToken(tokenId: {agent-token-number}) { __typename } }"),
    (
        "Mutation.editAgentTokenDescription",
        "mutation { editAgentTokenDescription(tokenId: {agent-token-number}, description: \"made\") { __typename } }",
    ),
    (
        "Mutation.createOrUpdateAgentPermissions",
        "mutation { createOrUpdateAgentPermissions(agentPermission: { agentTokenId: {agent-token-number}, grant: AGENT, \
         deploymentScope: DEPLOYMENT, deploymentId: {deployment-number} }) { __typename } }",
    ),
    (
        "Mutation.removeAgentPermissions",
        "mutation { removeAgentPermissions(agentPermission: { agentTokenId: {agent-token-number}, \
         deploymentScope: ALL_BRANCH_DEPLOYMENTS }) { __typename } }",
    ),
    ("Mutation.createUserToken", "mutation { createUserToken { __typename } }"),
    ("Mutation.revokeUserToken", "mutation { revokeUserToken(tokenId: {user-token-number}) { __typename } }"),
    (
        "Mutation.editUserTokenDescription",
        "mutation { editUserTokenDescription(tokenId: {user-token-number}, description: \"made\") { __typename } }",
    ),
];

/// The header in which a token goes with a call to this address, and what stands before it there.
pub fn header_of(path: &str) -> (&'static str, &'static str) {
    if path.starts_with("/dagster/") { ("Dagster-Cloud-Api-Token", "") } else { ("Authorization", "Bearer ") }
}

/// Every field by which something is asked or done.
pub fn all() -> Vec<Operation> {
    let all = routes::dagster();
    let (documents, beside): (Vec<Route>, Vec<Route>) = all.into_iter().partition(|it| it.path.ends_with("/graphql"));
    let [route, below] = documents[..] else { panic!("there are two routes for documents") };
    let sdl = countersign_dagster::sdl();
    let mut samples = samples();
    samples.extend(OF_PEOPLE.iter().map(|(name, document)| (*name, *document, json!({}))));
    let mut found = Vec::new();
    for of in ["Query", "Mutation"].into_iter().chain(NAMESPACES.map(|(_, of)| of)) {
        for field in fields_of(&sdl, of) {
            let name = format!("{of}.{field}");
            if NAMESPACES.iter().any(|(field, _)| *field == name) {
                continue;
            }
            let sample = samples.iter().find(|(of, ..)| *of == name);
            let (_, document, variables) = sample.unwrap_or_else(|| panic!("the field {name} has no sample here"));
            let body = json!({ "query": document, "variables": variables }).to_string();
            let name = format!("/dagster {name}");
            found.push(Operation { name, method: route.method, path: route.path.to_owned(), body: Some(body) });
        }
    }
    assert_eq!(found.len(), samples.len(), "the schema has fewer fields than there are samples");
    // What stands in the address decides nothing: one field for all of them.
    let body = json!({ "query": "query { fullDeployments { deploymentId } }" }).to_string();
    let path = below.path.replace("{first}", "{slug}");
    let name = format!("{} Query.fullDeployments", below.path);
    found.push(Operation { name, method: below.method, path, body: Some(body) });
    found.extend(beside.into_iter().map(beside_documents));
    found
}

/// What an agent sends beside its documents. Of those who may, none names a deployment in the header that would then be asked for; an address of
/// bytes is here without its signature.
fn beside_documents(Route { method, path }: Route) -> Operation {
    let body = (method == "PUT").then(|| "{}".to_owned());
    Operation { name: format!("{method} {path}"), method, path: path.replace("{id}", "{job}"), body }
}
