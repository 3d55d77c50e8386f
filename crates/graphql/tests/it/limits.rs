//! What a document may cost, and the budget behind it.

use std::fmt::Write;
use std::time::Duration;

use countersign_graphql::Allowance;
use countersign_graphql::limits::{MAX_ALIASES, MAX_DIRECTIVES, MAX_ROOT_MUTATIONS, MAX_TEXT};
use serde_json::json;

use crate::client::{Answer, Server};

/// What code generators and consoles send.
const INTROSPECTION: &str = include_str!("introspection.graphql");

fn refused(answer: &Answer, words: &str) {
    assert_eq!((answer.status.as_u16(), answer.kind()), (200, "limit".to_owned()), "{}", answer.text);
    assert!(answer.error().contains(words), "{}", answer.text);
    assert_eq!(answer.json().get("data"), None);
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let server = Server::new().await;
    let clock = &server.world.clock;
    let change = "mutation($id: ID!) { agentTokenCreate(input: { organizationID: $id }) { tokenValue } }";
    let id = server.acme().await;
    let held = server.world.hold_writes().await;
    let (answer, ()) = tokio::join!(server.ask(change, json!({ "id": id })), async {
        clock.set(clock.until_one_sleeps().await);
    });
    drop(held);
    assert_eq!((answer.status.as_u16(), answer.kind()), (503, "unavailable".to_owned()), "{}", answer.text);
    assert_eq!(answer.text_at("/errors/0/extensions/code"), "timeout");
    assert!(answer.error().contains("ask for less at once"), "{}", answer.text);
}

#[tokio::test]
async fn the_usual_introspection_passes() {
    let server = Server::new().await;
    let answer = server.ask(INTROSPECTION, json!({})).await.ok();
    let types = answer.at("/data/__schema/types");
    let names: Vec<_> = types.as_array().expect("types").iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(names.contains(&"AgentToken") && names.contains(&"Connection"), "{names:?}");
    assert_eq!(answer.at("/data/__schema/mutationType/name"), "Mutation");
}

#[tokio::test]
async fn the_schema_is_no_maze() {
    let server = Server::new().await;
    let round = "{ __schema { types { fields { type { fields { name } } } } } }";
    refused(&server.ask(round, json!({})).await, "goes round in the schema");
    let hidden = "{ __schema { ...A } } fragment A on __Schema { types { ...B } } fragment B on __Type { fields { type { ...C } } }
        fragment C on __Type { inputFields { type { fields { name } } } }";
    refused(&server.ask(hidden, json!({})).await, "goes round in the schema");
    let many: String = (0..60).fold(String::new(), |mut text, at| {
        let _ = write!(text, "a{at}: __schema {{ queryType {{ name }} }} ");
        text
    });
    refused(&server.ask(&format!("{{ {many} }}"), json!({})).await, "complexity of 60000");
}

#[tokio::test]
async fn depth() {
    let server = Server::new().await;
    let nested = |levels: usize| {
        let (open, close) =
            ("organization { agentTokens(first: 1) { edges { node { ".repeat(levels), "} } } } ".repeat(levels));
        format!(
            "{{ organization(slug: \"acme\") {{ agentTokens(first: 1) {{ edges {{ node {{ {open} id {close} }} }} }} }} }}"
        )
    };
    server.ask(&nested(2), json!({})).await.ok();
    refused(&server.ask(&nested(3), json!({})).await, "depth of 17, which exceeds max depth of 16");
    refused(&server.ask(&"{a".repeat(2_000), json!({})).await, "brackets");
    refused(&server.ask(&format!("{{ viewer(a: {}) }}", "[".repeat(30_000)), json!({})).await, "brackets");
}

#[tokio::test]
async fn fragments_are_counted_and_may_not_go_round() {
    let server = Server::new().await;
    let mut bomb = String::from("{ ...F0 }");
    for at in 0..25 {
        let _ = write!(bomb, " fragment F{at} on Query {{ ...F{n} ...F{n} }}", n = at + 1);
    }
    for leaf in [" fragment F25 on Query { viewer { id } }", ""] {
        refused(&server.ask(&format!("{bomb}{leaf}"), json!({})).await, "fields");
    }
    let unused = bomb.replace("{ ...F0 }", "{ viewer { id } }");
    refused(&server.ask(&unused, json!({})).await, "fields");
    let mut chain = String::from("{ viewer { id } ...F0 }");
    for at in 0..1_400 {
        let _ = write!(chain, "fragment F{at} on Query {{ ...F{} }}", at + 1);
    }
    refused(&server.ask(&format!("{chain} fragment F1400 on Query {{ a }}"), json!({})).await, "inside one another");
    let around = "{ __schema { ...A } } fragment A on __Schema { queryType { ofType { ...B } } } fragment B on __Type { ofType { ...B } }";
    refused(&server.ask(around, json!({})).await, "inside one another");
    let circle = "{ ...A } fragment A on Query { viewer { id } ...B } fragment B on Query { ...A }";
    refused(&server.ask(circle, json!({})).await, "uses itself");
    refused(&server.ask(&format!("{{ viewer {{ {} }} }}", "id ".repeat(2_000)), json!({})).await, "fields");
}

