//! Clusters, their queues and their tokens, with the documents that Buildkite's Terraform provider sends; of a pipeline it asks for more than there is here.

use serde_json::{Value, json};

use crate::client::{Answer, Server};

const CLUSTER: &str =
    "fragment F on Cluster { id uuid name description emoji color defaultQueue { id uuid key description } }";
const TOKEN: &str = "fragment V on ClusterToken { allowedIpAddresses cluster { id uuid } description id uuid }";

async fn organization(server: &Server) -> String {
    let answer = server.ask("query($slug:ID!){organization(slug: $slug){id}}", json!({ "slug": "acme" })).await.ok();
    answer.text_at("/data/organization/id")
}

async fn cluster(server: &Server, document: &str, variables: Value) -> Answer {
    let fragment = if document.contains("...F") { CLUSTER } else { "" };
    server.ask(&format!("{document} {fragment}"), variables).await
}

const CREATE: &str = "mutation createCluster($organizationId: ID!, $name: String!, $description: String, $emoji: String, $color: String) {
    clusterCreate(input: {organizationId: $organizationId, name: $name, description: $description, emoji: $emoji, color: $color}) {
      clientMutationId cluster { ...F } } }";
const UPDATE: &str = "mutation updateCluster($organizationId: ID!, $id: ID!, $name: String, $description: String, $emoji: String, $color: String) {
    clusterUpdate(input: {organizationId: $organizationId, id: $id, name: $name, description: $description, emoji: $emoji, color: $color}) {
      clientMutationId cluster { ...F } } }";
const DELETE: &str =
    "mutation deleteCluster($organizationId: ID!, $id: ID!) { clusterDelete(input: {organizationId: $organizationId, id: $id}) {
      clientMutationId deletedClusterId } }";
const NODE: &str = "query getNode($id: ID!) { node(id: $id) { __typename
    ...on Pipeline { id pipelineUuid: uuid name description emoji color slug defaultBranch }
    ...on PipelineTemplate { id uuid available configuration description name }
    ...on Rule { id uuid document description type action effect sourceType targetType
      source { __typename ...on Pipeline { uuid } } target { __typename ...on Pipeline { uuid } } }
    ...on TeamMember { id uuid role team { id } user { id } }
    ...on Team { id uuid name description slug privacy isDefaultTeam defaultMemberRole membersCanCreatePipelines }
    ...on TeamSuite { id teamSuiteUuid: uuid suiteAccessLevel: accessLevel team { id } suite { id } }
    ...on TeamPipeline { id uuid pipelineAccessLevel: accessLevel team { id } pipeline { id } }
    ...on Cluster{ ...F } } }";
const BY_NAME: &str = "query getClusterByName($orgSlug: ID!, $cursor: String) { organization(slug: $orgSlug) {
    clusters(order: NAME, first: 50, after: $cursor) { pageInfo { endCursor hasNextPage } edges { node { ...F } } } } }";
const QUEUE: &str = "mutation($organizationId: ID!, $clusterId: ID!, $key: String!) {
    clusterQueueCreate(input: {organizationId: $organizationId, clusterId: $clusterId, key: $key, description: null, hostedAgents: null}) {
      clusterQueue { id uuid key description retryAgentAffinity stackHealth cluster { id } createdBy { email } dispatchPaused
      hosted hostedAgents { instanceShape { name } platformSettings { linux { agentImageRef } } } } } }";

