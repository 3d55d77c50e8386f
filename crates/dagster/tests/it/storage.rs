//! The page of what is offered of Dagster's storage says what the server answers.

use std::collections::BTreeSet;

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
    let body = sdl.split(&format!("type {of} {{")).nth(1).and_then(|rest| rest.split("\n}").next()).expect("a type");
    let name = |line: &str| {
        let name: String = line.trim().chars().take_while(char::is_ascii_alphanumeric).collect();
        (!name.is_empty() && !line.trim().starts_with('"')).then_some(name)
    };
    body.lines().filter(|line| line.starts_with('\t') || line.starts_with("  ")).filter_map(name).collect()
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
        for field in &listed {
            assert!(fields(&sdl, of).contains(field), "{of}.{field} is not in the schema");
        }
        for field in fields(&sdl, of) {
            let is_listed = listed.contains(&field);
            let is_argument = sdl.contains(&format!("{field}: ")) && !sdl.contains(&format!("{field}("));
            assert!(is_listed || is_argument, "{of}.{field} is not on the page");
        }
    }
}
