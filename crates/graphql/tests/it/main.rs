//! The GraphQL API as its clients see it: in process, over HTTP, on a database of its own, with a clock that tests move.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod access;
mod agent_tokens;
mod agents;
mod bad_input;
mod buildkite_facts;
mod builds;
mod client;
mod clusters;
mod code_locations;
mod console;
mod dagster;
mod deployments;
mod documents;
mod jobs;
mod limits;
mod members;
mod pipelines;
mod queues;
mod reveal;
mod schema_file;
mod teams;
mod transport;
mod user_tokens;