#[tokio::test]
async fn a_cluster_lives_as_terraform_wants_it() {
    let server = Server::new().await;
    let organization = organization(&server).await;
    let variables = json!({ "organizationId": organization, "name": "Primary cluster", "description": null, "emoji": null, "color": null });
    let made = cluster(&server, CREATE, variables.clone()).await.ok().at("/data/clusterCreate/cluster");
    let id = made["id"].as_str().expect("an id").to_owned();
    let wanted = json!({ "id": id, "uuid": made["uuid"], "name": "Primary cluster", "description": null, "emoji": null, "color": null,
        "defaultQueue": null });
    assert_eq!(made, wanted);
    assert!(cluster(&server, CREATE, variables).await.error().contains("already exists"));
    let read = cluster(&server, NODE, json!({ "id": id })).await.ok().at("/data/node");
    assert_eq!((&read["__typename"], &read["id"]), (&json!("Cluster"), &json!(id)));

    let variables = json!({ "organizationId": organization, "id": id, "name": "Renamed", "description": "d", "emoji": ":rocket:",
        "color": "#0B79CE" });
    let changed = cluster(&server, UPDATE, variables).await.ok().at("/data/clusterUpdate/cluster");
    assert_eq!(
        (&changed["name"], &changed["description"], &changed["emoji"], &changed["color"]),
        (&json!("Renamed"), &json!("d"), &json!(":rocket:"), &json!("#0B79CE"))
    );
    let variables = json!({ "organizationId": organization, "id": id, "description": null, "color": "red" });
    let refused = cluster(&server, UPDATE, variables).await;
    assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), "color");

    let queue = server
        .ask(QUEUE, json!({ "organizationId": organization, "clusterId": id, "key": "linux" }))
        .await
        .ok()
        .at("/data/clusterQueueCreate/clusterQueue");
    let wanted = json!({ "id": queue["id"], "uuid": queue["uuid"], "key": "linux", "description": null, "retryAgentAffinity": "prefer-warmest",
        "stackHealth": null, "cluster": { "id": id }, "createdBy": { "email": "ada@acme.example" }, "dispatchPaused": false,
        "hosted": false, "hostedAgents": null });
    assert_eq!(queue, wanted);
    let set =
        "mutation($o: ID!, $c: ID!, $q: ID) { clusterUpdate(input: {organizationId: $o, id: $c, defaultQueueId: $q}) {
        cluster { ...F defaultQueue { id uuid key } } } }";
    let default = cluster(&server, set, json!({ "o": organization, "c": id, "q": queue["id"] })).await.ok();
    assert_eq!(default.at("/data/clusterUpdate/cluster/defaultQueue/key"), "linux");
    assert_eq!(default.at("/data/clusterUpdate/cluster/description"), "d", "what is left out stays");
    let default = cluster(&server, set, json!({ "o": organization, "c": id, "q": null })).await.ok();
    assert_eq!(default.at("/data/clusterUpdate/cluster/defaultQueue"), Value::Null);

    let listed =
        cluster(&server, BY_NAME, json!({ "orgSlug": "acme" })).await.ok().at("/data/organization/clusters/edges");
    let names: Vec<_> = listed.as_array().expect("edges").iter().map(|edge| edge["node"]["name"].clone()).collect();
    assert_eq!(names, ["Renamed", "default"], "capital letters come first, on both engines");
    let gone = cluster(&server, DELETE, json!({ "organizationId": organization, "id": id })).await.ok();
    assert_eq!(gone.at("/data/clusterDelete/deletedClusterId"), json!(id));
    assert_eq!(cluster(&server, NODE, json!({ "id": id })).await.ok().at("/data/node"), Value::Null);
    let again = cluster(&server, DELETE, json!({ "organizationId": organization, "id": id })).await;
    assert_eq!(again.error(), "No cluster found");
}

#[tokio::test]
async fn a_queue_is_made_described_and_deleted() {
    let server = Server::new().await;
    let organization = organization(&server).await;
    let listed = cluster(&server, BY_NAME, json!({ "orgSlug": "acme" })).await.ok();
    let of = listed.text_at("/data/organization/clusters/edges/0/node/id");
    let variables = json!({ "organizationId": organization, "clusterId": of, "key": "linux" });
    let made = server.ask(QUEUE, variables.clone()).await.ok();
    let id = made.text_at("/data/clusterQueueCreate/clusterQueue/id");
    let again = server.ask(QUEUE, variables).await;
    assert!(again.error().contains("This key is already being used by another queue in this cluster"));
    let other = "mutation($o: ID!, $c: ID!) { clusterQueueCreate(input: {organizationId: $o, clusterId: $c, key: \"x\",
        retryAgentAffinity: \"prefer-different\"}) { clusterQueue { id } } }";
    let refused = server.ask(other, json!({ "o": organization, "c": of })).await;
    assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), "retryAgentAffinity");
    let update = "mutation($o: ID!, $id: ID!, $d: String) { clusterQueueUpdate(input: {organizationId: $o, id: $id, description: $d}) {
        clusterQueue { description } } }";
    let changed = server.ask(update, json!({ "o": organization, "id": id, "d": "Builds" })).await.ok();
    assert_eq!(changed.at("/data/clusterQueueUpdate/clusterQueue/description"), "Builds");
    let list = "query($slug: ID!, $id: ID!) { organization(slug: $slug) { cluster(id: $id) {
        queues(first: 100) { count edges { node { key description } } } } } }";
    let uuid = listed.text_at("/data/organization/clusters/edges/0/node/uuid");
    let queues = server.ask(list, json!({ "slug": "acme", "id": uuid })).await.ok();
    let wanted = json!({ "count": 1, "edges": [{ "node": { "key": "linux", "description": "Builds" } }] });
    assert_eq!(queues.at("/data/organization/cluster/queues"), wanted);
    let delete = "mutation($o: ID!, $id: ID!) { clusterQueueDelete(input: {organizationId: $o, id: $id}) { deletedClusterQueueId } }";
    let globex = server.world.globex.user_token().to_owned();
    let theirs = server.ask_as(&globex, delete, json!({ "o": organization, "id": id })).await;
    assert_eq!(theirs.error(), "No organization found");
    let gone = server.ask(delete, json!({ "o": organization, "id": id })).await.ok();
    assert_eq!(gone.at("/data/clusterQueueDelete/deletedClusterQueueId"), json!(id));
}

