//! Agent tokens and user tokens over Dagster+'s own API.

use std::time::Duration;

use countersign_control::PageRequest;
use countersign_control::access::actions::{ViewAgentTokens, ViewAudit};
use countersign_control::agent_tokens::Liveness;
use countersign_control::audit::Period;
use serde_json::{Value, json};

use crate::server::{AGENTS, Server};

pub const CREATE: &str = "mutation CreateAgentTokenMutation($description: String) { createAgentToken(description: $description) { __typename \
     ... on DagsterCloudAgentToken { id token description revoked createTimestamp createdBy { email } permissions { \
     organizationPermissionGrant { grant deploymentScope } } } ... on UnauthorizedError { message } ... on PythonError { message stack } } }";
const LIST: &str = "query AgentTokensQuery { agentTokensOrError { __typename ... on DagsterCloudAgentTokens { tokens { id description token \
     revoked } } ... on UnauthorizedError { message } ... on PythonError { message stack } } }";
const GET: &str = "query($id: Int!) { agentTokenOrError(tokenId: $id) { __typename ... on DagsterCloudAgentToken { id token description revoked \
     revokeTimestamp revokedBy { email } } ... on PythonError { message } ... on UnauthorizedError { message } } }";
const REVOKE: &str = "mutation($id: Int!) { revokeAgentToken(tokenId: $id) { __typename ... on DagsterCloudAgentToken { id revoked } \
     ... on DagsterCloudTokenNotFoundError { message } ... on UnauthorizedError { message } ... on PythonError { message } } }";
const EDIT: &str = "mutation($id: Int!, $text: String) { editAgentTokenDescription(tokenId: $id, description: $text) { __typename \
     ... on DagsterCloudAgentToken { description } ... on DagsterCloudTokenNotFoundError { message } ... on PythonError { message } } }";
const CREATE_OWN: &str = "mutation($text: String, $user: Int) { createUserToken(description: $text, userId: $user) { __typename \
     ... on DagsterCloudUserToken { id token description user { userId email } } ... on UnauthorizedError { message } } }";
const LIST_OWN: &str = "query($user: Int) { userTokensOrError(userId: $user) { __typename ... on DagsterCloudUserTokens { tokens { id token \
     revoked description } } ... on UnauthorizedError { message } } }";
const REVOKE_OWN: &str = "mutation($id: Int!, $user: Int!) { revokeUserToken(tokenId: $id, userId: $user) { __typename \
     ... on DagsterCloudUserToken { revoked } ... on DagsterCloudTokenNotFoundError { message } ... on UnauthorizedError { message } } }";
const EDIT_OWN: &str = "mutation($id: Int!, $user: Int!) { editUserTokenDescription(tokenId: $id, userId: $user, description: \"laptop\") { \
     __typename ... on DagsterCloudUserToken { description } ... on DagsterCloudTokenNotFoundError { message } } }";

/// The name of what was answered in the place of the only field.
pub fn kind(data: &Value) -> &str {
    let fields = data.as_object().expect("fields");
    fields.values().next().and_then(|value| value["__typename"].as_str()).expect("a name of a type")
}

async fn audited(server: &Server, action: &str) -> usize {
    let page = server
        .world
        .control
        .audit_events(&server.world.admin::<ViewAudit>(), Period::default(), PageRequest::first(500))
        .await;
    page.expect("a read").items.iter().filter(|it| it.action == action).count()
}

