//! Clocks, engines and whole systems for tests.
//!
//! A case never names an engine: it takes a [`World`], and [`for_each_engine`] runs it on every one. Each world is a database of its own,
//! with an organization `acme` and a twin `globex`, of which nothing may ever appear.

#![expect(clippy::expect_used, reason = "a preparation that fails is to fail the test")]

mod authenticator;
mod clock;
mod engine;
mod entropy;
pub mod fleet;
pub mod harness;
mod people;
pub mod provider;
pub mod routes;
pub mod scopes;
pub mod table;
mod world;

pub use authenticator::Authenticator;
pub use clock::ManualClock;
pub use engine::{Engine, TestDatabase, postgres_url};
pub use entropy::SeededEntropy;
pub use people::Member;
pub use world::{Tenant, World, for_each_engine};
