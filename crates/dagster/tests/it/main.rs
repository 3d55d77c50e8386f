//! The face in process: what agents send, and what they are answered.

#![expect(clippy::expect_used, reason = "a fault of the test's own ends it")]

mod core_calls;
mod people;
mod permissions;
mod refusals;
mod server;
mod tokens;