#[tokio::test]
async fn a_token_of_a_cluster_lives_as_terraform_wants_it() {
    let server = Server::new().await;
    let organization = organization(&server).await;
    let listed = cluster(&server, BY_NAME, json!({ "orgSlug": "acme" })).await.ok();
    let of = listed.at("/data/organization/clusters/edges/0/node");
    let create = format!(
        "mutation createClusterAgentToken($organizationId: ID!, $clusterId: ID!, $description: String!, $allowedIpAddresses: String) {{
          clusterAgentTokenCreate(input: {{organizationId: $organizationId, clusterId: $clusterId, description: $description,
          allowedIpAddresses: $allowedIpAddresses}}) {{ clusterAgentToken {{ ...V }} tokenValue }} }} {TOKEN}"
    );
    let variables = json!({ "organizationId": organization, "clusterId": of["id"], "description": "ci", "allowedIpAddresses": "10.0.0.0/8 192.0.2.1" });
    let made = server.ask(&create, variables).await.ok();
    let token = made.at("/data/clusterAgentTokenCreate/clusterAgentToken");
    let wanted = json!({ "allowedIpAddresses": "10.0.0.0/8 192.0.2.1/32", "cluster": { "id": of["id"], "uuid": of["uuid"] },
        "description": "ci", "id": token["id"], "uuid": token["uuid"] });
    assert_eq!(token, wanted);
    let wrong = json!({ "organizationId": organization, "clusterId": of["id"], "description": "ci", "allowedIpAddresses": "here" });
    let refused = server.ask(&create, wrong).await;
    assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), "allowedIpAddresses");

    let update = format!(
        "mutation updateClusterAgentToken($organizationId: ID!, $id: ID!, $description: String!, $allowedIpAddresses: String) {{
          clusterAgentTokenUpdate(input: {{organizationId: $organizationId, id: $id, description: $description,
          allowedIpAddresses: $allowedIpAddresses}}) {{ clusterAgentToken {{ ...V }} }} }} {TOKEN}"
    );
    for (networks, wanted) in [(Value::Null, "10.0.0.0/8 192.0.2.1/32"), (json!(""), "0.0.0.0/0 ::/0")] {
        let variables = json!({ "organizationId": organization, "id": token["id"], "description": "new", "allowedIpAddresses": networks });
        let changed = server.ask(&update, variables).await.ok().at("/data/clusterAgentTokenUpdate/clusterAgentToken");
        assert_eq!((&changed["description"], &changed["allowedIpAddresses"]), (&json!("new"), &json!(wanted)));
    }
    let value = made.text_at("/data/clusterAgentTokenCreate/tokenValue");
    server.world.authenticate(&value).await.expect("agents can register with it");
    let list = format!(
        "query getClusterAgentTokens($orgSlug: ID!, $id: ID!) {{ organization(slug: $orgSlug) {{ cluster(id: $id) {{
          agentTokens(first: 50) {{ count edges {{ node {{ ...V token }} }} }} }} }} }} {TOKEN}"
    );
    let variables = json!({ "orgSlug": "acme", "id": of["uuid"] });
    let tokens = server.ask(&list, variables.clone()).await.ok().at("/data/organization/cluster/agentTokens");
    assert_eq!((&tokens["count"], &tokens["edges"][0]["node"]["id"]), (&json!(1), &token["id"]));
    assert_eq!(tokens["edges"][0]["node"]["token"], json!(value), "its window is open, and an admin asks");

    let revoke = "mutation revokeClusterAgentToken($organizationId: ID!, $id: ID!) {
        clusterAgentTokenRevoke(input: {organizationId: $organizationId, id: $id}) { deletedClusterAgentTokenId } }";
    for _ in 0..2 {
        let gone = server.ask(revoke, json!({ "organizationId": organization, "id": token["id"] })).await.ok();
        assert_eq!(gone.at("/data/clusterAgentTokenRevoke/deletedClusterAgentTokenId"), token["id"]);
    }
    server.world.authenticate(&value).await.expect_err("nobody can register with it any more");
    let tokens = server.ask(&list, variables).await.ok().at("/data/organization/cluster/agentTokens");
    assert_eq!(tokens, json!({ "count": 0, "edges": [] }));
    let (plain, _) = server.token().await;
    for id in [&plain, &"ClusterToken".to_owned()] {
        let other = server.ask(revoke, json!({ "organizationId": organization, "id": id })).await;
        assert_eq!(other.error(), "No cluster agent token found");
    }
}
