//! The GraphQL API as its clients see it: in process, over HTTP, on a database of its own, with a clock that tests move.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod buildkite_facts;
mod schema_file;
