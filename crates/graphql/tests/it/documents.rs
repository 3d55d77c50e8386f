//! The documents of Buildkite's documentation, sent as printed.

use std::time::Duration;

use serde_json::json;

use crate::client::{Answer, Server};

/// Sent with nothing but the query, the placeholder replaced.
async fn send(server: &Server, document: &str, placeholder: &str, by: &str) -> Answer {
    let query = document.replace(placeholder, by);
    server.post(server.world.acme.user_token(), json!({ "query": query }).to_string()).await.ok()
}

const CREATE: &str = r#"mutation {
  agentTokenCreate(input: {
    organizationID: "organization-id",
    description: "A description"
  }) {
    tokenValue
    agentTokenEdge {
      node {
        id
      }
    }
  }
}"#;

const ORGANIZATION: &str = r#"query GetOrgID {
  organization(slug: "organization-slug") {
    id
  }
}"#;

const LIST: &str = r#"query GetAgentTokenID {
  organization(slug: "organization-slug") {
    agentTokens(first:50) {
      edges {
        node {
          id
          uuid
          description
        }
      }
    }
  }
}"#;

const REVOKE: &str = r#"mutation {
  agentTokenRevoke(input: {
    id: "token-id",
    reason: "A reason"
  }) {
    agentToken {
      description
      revokedAt
      revokedReason
    }
  }
}"#;

#[tokio::test]
async fn the_four_documents_answer_as_printed() {
    let server = Server::new().await;
    server.world.clock.advance(Duration::from_millis(5));
    let organization = send(&server, ORGANIZATION, "organization-slug", "acme").await;
    let id = organization.text_at("/data/organization/id");
    insta::assert_snapshot!(organization.text.replace(&id, "ID"), @r#"{"data":{"organization":{"id":"ID"}}}"#);

    let created = send(&server, CREATE, "organization-id", &id).await;
    let token = created.text_at("/data/agentTokenCreate/agentTokenEdge/node/id");
    let value = created.text_at("/data/agentTokenCreate/tokenValue");
    let shown = created.text.replace(&token, "ID").replace(&value, "VALUE");
    insta::assert_snapshot!(shown, @r#"{"data":{"agentTokenCreate":{"tokenValue":"VALUE","agentTokenEdge":{"node":{"id":"ID"}}}}}"#);
    server.world.authenticate(&value).await.expect("agents can register with it");

    let listed = send(&server, LIST, "organization-slug", "acme").await;
    let mut shown = listed.text.replace(&token, "ID");
    for path in ["0/node/uuid", "1/node/uuid", "1/node/id"] {
        let text = listed.text_at(&format!("/data/organization/agentTokens/edges/{path}"));
        shown = shown.replace(&text, if path.ends_with("uuid") { "UUID" } else { "OTHER" });
    }
    insta::assert_snapshot!(shown, @r#"{"data":{"organization":{"agentTokens":{"edges":[{"node":{"id":"ID","uuid":"UUID","description":"A description"}},{"node":{"id":"OTHER","uuid":"UUID","description":"Default agent registration token"}}]}}}}"#);

    let revoked = send(&server, REVOKE, "token-id", &token).await;
    insta::assert_snapshot!(revoked.text, @r#"{"data":{"agentTokenRevoke":{"agentToken":{"description":"A description","revokedAt":"2026-01-02T03:04:05.005Z","revokedReason":"A reason"}}}}"#);
    server.world.authenticate(&value).await.expect_err("nobody can register with it any more");
}

/// "You need to pass your agent token as the ID in the mutation."
#[tokio::test]
async fn a_token_is_revoked_by_its_own_value_its_uuid_or_its_public_id() {
    let server = Server::new().await;
    for name in ["id", "uuid", "publicId", "value"] {
        let (id, value) = server.token().await;
        let query = "query($id: ID!) { node(id: $id) { ... on AgentToken { id uuid publicId } } }";
        let node = server.ask(query, json!({ "id": id })).await.ok().at("/data/node");
        let named = node[name].as_str().unwrap_or(&value).to_owned();
        let revoked = send(&server, REVOKE, "token-id", &named).await;
        assert_eq!(revoked.at("/data/agentTokenRevoke/agentToken/revokedReason"), "A reason", "{name}");
        server.world.authenticate(&value).await.expect_err("it is revoked");
    }
}

/// The documentation's other reading: what the Terraform provider and the `bk` command send.
#[tokio::test]
async fn named_operations_with_variables_work() {
    let server = Server::new().await;
    let (id, _) = server.token().await;
    let uuid = server
        .ask("query($id: ID!) { node(id: $id) { ... on AgentToken { uuid } } }", json!({ "id": id }))
        .await
        .ok()
        .text_at("/data/node/uuid");
    let query = "query getAgentToken ($slug: ID!) { agentToken(slug: $slug) { id description uuid __typename } }
        query other { viewer { id } }";
    let body =
        json!({ "operationName": "getAgentToken", "query": query, "variables": { "slug": format!("acme/{uuid}") } });
    let answer = server.post(server.world.acme.user_token(), body.to_string()).await.ok();
    let wanted = json!({ "id": id, "description": "ci", "uuid": uuid, "__typename": "AgentToken" });
    assert_eq!(answer.at("/data/agentToken"), wanted);
}
