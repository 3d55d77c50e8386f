//! The Agent API in process: requests in, status and body out.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod artifacts;
mod chunks;
mod edge;
mod jobs;
mod meta_data;
mod register;
mod rest;
mod rest_artifacts;
mod rest_builds;
mod rest_clusters;
mod rest_jobs;
mod server;
mod sessions;
mod small;
mod steps;
mod streams;
