//! Stories: the built binary, as a person or a script uses it; once per engine where the engine could matter.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod agents;
mod artifacts;
mod audit;
mod builds;
mod dagster;
mod dagster_locations;
mod dagster_runs;
mod dagster_tools;
mod deployments;
mod doctor;
mod init;
mod job_environment;
mod keys;
mod members;
mod native;
mod organizations;
mod people;
mod pipeline_upload;
mod server;
mod stand;
mod streams;
mod tls;
mod tokens;
mod tour;
mod user_tokens;