#[tokio::test]
async fn an_agent_token_is_made_shown_described_and_taken_back() {
    let server = Server::new().await;
    // Later than the first one, so that it is listed before it.
    server.world.clock.advance(Duration::from_millis(1));
    let made = server.person(CREATE, json!({ "description": "from dg" })).await;
    let made = &made["createAgentToken"];
    assert_eq!((&made["description"], &made["revoked"]), (&json!("from dg"), &json!(false)));
    assert_eq!(made["createdBy"]["email"], server.world.acme.created.admin.email);
    assert_eq!(made["permissions"]["organizationPermissionGrant"]["grant"], "AGENT");
    let (id, value) = (made["id"].clone(), made["token"].as_str().expect("a value").to_owned());
    server.ask_as(&value, AGENTS, json!({})).await.data();
    assert_eq!(audited(&server, "agent_token.revealed").await, 0, "it was shown because it was made");

    let shown = server.person(GET, json!({ "id": id })).await;
    assert_eq!(shown["agentTokenOrError"]["token"], value, "its window is open");
    assert_eq!(audited(&server, "agent_token.revealed").await, 1);
    let listed = server.person(LIST, json!({})).await;
    let tokens = listed["agentTokensOrError"]["tokens"].as_array().expect("tokens").clone();
    assert_eq!((tokens.len(), &tokens[0]["id"]), (2, &id), "the newest first");
    server.world.clock.advance(Duration::from_secs(600));
    let revealed = audited(&server, "agent_token.revealed").await;
    let listed = server.person(LIST, json!({})).await;
    let masked = listed["agentTokensOrError"]["tokens"][0]["token"].as_str().expect("a text");
    assert!(masked.ends_with("_********") && value.contains(masked.trim_end_matches("_********")), "{masked}");
    assert_eq!(audited(&server, "agent_token.revealed").await, revealed, "what is not shown is not written down");

    let edited = server.person(EDIT, json!({ "id": id, "text": "CI" })).await;
    assert_eq!(edited["editAgentTokenDescription"]["description"], "CI");
    let edited = server.person(EDIT, json!({ "id": id, "text": null })).await;
    assert_eq!(edited["editAgentTokenDescription"]["description"], Value::Null);
    let edited = server.person(EDIT, json!({ "id": id, "text": "a\nb" })).await;
    assert_eq!(kind(&edited), "PythonError");

    let revoked = server.person(REVOKE, json!({ "id": id })).await;
    assert_eq!(revoked["revokeAgentToken"]["revoked"], true);
    let (status, reason, _) = server.ask_as(&value, AGENTS, json!({})).await.refused();
    assert_eq!((status, reason.as_str()), (401, "revoked"));
    let shown = server.person(GET, json!({ "id": id })).await;
    let shown = &shown["agentTokenOrError"];
    assert_eq!(shown["revokedBy"]["email"], server.world.acme.created.admin.email);
    assert!(shown["revokeTimestamp"].as_f64().is_some_and(|at| at > 0.0), "{shown}");
    let grant = server.world.admin::<ViewAgentTokens>();
    let page = server.world.control.agent_tokens(&grant, Liveness::Revoked, PageRequest::first(9)).await;
    let row = page.expect("a read").items.remove(0).token;
    assert!(row.revoked_reason.is_some_and(|reason| reason.contains("Dagster+ API")), "the log says where from");
    assert_eq!(kind(&server.person(EDIT, json!({ "id": id, "text": "x" })).await), "PythonError", "it stays as it is");
    for missing in [0, -1, i32::MAX] {
        assert_eq!(kind(&server.person(REVOKE, json!({ "id": missing })).await), "DagsterCloudTokenNotFoundError");
        assert_eq!(kind(&server.person(EDIT, json!({ "id": missing })).await), "DagsterCloudTokenNotFoundError");
        assert_eq!(kind(&server.person(GET, json!({ "id": missing })).await), "PythonError");
    }
}

