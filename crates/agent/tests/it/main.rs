//! The agent and the commands against a server that fails on purpose.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod cancel;
mod clock;
mod commands;
mod fake;
mod faults;
mod jobs;
mod leaving;
mod sessions;
mod stand;
