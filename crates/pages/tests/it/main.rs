//! The pages as browsers see them: in process, over HTTP, on a database of its own.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod agents;
mod anonymous;
mod browser;
mod builds;
mod cast;
mod choices;
mod logs;
mod members;
mod overview;
mod places;
mod roles;
mod settings;
mod signing_in;
mod sizes;
mod stale;
mod style;
mod tokens;
mod ways;
