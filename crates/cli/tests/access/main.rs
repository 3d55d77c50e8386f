//! Every caller on every operation of every face.
//!
//! The operations are not listed by hand: those of the Agent API are read from its router, those of GraphQL and of the Dagster
//! face from their schemas. One that
//! has no sample below fails the test, so a new one is seen here before it is seen outside. The table is compared with `matrix.txt`.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod callers;
mod dagster;
mod explained;
mod faces;
mod graphql;
mod jobs;
mod left;
mod pages;
mod prepared;
mod routes;
mod tenants;
mod words;

use std::fmt::Write as _;

use callers::{Caller, Cast};

/// Set to write the table anew.
const UPDATE: &str = "UPDATE_SNAPSHOTS";

#[tokio::test]
async fn who_may_do_what() {
    let mut table = header();
    for operation in routes::all().into_iter().chain(graphql::all()).chain(dagster::all()) {
        // A cast of its own for each operation. Its callers come in the order of the columns: once the admin has revoked the agent
        // token, its holder is told so.
        let cast = Cast::assemble().await;
        let mut line = format!("{:<44}", operation.name);
        for caller in Caller::ALL {
            let outcome = cast.call(&operation, caller).await;
            write!(line, " {outcome:<13}").expect("a string");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    compare(&table);
}

fn header() -> String {
    let mut line = format!("{:<44}", "operation");
    for caller in Caller::ALL {
        write!(line, " {:<13}", caller.name()).expect("a string");
    }
    format!("{}\n", line.trim_end())
}

#[expect(clippy::disallowed_methods, reason = "a developer asks for a new table by the environment")]
fn compare(table: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/access/matrix.txt");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, table).expect("the table can be written");
        return;
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let differ: Vec<_> = table.lines().filter(|line| !known.lines().any(|it| it == *line)).collect();
    assert!(
        known == table,
        "who may do what has changed; look at each line, then set {UPDATE}=1 to write it anew:\n{}",
        differ.join("\n")
    );
}
