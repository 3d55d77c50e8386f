//! Deployments: made, listed with their branch deployments, renamed and deleted.

use serde_json::{Value, json};

use crate::client::Server;

const LIST: &str = "{ organization(slug: \"acme\") { deployments(first: 9) { count edges { node { id uuid name isDefault description expiresAt
    createdAt createdBy { email } parent { name } branchDeployments { count edges { node { name } } } } } } } }";
const CREATE: &str =
    "mutation($input: DeploymentCreateInput!) { deploymentCreate(input: $input) { clientMutationId deployment { id name expiresAt
    parent { name } } } }";
const RENAME: &str =
    "mutation($id: ID!, $name: String!) { deploymentRename(input: {id: $id, name: $name}) { deployment { id name } } }";
const DELETE: &str =
    "mutation($id: ID!, $force: Boolean) { deploymentDelete(input: {id: $id, force: $force}) { deletedDeploymentId
    deletedBranchDeployments buildsCanceled agentsTold agentTokensRevoked } }";

#[tokio::test]
async fn a_deployment_is_made_listed_renamed_and_deleted() {
    let server = Server::new().await;
    let input = json!({ "name": "prod", "description": "What customers see", "clientMutationId": "c" });
    let made = server.ask(CREATE, json!({ "input": input })).await.ok();
    let prod = made.text_at("/data/deploymentCreate/deployment/id");
    assert_eq!(made.text_at("/data/deploymentCreate/clientMutationId"), "c");
    let input = json!({ "name": "pull-1", "parentId": prod, "expiresAt": "2027-01-31T09:00:00Z" });
    let branch = server.ask(CREATE, json!({ "input": input })).await.ok();
    let wanted = json!({ "name": "prod" });
    assert_eq!(branch.at("/data/deploymentCreate/deployment/parent"), wanted);
    assert_eq!(branch.text_at("/data/deploymentCreate/deployment/expiresAt"), "2027-01-31T09:00:00Z");

    let listed = server.ask(LIST, json!({})).await.ok().at("/data/organization/deployments");
    assert_eq!(listed["count"], 3);
    let nodes: Vec<&Value> = listed["edges"].as_array().expect("edges").iter().map(|edge| &edge["node"]).collect();
    assert_eq!(
        nodes.iter().map(|it| it["name"].as_str().expect("a name")).collect::<Vec<_>>(),
        ["default", "prod", "pull-1"]
    );
    assert_eq!((&nodes[0]["isDefault"], &nodes[0]["createdBy"]), (&json!(true), &Value::Null));
    assert_eq!((&nodes[1]["isDefault"], &nodes[1]["createdBy"]["email"]), (&json!(false), &json!("ada@acme.example")));
    let branches = json!({ "count": 1, "edges": [{ "node": { "name": "pull-1" } }] });
    assert_eq!(nodes[1]["branchDeployments"], branches);
    assert_eq!(nodes[2]["parent"]["name"], "prod");

    let taken = server.ask(CREATE, json!({ "input": { "name": "prod" } })).await;
    assert_eq!(taken.error(), "A deployment prod already exists in the organization; choose another name.");
    for (field, input) in
        [("name", json!({ "name": "a/b" })), ("expiresAt", json!({ "name": "a", "expiresAt": "2027-01-31T09:00:00Z" }))]
    {
        let refused = server.ask(CREATE, json!({ "input": input })).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), field);
    }
    let renamed = server.ask(RENAME, json!({ "id": prod, "name": "live" })).await.ok();
    assert_eq!(renamed.at("/data/deploymentRename/deployment"), json!({ "id": prod, "name": "live" }));

    let refused = server.ask(DELETE, json!({ "id": prod })).await;
    assert_eq!(
        refused.error(),
        "The deployment live holds active work: 1 branch deployment. End that first, or delete it by force."
    );
    let globex = server.world.globex.user_token().to_owned();
    for (document, name) in [(RENAME, "deploymentRename"), (DELETE, "deploymentDelete")] {
        let variables = json!({ "id": prod, "name": "x", "force": true });
        let theirs = server.ask_as(&globex, document, variables).await;
        assert_eq!(
            (theirs.error(), theirs.at(&format!("/data/{name}"))),
            ("No deployment found".to_owned(), Value::Null)
        );
    }
    let deleted = server.ask(DELETE, json!({ "id": prod, "force": true })).await.ok();
    let wanted = json!({ "deletedDeploymentId": prod, "deletedBranchDeployments": ["pull-1"], "buildsCanceled": 0, "agentsTold": 0,
        "agentTokensRevoked": 0 });
    assert_eq!(deleted.at("/data/deploymentDelete"), wanted);
    let node = server.ask("query($id: ID!) { node(id: $id) { id } }", json!({ "id": prod })).await.ok();
    assert_eq!(node.at("/data/node"), Value::Null);
    let default = nodes[0]["id"].as_str().expect("an id");
    let stays = server.ask(DELETE, json!({ "id": default, "force": true })).await;
    assert!(stays.error().contains("is the organization's default"), "{}", stays.error());
}
