//! The Agent API in process: requests in, status and body out.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod chunks;
mod edge;
mod jobs;
mod meta_data;
mod register;
mod server;
mod sessions;
mod steps;
