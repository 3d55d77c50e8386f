//! Changing, rotating and revoking agent tokens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Server;

const SHOW: &str =
    "query($id: ID!) { node(id: $id) { ... on AgentToken { description public expiresAt state revealPolicy
    createdBy { email } lastUsedIp agents { count edges { node { name } } }
    scope { everyDeployment deployments { name } allBranchDeployments anyQueue queues networks }
    secrets { generation validUntil lastUsedIp } } } }";

/// Alone: asking for refusals writes what has gathered in memory, and what is being written is seen in neither place for a moment.
const REFUSALS: &str =
    "query($id: ID!) { node(id: $id) { ... on AgentToken { refusals { reason ip count publicId } } } }";

async fn show(server: &Server, id: &str) -> Value {
    server.ask(SHOW, json!({ "id": id })).await.ok().at("/data/node")
}

const UPDATE: &str =
    "mutation($input: AgentTokenUpdateInput!) { agentTokenUpdate(input: $input) { agentsTouched clientMutationId
    touchedAgents { name connectionState } agentToken { id } } }";

#[tokio::test]
async fn absent_null_and_a_value_differ() {
    let server = Server::new().await;
    let (id, _) = server.token().await;
    let update = async |input: Value| server.ask(UPDATE, json!({ "input": input })).await;
    let changed = json!({ "id": id, "description": "nightly", "expiresAt": "2027-01-02T03:04:05Z", "public": true,
        "clientMutationId": "m1" });
    assert_eq!(update(changed).await.ok().at("/data/agentTokenUpdate/clientMutationId"), "m1");
    let token = show(&server, &id).await;
    assert_eq!((&token["description"], &token["expiresAt"]), (&json!("nightly"), &json!("2027-01-02T03:04:05Z")));
    assert_eq!(token["public"], true);

    update(json!({ "id": id })).await.ok();
    assert_eq!(show(&server, &id).await, token, "what is left out stays");
    update(json!({ "id": id, "description": null, "expiresAt": null })).await.ok();
    let token = show(&server, &id).await;
    assert_eq!((&token["description"], &token["expiresAt"]), (&Value::Null, &Value::Null));
    let empty = update(json!({ "id": id, "description": "" })).await;
    assert_eq!(
        (empty.kind(), empty.text_at("/errors/0/extensions/fields/0/field")),
        ("invalid".to_owned(), "description".to_owned())
    );
    let scope = update(json!({ "id": id, "scope": null })).await;
    assert_eq!(scope.text_at("/errors/0/extensions/fields/0/field"), "scope");
}

#[tokio::test]
async fn a_scope_is_given_shown_and_narrowed() {
    let server = Server::new().await;
    let organization = server
        .ask(
            "{ organization(slug: \"acme\") { id deployments { edges { node { id uuid name parent { name } } } } } }",
            json!({}),
        )
        .await
        .ok();
    let deployment = organization.text_at("/data/organization/deployments/edges/0/node/id");
    let create =
        "mutation($o: ID!, $s: AgentTokenScopeInput) { agentTokenCreate(input: {organizationID: $o, scope: $s}) {
        tokenValue agentTokenEdge { node { id } } } }";
    let scope = json!({ "deployments": [deployment], "queues": ["deploy", "default"], "networks": ["127.0.0.1", "10.0.0.0/8"] });
    let variables = json!({ "o": organization.at("/data/organization/id"), "s": scope });
    let made = server.ask(create, variables).await.ok();
    let (id, value) = (
        made.text_at("/data/agentTokenCreate/agentTokenEdge/node/id"),
        made.text_at("/data/agentTokenCreate/tokenValue"),
    );
    let wanted = json!({ "everyDeployment": false, "deployments": [{ "name": "default" }], "allBranchDeployments": false,
        "anyQueue": false, "queues": ["default", "deploy"], "networks": ["10.0.0.0/8", "127.0.0.1/32"] });
    assert_eq!(show(&server, &id).await["scope"], wanted);
    server.agent(&value, "builder").await;
    let narrowed = json!({ "input": { "id": id, "scope": { "queues": ["deploy"] }, "connectedAgents": "DISCONNECT" } });
    let changed = server.ask(UPDATE, narrowed).await.ok();
    assert_eq!(changed.at("/data/agentTokenUpdate/agentsTouched"), 1);
    assert_eq!(
        changed.at("/data/agentTokenUpdate/touchedAgents"),
        json!([{ "name": "builder", "connectionState": "stopped" }])
    );

    let wrong = [
        (json!({ "networks": ["10.0.0.0/8", "10.0.0.0/99"] }), "scope.networks[1]"),
        (json!({ "queues": ["two words"] }), "scope.queues[0]"),
        (json!({ "queues": [] }), "scope"),
        (json!({ "deployments": ["prod"] }), "scope.deployments"),
        (json!({ "deployments": ["0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77"] }), "scope"),
    ];
    for (scope, field) in wrong {
        let refused = server.ask(UPDATE, json!({ "input": { "id": id, "scope": scope } })).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), field, "{scope}");
    }
}

