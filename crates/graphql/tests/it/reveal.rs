//! Seeing a value again: in its window, by policy, and never by listing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Server;

const REVEAL: &str = "mutation($id: ID!) { agentTokenReveal(input: {id: $id}) { tokenValue publicId } }";
const TOKEN: &str = "query($id: ID!) { node(id: $id) { ... on AgentToken { token } } }";

async fn token_field(server: &Server, id: &str) -> Value {
    server.ask(TOKEN, json!({ "id": id })).await.ok().at("/data/node/token")
}

#[tokio::test]
async fn at_nine_minutes_fifty_nine_and_not_at_ten() {
    let server = Server::new().await;
    let (id, value) = server.token().await;
    server.world.clock.advance(Duration::from_secs(9 * 60 + 59));
    assert_eq!(token_field(&server, &id).await, json!(value));
    let revealed = server.ask(REVEAL, json!({ "id": id })).await.ok();
    assert_eq!(revealed.at("/data/agentTokenReveal/tokenValue"), json!(value));

    server.world.clock.advance(Duration::from_secs(1));
    assert_eq!(token_field(&server, &id).await, json!(""));
    let refused = server.ask(REVEAL, json!({ "id": id })).await;
    assert_eq!((refused.kind(), refused.at("/data")), ("conflict".to_owned(), json!({ "agentTokenReveal": null })));
    assert!(refused.error().contains("10 minutes"), "{}", refused.text);
    assert!(!refused.text.contains(&value));
}

#[tokio::test]
async fn each_look_is_in_the_audit_log() {
    let server = Server::new().await;
    server.world.clock.advance(Duration::from_millis(5));
    let (id, _) = server.token().await;
    server.world.clock.advance(Duration::from_millis(5));
    token_field(&server, &id).await;
    server.ask(REVEAL, json!({ "id": id })).await.ok();
    let query = "{ organization(slug: \"acme\") { auditLog(first: 3) { edges { node { action actorName ip } } pageInfo { hasNextPage } }
        auditChain { sealed unsealed holds problem } } }";
    let log = server.ask(query, json!({})).await.ok();
    let actions: Vec<_> =
        (0..3).map(|at| log.text_at(&format!("/data/organization/auditLog/edges/{at}/node/action"))).collect();
    assert_eq!(actions, ["agent_token.revealed", "agent_token.revealed", "agent_token.created"]);
    assert_eq!(log.at("/data/organization/auditLog/edges/0/node/ip"), "127.0.0.1");
    assert_eq!(log.at("/data/organization/auditLog/pageInfo/hasNextPage"), true);
    assert_eq!(log.at("/data/organization/auditChain/holds"), true);
    // The same of a time: what happened at its end is not of it.
    let now = server.world.control.now().to_string();
    let query = "query($from: DateTime, $until: DateTime) { organization(slug: \"acme\") { auditLog(first: 9, from: $from, until: $until) {
        edges { node { action } } } } }";
    let edges = "/data/organization/auditLog/edges";
    let log = server.ask(query, json!({ "from": now })).await.ok();
    assert_eq!(log.at(edges).as_array().map(Vec::len), Some(2));
    let log = server.ask(query, json!({ "until": now })).await.ok();
    assert_eq!(log.text_at(&format!("{edges}/0/node/action")), "agent_token.created");
    let refused = server.ask(query, json!({ "from": now, "until": now })).await;
    assert!(refused.error().contains("until is not after the beginning"), "{}", refused.text);
}

#[tokio::test]
async fn policies_keep_a_value_or_never_do() {
    let server = Server::new().await;
    let organization = server.acme().await;
    let create =
        "mutation($o: ID!, $p: RevealPolicy) { agentTokenCreate(input: {organizationID: $o, revealPolicy: $p}) {
        tokenValue agentTokenEdge { node { id revealPolicy revealUntil } } } }";
    let mut made = Vec::new();
    for policy in ["ALWAYS", "NEVER"] {
        let answer = server.ask(create, json!({ "o": organization, "p": policy })).await.ok();
        let node = answer.at("/data/agentTokenCreate/agentTokenEdge/node");
        assert_eq!(node["revealPolicy"], policy);
        made.push((
            node["id"].as_str().expect("an id").to_owned(),
            answer.text_at("/data/agentTokenCreate/tokenValue"),
        ));
    }
    server.world.clock.advance(Duration::from_secs(3600));
    assert_eq!(token_field(&server, &made[0].0).await, json!(made[0].1));
    assert_eq!(token_field(&server, &made[1].0).await, json!(""));
    // A tighter policy destroys the value, and a wider one never brings it back.
    let update = "mutation($id: ID!, $p: RevealPolicy!) { agentTokenUpdate(input: {id: $id, revealPolicy: $p}) { agentToken { token revealPolicy } } }";
    for policy in ["NEVER", "ALWAYS"] {
        let changed = server.ask(update, json!({ "id": made[0].0, "p": policy })).await.ok();
        assert_eq!(changed.at("/data/agentTokenUpdate/agentToken"), json!({ "token": "", "revealPolicy": policy }));
    }
}

#[tokio::test]
async fn a_user_token_is_revealed_in_its_window_too() {
    let server = Server::new().await;
    let id = server.world.acme.created.user_token.public_id.to_string();
    let query = "mutation($id: ID!) { userTokenReveal(input: {id: $id}) { tokenValue } }";
    server.world.clock.advance(Duration::from_secs(9 * 60 + 59));
    let revealed = server.ask(query, json!({ "id": id })).await.ok();
    assert_eq!(revealed.text_at("/data/userTokenReveal/tokenValue"), server.world.acme.user_token());
    server.world.clock.advance(Duration::from_secs(1));
    assert_eq!(server.ask(query, json!({ "id": id })).await.kind(), "conflict");
}
