//! Teams and roles in deployments, from a team to the agent token that its members make by it.

use serde_json::{Value, json};

use crate::client::Server;

const GIVE: &str = "mutation($input: DeploymentRoleGiveInput!) { deploymentRoleGive(input: $input) {
    deploymentRoleGrant { role managesAgentTokens allBranchDeployments deployment { name } team { name } member { user { name } } } } }";
const TAKE: &str = "mutation($input: DeploymentRoleTakeInput!) { deploymentRoleTake(input: $input) {
    deploymentRoleGrant { role } } }";
const CREATE: &str = "mutation($input: TeamCreateInput!) { teamCreate(input: $input) { team { id uuid name slug privacy isDefaultTeam } } }";
const ADD: &str = "mutation($input: TeamMemberAddInput!) { teamMemberAdd(input: $input) {
    team { name } organizationMember { user { email } } } }";
const REMOVE: &str = "mutation($input: TeamMemberRemoveInput!) { teamMemberRemove(input: $input) { team { name } } }";
const TOKEN: &str = "mutation($input: AgentTokenCreateInput!) { agentTokenCreate(input: $input) { tokenValue } }";
const OWN: &str = "{ viewer { organizations(first: 1) { edges { node { id membersRole deployments(first: 1) { edges { node { uuid } } } } } } } }";
const NODE: &str = "/data/viewer/organizations/edges/0/node";

/// Bob, who has joined as a plain member: his token's value.
async fn bob(server: &Server) -> String {
    let invite = "mutation { organizationInvitationCreate(input: {email: \"bob@acme.example\"}) { invitationValue } }";
    let value = server.ask(invite, json!({})).await.ok().text_at("/data/organizationInvitationCreate/invitationValue");
    let accept = "mutation { organizationInvitationAccept(input: {name: \"Bob\"}) { userTokenValue } }";
    let joined = server.ask_as(&value, accept, json!({})).await.ok();
    joined.text_at("/data/organizationInvitationAccept/userTokenValue")
}

async fn own(server: &Server) -> (Value, Value) {
    let own = server.ask(OWN, json!({})).await.ok().at(NODE);
    assert_eq!(own["membersRole"], "LAUNCHER");
    (own["id"].clone(), own["deployments"]["edges"][0]["node"]["uuid"].clone())
}

#[tokio::test]
async fn a_team_is_given_a_role_that_its_members_use() {
    let server = Server::new().await;
    let bob = bob(&server).await;
    let (organization, deployment) = own(&server).await;
    let new = json!({ "organizationID": organization, "name": "Platform Team" });
    let made = server.ask(CREATE, json!({ "input": new })).await.ok().at("/data/teamCreate/team");
    assert_eq!(
        (&made["name"], &made["slug"], &made["privacy"], &made["isDefaultTeam"]),
        (&json!("Platform Team"), &json!("platform-team"), &json!("VISIBLE"), &json!(false))
    );
    assert_eq!(server.ask(CREATE, json!({ "input": new })).await.kind(), "conflict");
    let team = made["id"].clone();
    let input = json!({ "teamId": team, "memberId": "bob@acme.example" });
    server.ask(ADD, json!({ "input": input })).await.ok();
    assert_eq!(server.ask_as(&bob, ADD, json!({ "input": input })).await.kind(), "forbidden");

    let scope = json!({ "deployments": [deployment] });
    let token = json!({ "input": { "organizationID": organization, "description": "d", "scope": scope } });
    assert_eq!(server.ask_as(&bob, TOKEN, token.clone()).await.kind(), "forbidden");
    let give = json!({ "teamId": team, "deploymentId": deployment, "role": "ADMIN", "manageAgentTokens": true });
    let given =
        server.ask(GIVE, json!({ "input": give })).await.ok().at("/data/deploymentRoleGive/deploymentRoleGrant");
    let wanted = json!({
        "role": "ADMIN", "managesAgentTokens": true, "allBranchDeployments": false,
        "deployment": { "name": "default" }, "team": { "name": "Platform Team" }, "member": null,
    });
    assert_eq!(given, wanted);
    server.ask_as(&bob, TOKEN, token.clone()).await.ok();
    let everything = json!({ "input": { "organizationID": organization, "description": "d" } });
    assert_eq!(server.ask_as(&bob, TOKEN, everything).await.kind(), "forbidden");
    let list = "{ viewer { organizations(first: 1) { edges { node { agentTokens(first: 9) { count edges { node { description } } } } } } } }";
    let seen = server.ask_as(&bob, list, json!({})).await.ok().at(&format!("{NODE}/agentTokens"));
    assert_eq!(seen, json!({ "count": 1, "edges": [{ "node": { "description": "d" } }] }));

    let show = "query($id: ID!, $at: ID!) { viewer { organizations(first: 1) { edges { node {
        team(id: \"Platform Team\") { organizationMembers(first: 9) { count } deploymentRoles(first: 9) { count } }
        member(id: $id) { roleIn(deploymentId: $at) deploymentRoles(first: 9) { count } teams(first: 9) { edges { node { name } } } }
        deployments(first: 1) { edges { node { roles(first: 9) { count } } } } } } } } }";
    let shown = server.ask_as(&bob, show, json!({ "id": "bob@acme.example", "at": deployment })).await.ok().at(NODE);
    let wanted = json!({
        "team": { "organizationMembers": { "count": 1 }, "deploymentRoles": { "count": 1 } },
        "member": {
            "roleIn": "ADMIN", "deploymentRoles": { "count": 0 },
            "teams": { "edges": [{ "node": { "name": "Platform Team" } }] },
        },
        "deployments": { "edges": [{ "node": { "roles": { "count": 1 } } }] },
    });
    assert_eq!(shown, wanted);

    server.ask(REMOVE, json!({ "input": { "teamId": team, "memberId": "bob@acme.example" } })).await.ok();
    assert_eq!(server.ask_as(&bob, TOKEN, token).await.kind(), "forbidden");
    let delete = "mutation($id: ID!) { teamDelete(input: {id: $id}) { deletedTeamID name members deploymentRoles } }";
    let gone = server.ask(delete, json!({ "id": team })).await.ok().at("/data/teamDelete");
    let wanted = json!({ "deletedTeamID": team, "name": "Platform Team", "members": 0, "deploymentRoles": 1 });
    assert_eq!(gone, wanted);
}

#[tokio::test]
async fn where_and_who_must_be_said_once() {
    let server = Server::new().await;
    bob(&server).await;
    let (_, deployment) = own(&server).await;
    for (input, field) in [
        (json!({ "role": "EDITOR", "deploymentId": deployment }), "memberId"),
        (
            json!({ "role": "EDITOR", "deploymentId": deployment, "memberId": "bob@acme.example", "teamId": "t" }),
            "teamId",
        ),
        (json!({ "role": "EDITOR", "memberId": "bob@acme.example" }), "deploymentId"),
        (
            json!({ "role": "EDITOR", "memberId": "bob@acme.example", "deploymentId": deployment, "allBranchDeployments": true }),
            "allBranchDeployments",
        ),
        (
            json!({ "role": "EDITOR", "memberId": "bob@acme.example", "deploymentId": deployment, "manageAgentTokens": true }),
            "manageAgentTokens",
        ),
    ] {
        let refused = server.ask(GIVE, json!({ "input": input })).await;
        assert_eq!(refused.kind(), "invalid", "{field}");
        assert!(refused.error().starts_with(field), "{field}: {}", refused.error());
    }
    let none = json!({ "input": { "memberId": "bob@acme.example", "allBranchDeployments": true } });
    assert_eq!(server.ask(TAKE, none).await.kind(), "not_found");
}