#[tokio::test]
async fn aliases_directives_changes_and_text() {
    let server = Server::new().await;
    let aliases = |count: usize| (0..count).map(|at| format!("a{at}: viewer {{ id }} ")).collect::<String>();
    server.ask(&format!("{{ {} }}", aliases(MAX_ALIASES)), json!({})).await.ok();
    refused(&server.ask(&format!("{{ {} }}", aliases(MAX_ALIASES + 1)), json!({})).await, "101 aliases");
    let directives = |count: usize| (0..count).map(|_| "viewer @include(if: true) { id } ").collect::<String>();
    server.ask(&format!("{{ {} }}", directives(MAX_DIRECTIVES)), json!({})).await.ok();
    refused(&server.ask(&format!("{{ {} }}", directives(MAX_DIRECTIVES + 1)), json!({})).await, "51 directives");
    let id = server.acme().await;
    let changes = |count: usize| {
        let one = |at| format!("m{at}: agentTokenCreate(input: {{organizationID: \"{id}\"}}) {{ tokenValue }} ");
        format!("mutation {{ {} }}", (0..count).map(one).collect::<String>())
    };
    refused(&server.ask(&changes(MAX_ROOT_MUTATIONS + 1), json!({})).await, "21 changes");
    server.ask(&changes(MAX_ROOT_MUTATIONS), json!({})).await.ok();
    refused(
        &server.ask(&format!("{{ viewer {{ id }} }}{}", " ".repeat(MAX_TEXT)), json!({})).await,
        "longer than 65536 bytes",
    );
}

#[tokio::test]
async fn complexity_is_counted_as_buildkite_does() {
    let server = Server::new().await;
    // organization 1, connection 1, edges 1, 500 nodes.
    let listing =
        "query($n: Int) { organization(slug: \"acme\") { agentTokens(first: $n) { edges { node { id } } } } }";
    let answer = server.ask(listing, json!({})).await.ok();
    assert_eq!(answer.header("ratelimit-complexity-requested"), "503");
    assert_eq!(answer.header("ratelimit-complexity-actual"), "4");
    assert_eq!(server.ask(listing, json!({ "n": 50 })).await.ok().header("ratelimit-complexity-requested"), "53");
    let nested = "{ organization(slug: \"acme\") { agentTokens { edges { node { agents(first: 100) { edges { node { id } } } } } } } }";
    refused(&server.ask(nested, json!({})).await, "complexity of 51503, which exceeds max complexity of 50000");
    let viewer = server.ask("{ viewer { id } }", json!({})).await.ok();
    assert_eq!(viewer.header("ratelimit-complexity-requested"), "1");
    assert_eq!(viewer.json().get("stats"), None);
}

#[tokio::test]
async fn statistics_come_on_demand() {
    let server = Server::new().await;
    let request = http::Request::post("/v1")
        .header("authorization", format!("Bearer {}", server.world.acme.user_token()))
        .header("content-type", "application/json; charset=utf-8")
        .header("Buildkite-Include-Query-Stats", "true")
        .body(axum::body::Body::from(r#"{"query":"{ viewer { user { id } } }"}"#))
        .expect("a request");
    let answer = server.send(request).await.ok();
    assert_eq!(answer.at("/stats"), json!({ "requestedComplexity": 2, "actualComplexity": 2 }));
}

#[tokio::test]
async fn a_spent_budget_refuses_until_its_period_is_over() {
    let allowance = Allowance { organization: 100, user: 10, period: Duration::from_secs(300) };
    let server = Server::with(allowance).await;
    let query = "{ viewer { user { id } organizations { edges { node { id } } } } }";
    let first = server.ask(query, json!({})).await.ok();
    assert_eq!((first.header("ratelimit-user-remaining"), first.header("ratelimit-remaining")), ("5", "95"));
    assert_eq!((first.header("ratelimit-limit"), first.header("ratelimit-reset")), ("100", "300"));
    server.ask(query, json!({})).await.ok();
    server.world.clock.advance(Duration::from_secs(100));
    let refused = server.ask(query, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "200"));
    assert_eq!(
        refused.error(),
        "You have exceeded your per-user limit of 10 complexity points. Please try again in 200 seconds."
    );
    // The twin has a budget of its own.
    server.ask_as(server.world.globex.user_token(), query, json!({})).await.ok();
    server.world.clock.advance(Duration::from_secs(200));
    server.ask(query, json!({})).await.ok();
}