#[tokio::test]
async fn a_rotation_overlaps_and_shows_who_still_uses_the_old_value() {
    let server = Server::new().await;
    let (id, old) = server.token().await;
    server.world.authenticate(&old).await.expect("it is accepted");
    let rotate = "mutation($id: ID!, $until: DateTime) { agentTokenRotate(input: {id: $id, oldValidUntil: $until}) {
        tokenValue oldValidUntil agentToken { id description } } }";
    let until = "2026-01-02T04:00:00Z";
    let rotated = server.ask(rotate, json!({ "id": id, "until": until })).await.ok();
    let new = rotated.text_at("/data/agentTokenRotate/tokenValue");
    assert_eq!(rotated.at("/data/agentTokenRotate/agentToken"), json!({ "id": id, "description": "ci" }));
    assert_eq!(rotated.at("/data/agentTokenRotate/oldValidUntil"), until);
    server.world.authenticate(&new).await.expect("the new value is accepted");
    server.world.authenticate(&old).await.expect("the old value is accepted for a while");
    let secrets = show(&server, &id).await["secrets"].clone();
    let wanted = json!([{ "generation": 2, "validUntil": null, "lastUsedIp": "127.0.0.1" },
        { "generation": 1, "validUntil": until, "lastUsedIp": "127.0.0.1" }]);
    assert_eq!(secrets, wanted);

    server.world.clock.set(until.parse().expect("a time"));
    server.world.authenticate(&old).await.expect_err("its time is over");
    let refusals = server.ask(REFUSALS, json!({ "id": id })).await.ok().at("/data/node/refusals");
    assert_eq!((&refusals[0]["reason"], &refusals[0]["count"]), (&json!("rotated"), &json!(1)));
    server.world.authenticate(&new).await.expect("the new value is accepted");
}

#[tokio::test]
async fn the_reach_of_a_revoke_is_chosen() {
    let server = Server::new().await;
    let revoke = "mutation($input: AgentTokenRevokeInput!) { agentTokenRevoke(input: $input) { agentsTouched
        touchedAgents(first: 5) { name connectionState stopNote } agentToken { state revokedReason revokedBy { email } agents { count } } } }";
    for (reach, touched, state, left) in [
        (Value::Null, 0, "connected", 1),
        (json!("KEEP"), 0, "connected", 1),
        (json!("DRAIN"), 1, "stopping", 1),
        (json!("DISCONNECT"), 1, "stopped", 0),
    ] {
        let (id, value) = server.token().await;
        let agent = server.agent(&value, "builder").await;
        let input = json!({ "id": id, "reason": "rotated", "connectedAgents": reach });
        let revoked = server.ask(revoke, json!({ "input": input })).await.ok();
        assert_eq!(revoked.at("/data/agentTokenRevoke/agentsTouched"), touched, "{reach}");
        let token = revoked.at("/data/agentTokenRevoke/agentToken");
        assert_eq!((&token["state"], &token["revokedBy"]["email"]), (&json!("REVOKED"), &json!("ada@acme.example")));
        assert_eq!(token["agents"]["count"], left, "{reach}");
        let query = "query($slug: ID!) { agent(slug: $slug) { connectionState } }";
        let agent = server.ask(query, json!({ "slug": format!("acme/{agent}") })).await.ok();
        assert_eq!(agent.at("/data/agent/connectionState"), state, "{reach}");
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_filters() {
    let server = Server::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        server.world.clock.advance(Duration::from_millis(5));
        ids.insert(0, server.token().await.0);
    }
    let revoke = "mutation($id: ID!) { agentTokenRevoke(input: {id: $id, reason: \"r\"}) { agentToken { state } } }";
    server.ask(revoke, json!({ "id": ids[0] })).await.ok();
    let list = "query($first: Int, $last: Int, $revoked: Boolean) { organization(slug: \"acme\") {
        agentTokens(first: $first, last: $last, revoked: $revoked) { count edges { node { id } } pageInfo { hasNextPage hasPreviousPage } } } }";
    let listed = async |variables: Value| {
        let answer = server.ask(list, variables).await.ok();
        let found = answer.at("/data/organization/agentTokens");
        let ids: Vec<_> =
            found["edges"].as_array().expect("edges").iter().map(|edge| edge["node"]["id"].clone()).collect();
        (found["count"].clone(), ids, found["pageInfo"].clone())
    };
    let default = listed(json!({ "last": 1 })).await.1.remove(0);
    assert_eq!(
        listed(json!({ "first": 2 })).await,
        (json!(4), vec![json!(ids[0]), json!(ids[1])], json!({ "hasNextPage": true, "hasPreviousPage": false }))
    );
    assert_eq!(
        listed(json!({ "last": 2 })).await,
        (json!(4), vec![json!(ids[2]), default.clone()], json!({ "hasNextPage": false, "hasPreviousPage": true }))
    );
    assert_eq!(listed(json!({ "revoked": true })).await.1, [json!(ids[0])]);
    assert_eq!(listed(json!({ "revoked": false })).await.1, [json!(ids[1]), json!(ids[2]), default]);
    assert_eq!(listed(json!({ "first": 0 })).await.1, Vec::<Value>::new());
    for wrong in [json!({ "first": -1 }), json!({ "first": 1, "last": 1 })] {
        assert_eq!(server.ask(list, wrong).await.kind(), "invalid");
    }
}