#[tokio::test]
async fn a_member_who_is_no_admin_and_another_organization_touch_nothing() {
    let server = Server::new().await;
    let made = server.person(CREATE, json!({})).await;
    let id = &made["createAgentToken"]["id"];
    let member = server.world.member().await;
    let agent = server.world.acme.agent_token().to_owned();
    for token in [&member, &agent] {
        for (query, variables) in
            [(CREATE, json!({})), (LIST, json!({})), (GET, json!({ "id": id })), (REVOKE, json!({ "id": id }))]
        {
            let data = server.person_as(token, query, variables).await.data();
            assert_eq!(kind(&data), "UnauthorizedError", "{data}");
        }
    }
    let foreign = server.world.globex.user_token().to_owned();
    let told = server.person_as(&foreign, REVOKE, json!({ "id": id })).await.data();
    assert_eq!(kind(&told), "DagsterCloudTokenNotFoundError", "{told}");
    assert_eq!(kind(&server.person_as(&foreign, GET, json!({ "id": id })).await.data()), "PythonError");
    // A number of something else is no token's.
    let default = "{ fullDeployments { deploymentId } }";
    let default = &server.person(default, json!({})).await["fullDeployments"][0]["deploymentId"];
    assert_eq!(kind(&server.person(REVOKE, json!({ "id": default })).await), "DagsterCloudTokenNotFoundError");
    let value = made["createAgentToken"]["token"].as_str().expect("a value");
    server.ask_as(value, AGENTS, json!({})).await.data();
}

#[tokio::test]
async fn user_tokens_are_everyones_own() {
    let server = Server::new().await;
    let made = server.person(CREATE_OWN, json!({ "text": "CI" })).await;
    let made = &made["createUserToken"];
    let (id, value, user) = (&made["id"], made["token"].as_str().expect("a value"), &made["user"]["userId"]);
    assert_eq!(made["user"]["email"], server.world.acme.created.admin.email);
    let listed = server.person_as(value, LIST_OWN, json!({ "user": user })).await.data();
    assert_eq!(listed["userTokensOrError"]["tokens"][0]["token"], value);
    assert_eq!(audited(&server, "user_token.revealed").await, 2, "its own, and the first one");
    let edited = server.person(EDIT_OWN, json!({ "id": id, "user": user })).await;
    assert_eq!(edited["editUserTokenDescription"]["description"], "laptop");

    let member = server.world.member().await;
    for (query, variables) in [
        (LIST_OWN, json!({ "user": user })),
        (CREATE_OWN, json!({ "user": user })),
        (REVOKE_OWN, json!({ "id": id, "user": user })),
    ] {
        let data = server.person_as(&member, query, variables).await.data();
        assert_eq!(kind(&data), "UnauthorizedError", "another person's: {data}");
    }
    let own = server.person_as(&member, CREATE_OWN, json!({})).await.data();
    let (hers, own) = (&own["createUserToken"]["id"], &own["createUserToken"]["user"]["userId"]);
    let told = server.person_as(&member, REVOKE_OWN, json!({ "id": id, "user": own })).await.data();
    assert_eq!(kind(&told), "DagsterCloudTokenNotFoundError", "not hers: {told}");
    let revoked = server.person(REVOKE_OWN, json!({ "id": id, "user": user })).await;
    assert_eq!(revoked["revokeUserToken"]["revoked"], true);
    let (status, reason, _) = server.person_as(value, LIST_OWN, json!({})).await.refused();
    assert_eq!((status, reason.as_str()), (401, "revoked"));

    // An Organization Admin sees hers and takes them back: no values, nothing in her name, no word changed.
    let seen = server.person(LIST_OWN, json!({ "user": own })).await;
    let seen = &seen["userTokensOrError"]["tokens"];
    assert_eq!(seen[0]["id"], *hers, "{seen}");
    assert!(
        seen.as_array().expect("tokens").iter().all(|it| it["token"].as_str().expect("a text").contains('*')),
        "{seen}"
    );
    for (query, variables) in [(CREATE_OWN, json!({ "user": own })), (EDIT_OWN, json!({ "id": hers, "user": own }))] {
        assert_eq!(kind(&server.person(query, variables).await), "UnauthorizedError");
    }
    let revoked = server.person(REVOKE_OWN, json!({ "id": hers, "user": own })).await;
    assert_eq!(revoked["revokeUserToken"]["revoked"], true);
    let nobody = server.person(REVOKE_OWN, json!({ "id": hers, "user": 1_000_000 })).await;
    assert_eq!(kind(&nobody), "DagsterCloudTokenNotFoundError", "{nobody}");
}
