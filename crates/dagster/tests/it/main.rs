//! The face in process: what agents send, and what they are answered.

#![expect(clippy::expect_used, reason = "a fault of the test's own ends it")]

mod core_calls;
mod locations;
mod people;
mod people_locations;
mod permissions;
mod refusals;
mod runs;
mod server;
mod storage;
mod tokens;
mod uploads;
