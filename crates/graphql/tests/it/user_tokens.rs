//! User tokens: one's own, and nobody else's.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Server;

const LIST: &str =
    "{ viewer { userTokens(first: 10) { edges { node { id uuid publicId description state expiresAt revealPolicy } }
    pageInfo { hasNextPage } } } }";

#[tokio::test]
async fn one_makes_sees_changes_and_revokes_ones_own() {
    let server = Server::new().await;
    server.world.clock.advance(Duration::from_millis(5));
    let create = "mutation($input: UserTokenCreateInput!) { userTokenCreate(input: $input) { tokenValue userToken { id description } } }";
    let input = json!({ "description": "laptop", "expiresAt": "2026-02-01T00:00:00Z" });
    let made = server.ask(create, json!({ "input": input })).await.ok();
    let (id, value) =
        (made.text_at("/data/userTokenCreate/userToken/id"), made.text_at("/data/userTokenCreate/tokenValue"));
    let listed = server.ask_as(&value, LIST, json!({})).await.ok().at("/data/viewer/userTokens/edges");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(listed[0]["node"]["id"], id.as_str());
    let node = server
        .ask(
            "query($id: ID!) { node(id: $id) { __typename ... on APIAccessToken { description } } }",
            json!({ "id": id }),
        )
        .await
        .ok();
    assert_eq!(node.at("/data/node"), json!({ "__typename": "APIAccessToken", "description": "laptop" }));

    let update = "mutation($input: UserTokenUpdateInput!) { userTokenUpdate(input: $input) { userToken { description expiresAt } } }";
    let changed = server.ask(update, json!({ "input": { "id": id, "description": null } })).await.ok();
    let wanted = json!({ "description": null, "expiresAt": "2026-02-01T00:00:00Z" });
    assert_eq!(changed.at("/data/userTokenUpdate/userToken"), wanted);

    let revoke = "mutation($id: ID!) { userTokenRevoke(input: {id: $id}) { userToken { state revokedReason } } }";
    let revoked = server.ask_as(&value, revoke, json!({ "id": id })).await.ok();
    assert_eq!(revoked.at("/data/userTokenRevoke/userToken"), json!({ "state": "REVOKED", "revokedReason": null }));
    assert_eq!(server.ask_as(&value, LIST, json!({})).await.status, 401);
    assert_eq!(server.ask(update, json!({ "input": { "id": id, "description": "x" } })).await.kind(), "conflict");
}

#[tokio::test]
async fn another_persons_token_is_not_there() {
    let server = Server::new().await;
    let theirs = &server.world.globex.created.user_token;
    for id in [theirs.public_id.to_string(), theirs.id.to_string()] {
        for name in ["userTokenReveal", "userTokenUpdate", "userTokenRevoke"] {
            let query = format!("mutation($id: ID!) {{ {name}(input: {{id: $id}}) {{ clientMutationId }} }}");
            let answer = server.ask(&query, json!({ "id": id })).await;
            assert_eq!((answer.error(), answer.at("/data")), ("No user token found".to_owned(), json!({ name: null })));
        }
    }
    // An agent token is no user token, and the other way round.
    let own = server.world.acme.created.agent_token.public_id.to_string();
    let query = "mutation($id: ID!) { userTokenRevoke(input: {id: $id}) { clientMutationId } }";
    assert_eq!(server.ask(query, json!({ "id": own })).await.error(), "No user token found");
    let own = server.world.acme.created.user_token.public_id.to_string();
    let query = "mutation($id: ID!) { agentTokenReveal(input: {id: $id}) { tokenValue } }";
    assert_eq!(server.ask(query, json!({ "id": own })).await.error(), "No agent token found");
    let still: Value = server.ask(LIST, json!({})).await.ok().at("/data/viewer/userTokens/edges/0/node/state");
    assert_eq!(still, "ACTIVE");
}
