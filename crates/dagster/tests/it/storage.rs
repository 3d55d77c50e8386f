//! The page of what is offered of Dagster's storage says what the server answers.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use serde_json::{Value, json};

use crate::server::Server;

const PAGE: &str = include_str!("../../../../docs/dagster-storage.md");

/// The rows of its table: the field with what it stands below, the sort of document, and whether it is offered.
fn rows() -> Vec<(&'static str, &'static str, &'static str, bool)> {
    let row = |line: &'static str| {
        let [field, sort, offered] =
            line.strip_prefix("| `")?.strip_suffix(" |")?.splitn(3, " | ").collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let (namespace, field) = field.trim_end_matches('`').split_once('.')?;
        Some((namespace, field, sort, offered == "offered"))
    };
    PAGE.lines().filter_map(row).collect()
}

/// The fields of a type of the schema.
fn fields(sdl: &str, of: &str) -> BTreeSet<String> {
    let document = parse_schema(sdl).expect("a schema");
    let object = document.definitions.into_iter().find_map(|it| match it {
        TypeSystemDefinition::Type(it) if it.node.name.node == of => match it.node.kind {
            TypeKind::Object(object) => Some(object),
            _ => None,
        },
        _ => None,
    });
    object.expect("a type").fields.into_iter().map(|it| it.node.name.node.to_string()).collect()
}

#[tokio::test]
async fn the_page_of_what_is_offered_is_true() {
    let server = Server::new().await;
    let rows = rows();
    assert!(rows.len() > 80, "{} rows", rows.len());
    let headers =
        [("Dagster-Cloud-Api-Token", server.world.acme.agent_token()), ("Dagster-Cloud-Deployment", "default")];
    for (namespace, field, sort, is_offered) in &rows {
        if *is_offered {
            continue;
        }
        let body = json!({ "query": format!("{sort} Asked {{ {namespace} {{ {field} }} }}") }).to_string();
        let answer = server.post(&headers, body).await;
        let error = answer.json()["errors"][0].clone();
        assert_eq!(error["extensions"]["type"], "not_offered", "{}", answer.text);
        assert_eq!(error["extensions"]["field"], format!("{namespace}.{field}"));
        assert_eq!(error["extensions"]["operation"], "Asked");
        assert_eq!(answer.json()["data"], Value::Null);
    }
    let sdl = countersign_dagster::sdl();
    for (namespace, sort, of) in [
        ("runs", "query", "Runs"),
        ("eventLogs", "query", "EventLogs"),
        ("runs", "mutation", "RunsByAgents"),
        ("eventLogs", "mutation", "EventLogsByAgents"),
    ] {
        let listed: BTreeSet<String> = rows
            .iter()
            .filter(|(at, _, kind, is_offered)| *is_offered && (*at, *kind) == (namespace, sort))
            .map(|(_, field, ..)| (*field).to_owned())
            .collect();
        assert_eq!(fields(&sdl, of), listed, "{of}");
    }
}
