//! Refusals: a status that an agent acts on, and words that it shows its operator.

use countersign_control::access::actions::RevokeAgentToken;
use countersign_control::agent_tokens::{Revocation, TokenReference};
use countersign_control::agents::Reach;
use http::{Request, StatusCode};
use serde_json::json;

use crate::server::{AGENTS, DEPLOYMENTS, HEARTBEATS, PROCESS, REQUESTS, Server, WORKSPACE, heartbeat};

#[tokio::test]
async fn credentials_are_refused_before_anything_is_read() {
    let server = Server::new().await;
    let session = server.session().await;
    let bearer = format!("Bearer {}", server.world.acme.agent_token());
    let agent = bearer.as_str();
    let mut unknown = server.world.acme.agent_token().to_owned();
    unknown.replace_range(20..21, if unknown.as_bytes()[20] == b'x' { "y" } else { "x" });
    for (headers, reason) in [
        (vec![], "unknown"),
        (vec![("Dagster-Cloud-Api-Token", "agent:acme:0123456789abcdef")], "unknown"),
        (vec![("Dagster-Cloud-Api-Token", unknown.as_str())], "unknown"),
        (vec![("Dagster-Cloud-Api-Token", session.as_str())], "kind"),
        (vec![("Authorization", "Bearer x")], "unknown"),
        // Of two values the one in Dagster's own header is meant, which is none.
        (vec![("Authorization", agent), ("Dagster-Cloud-Api-Token", "x")], "unknown"),
    ] {
        let answer = server.post(&headers, "not even JSON").await;
        let (status, said, words) = answer.refused();
        assert_eq!((status, said.as_str()), (401, reason), "{headers:?}: {words}");
        assert!(words.contains("dagster.yaml") && words.contains("user token"), "{words}");
        assert_eq!(answer.headers["www-authenticate"], "Dagster-Cloud-Api-Token");
    }
}

