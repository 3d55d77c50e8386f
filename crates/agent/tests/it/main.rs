//! The agent and the commands against a server that fails on purpose.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod acquire;
mod cancel;
mod checkout;
mod clock;
mod commands;
mod fake;
mod faults;
mod job_api;
mod jobs;
mod leaving;
mod sessions;
mod stand;
