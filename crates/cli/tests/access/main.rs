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
mod forms;
mod graphql;
mod jobs;
mod left;
mod pages;
mod prepared;
mod routes;
mod tenants;
mod words;

use std::fmt::Write as _;

use countersign_testkit::table;

use callers::{Caller, Cast};

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
    table::must_be_as_printed(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/access/matrix.txt"),
        &table,
        "who may do what",
    );
}

fn header() -> String {
    let mut line = format!("{:<44}", "operation");
    for caller in Caller::ALL {
        write!(line, " {:<13}", caller.name()).expect("a string");
    }
    format!("{}\n", line.trim_end())
}