#[tokio::test]
async fn a_revoked_token_is_told_so_on_its_next_call() {
    let server = Server::new().await;
    let told = server.ask(HEARTBEATS, heartbeat(PROCESS, &["default"], &[])).await;
    told.data();
    let token = &server.world.acme.created.agent_token;
    let revocation = Revocation {
        token: TokenReference::Id(token.id),
        reason: "over".to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    let grant = server.world.admin::<RevokeAgentToken>();
    server.world.control.revoke_agent_token(&grant, revocation).await.expect("revoked");
    for (query, variables) in [(AGENTS, json!({})), (HEARTBEATS, heartbeat(PROCESS, &["default"], &[]))] {
        let answer = server.ask(query, variables).await;
        let (status, reason, words) = answer.refused();
        assert_eq!((status, reason.as_str()), (401, "revoked"), "{words}");
        assert_eq!(answer.json()["token"], token.public_id.as_str());
    }
    assert!(server.agents().await[0].token_revoked_at.is_some());
}

#[tokio::test]
async fn what_is_out_of_reach_is_named() {
    let server = Server::new().await;
    let token = server.narrow_token().await;
    let both = json!({ "deploymentNames": ["default", "staging"] });
    let (status, reason, words) = server.ask_as(&token, DEPLOYMENTS, both).await.refused();
    assert_eq!((status, reason.as_str()), (403, "scope"));
    assert!(words.contains("`staging`") && !words.contains("`default`"), "{words}");

    let workspace = |names: &[&str]| json!({ "deploymentNames": names, "includeAllServerlessDeployments": false });
    let left = server.ask_as(&token, WORKSPACE, workspace(&["default", "staging"])).await.data();
    assert_eq!(left["deployments"].as_array().map(Vec::len), Some(1), "the rest goes on");
    let (status, ..) = server.ask_as(&token, WORKSPACE, workspace(&["staging"])).await.refused();
    assert_eq!(status, 403);

    let pop = |names: &[&str], branches| json!({ "forFullDeployments": names, "forBranchDeployments": branches });
    server.ask_as(&token, REQUESTS, pop(&["default", "staging"], false)).await.data();
    server.ask_as(&token, REQUESTS, pop(&[], false)).await.data();
    let (status, _, words) = server.ask_as(&token, REQUESTS, pop(&["staging"], false)).await.refused();
    assert!(status == 403 && words.contains("`staging`"), "{words}");
    let (status, _, words) = server.ask_as(&token, REQUESTS, pop(&[], true)).await.refused();
    assert!(status == 403 && words.contains("branch deployments"), "{words}");

    server.ask_as(&token, HEARTBEATS, heartbeat(PROCESS, &["staging", "default"], &[])).await.data();
    let (status, ..) = server.ask_as(&token, HEARTBEATS, heartbeat(PROCESS, &["staging"], &[])).await.refused();
    assert_eq!(status, 403);
    let foreign = server.world.globex.agent_token().to_owned();
    let alive = server.ask_as(&foreign, AGENTS, json!({})).await.data();
    assert_eq!(alive, json!({ "agents": [] }), "another organization hears of none");
}

#[tokio::test]
async fn heartbeats_that_cannot_be_kept_are_refused_with_words() {
    let server = Server::new().await;
    let with = |text: &str| json!({ "serializedAgentHeartbeats": [{ "deploymentName": "default", "serializedAgentHeartbeat": text }] });
    let (status, _, words) = server.ask(HEARTBEATS, with("hunter2")).await.refused();
    assert!(status == 422 && words.contains("AgentHeartbeat") && !words.contains("hunter2"), "{words}");
    let (status, _, words) = server.ask(HEARTBEATS, heartbeat("north", &["default"], &[])).await.refused();
    assert!(status == 422 && words.contains("agent_id"), "{words}");
    let (status, _, words) = server.ask(HEARTBEATS, with(&" ".repeat(1024 * 1024 + 1))).await.refused();
    assert!(status == 413 && words.contains("serializedAgentHeartbeats"), "{words}");
    // An agent leaves its stack traces out after this.
    let (status, ..) = server.ask(HEARTBEATS, with(&"x".repeat(countersign_dagster::MAX_BODY))).await.refused();
    assert_eq!(status, 413);
    let (status, _, words) = server.ask(HEARTBEATS, json!({ "serializedErrors": ["{}"] })).await.refused();
    assert!(status == 422 && words.contains("serializedErrors"), "{words}");
    assert_eq!(server.agents().await.len(), 0);
}

#[tokio::test]
async fn documents_have_limits_and_their_errors_repeat_no_token() {
    let server = Server::new().await;
    let value = server.world.acme.agent_token().to_owned();
    let many: String = (0..101).map(|number| format!("a{number}: agents {{ id }} ")).collect();
    for (query, status) in [
        ("{ ...F } fragment F on Query { agents { id } }".to_owned(), 400),
        ("{ agents { id }".to_owned(), 400),
        (format!("{{ a(b: {}", "[".repeat(60_000)), 400),
        (String::new(), 400),
        (format!("{{ {many} }}"), 400),
    ] {
        let (found, _, words) = server.ask(&query, json!({})).await.refused();
        assert_eq!(found, status, "{words}");
    }
    let answer = server.ask("{ __schema { types { name } } }", json!({})).await.json();
    assert_eq!(
        (&answer["data"], &answer["errors"][0]["extensions"]["type"]),
        (&json!(null), &json!("not_offered")),
        "the schema is told to nobody"
    );
    for query in [format!("{{ {value} }}"), format!("{{ agents {{ {value} }} }}")] {
        let answer = server.ask(&query, json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "what is wrong with a document is GraphQL's to say");
        assert!(answer.json()["errors"].as_array().is_some_and(|all| !all.is_empty()), "{}", answer.text);
        assert!(!answer.text.contains(&value), "{}", answer.text);
    }
    for body in ["[]", "{", "\"x\""] {
        let (status, ..) = server.post(&[("Dagster-Cloud-Api-Token", &value)], body).await.refused();
        assert_eq!(status, 400);
    }
    let get = Request::get("/dagster/graphql").body(axum::body::Body::empty()).expect("a request");
    assert_eq!(server.send(get).await.status, StatusCode::METHOD_NOT_ALLOWED);
}
