//! Bad input: a clear error at its field, nothing half done, nothing repeated.

use serde_json::{Value, json};

use crate::client::Server;

const CREATE: &str = "mutation($input: AgentTokenCreateInput!) { agentTokenCreate(input: $input) { agentTokenEdge { node { description expiresAt } } } }";

async fn create(server: &Server, organization: &str, field: &str, value: Value) -> crate::client::Answer {
    let mut input = json!({ "organizationID": organization });
    input[field] = value;
    server.ask(CREATE, json!({ "input": input })).await
}

async fn count(server: &Server) -> Value {
    let query = "{ organization(slug: \"acme\") { agentTokens(first: 1) { count } } }";
    server.ask(query, json!({})).await.ok().at("/data/organization/agentTokens/count")
}

#[tokio::test]
async fn descriptions() {
    let server = Server::new().await;
    let acme = server.acme().await;
    let wrong = [
        "",
        "   ",
        &"x".repeat(10_000),
        "two\u{0}",
        "bell\u{7}",
        "over\u{202e}ride",
        "iso\u{2066}late",
        "esc\u{1b}[31m",
    ];
    for text in wrong {
        let refused = create(&server, &acme, "description", json!(text)).await;
        assert_eq!((refused.status.as_u16(), refused.kind()), (200, "invalid".to_owned()), "{text:?}");
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), "description", "{text:?}");
        assert_eq!(refused.at("/data"), json!({ "agentTokenCreate": null }));
        assert_eq!(refused.at("/errors/0/path"), json!(["agentTokenCreate"]));
        assert_eq!(refused.at("/errors/0/locations/0/line"), 1);
    }
    assert_eq!(count(&server).await, 1);
    for text in
        [Value::Null, json!("Zürich 日本語 🚀"), json!("x".repeat(1_000)), json!("<script>'\"; DROP TABLE tokens")]
    {
        let made = create(&server, &acme, "description", text.clone()).await.ok();
        assert_eq!(made.at("/data/agentTokenCreate/agentTokenEdge/node/description"), text);
    }
}

#[tokio::test]
async fn expiry() {
    let server = Server::new().await;
    let acme = server.acme().await;
    // The clock stands at 2026-01-02T03:04:05Z.
    for at in ["2020-01-01T00:00:00Z", "2026-01-02T03:04:05Z", "9999-06-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        let refused = create(&server, &acme, "expiresAt", json!(at)).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), "expiresAt", "{at}");
        assert_eq!(refused.at("/data"), json!({ "agentTokenCreate": null }));
    }
    for at in ["tomorrow", "", "2026-13-01T00:00:00Z", "+292277026596-12-04T15:30:07Z", "2026-01-02"] {
        let refused = create(&server, &acme, "expiresAt", json!(at)).await;
        assert!(refused.error().contains("not a point in time"), "{at}: {}", refused.text);
        assert_eq!(
            (refused.kind(), refused.at("/data")),
            ("invalid".to_owned(), json!({ "agentTokenCreate": null })),
            "{at}"
        );
    }
    assert!(create(&server, &acme, "expiresAt", json!(5)).await.json().get("errors").is_some());
    assert_eq!(count(&server).await, 1);
    for (at, kept) in
        [("2026-01-02T03:04:06Z", "2026-01-02T03:04:06Z"), ("2026-01-02T06:04:05+02:00", "2026-01-02T04:04:05Z")]
    {
        let made = create(&server, &acme, "expiresAt", json!(at)).await.ok();
        assert_eq!(made.at("/data/agentTokenCreate/agentTokenEdge/node/expiresAt"), kept);
    }
}

#[tokio::test]
async fn ids() {
    let server = Server::new().await;
    let acme = server.acme().await;
    let revoke = "mutation($id: ID!, $reason: String!) { agentTokenRevoke(input: {id: $id, reason: $reason}) { agentToken { id } } }";
    let secret = "csnat_4f9Kd0aZ81b_0123456789abcdefghijklmnopqrstuvwxyz01";
    for id in ["", "token-id", "\u{0}", "💥", "====", secret, &acme, &"A".repeat(50_000)] {
        let refused = server.ask(revoke, json!({ "id": id, "reason": "r" })).await;
        assert_eq!(
            (refused.error(), refused.kind()),
            ("No agent token found".to_owned(), "not_found".to_owned()),
            "{id}"
        );
        assert!(!refused.text.contains(secret));
        let node = server.ask("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await.ok();
        assert_eq!(node.at("/data/node").is_null(), id != acme.as_str(), "{id}");
    }
}

#[tokio::test]
async fn reasons_are_needed() {
    let server = Server::new().await;
    let (id, _) = server.token().await;
    let revoke = "mutation($id: ID!, $reason: String!) { agentTokenRevoke(input: {id: $id, reason: $reason}) { agentToken { id } } }";
    for reason in ["", "a\u{202e}b", &"x".repeat(10_000)] {
        let refused = server.ask(revoke, json!({ "id": id, "reason": reason })).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), "reason");
    }
    let missing = server
        .ask("mutation($id: ID!) { agentTokenRevoke(input: {id: $id}) { agentToken { id } } }", json!({ "id": id }))
        .await;
    assert!(missing.error().contains("reason"), "{}", missing.text);
}

#[tokio::test]
async fn what_the_schema_does_not_know() {
    let server = Server::new().await;
    let unknown = server.ask("{ viewer { id secrets } }", json!({})).await;
    assert_eq!(unknown.status, 200);
    assert!(unknown.error().contains("secrets"), "{}", unknown.text);
    assert_eq!(unknown.json().get("data"), None, "nothing was executed");
    for document in
        ["{", "", "query", "{ viewer { id }", "mutation { no }", "subscription { x }", "\u{feff}", "{ a: \"csnat_x }"]
    {
        let refused = server.ask(document, json!({})).await;
        assert!(refused.status == 200 || (document.trim().is_empty() && refused.status == 400), "{document}");
        assert!(!refused.text.contains("csnat_x"), "the text is not repeated");
        assert!(refused.json().get("errors").is_some(), "{document}: {}", refused.text);
    }
    let both = server.ask("{ organization { id } }", json!({})).await;
    assert_eq!((both.kind(), both.at("/data")), ("invalid".to_owned(), json!({ "organization": null })));
    // One field's error leaves the rest of the answer whole.
    let half = server.ask("{ viewer { user { email } } organization { id } }", json!({})).await;
    assert_eq!(
        half.at("/data"),
        json!({ "viewer": { "user": { "email": "ada@acme.example" } }, "organization": null })
    );
}
