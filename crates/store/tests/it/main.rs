//! The engine, seen from outside: what holds on both engines, and what each of them promises alone.

#![expect(clippy::expect_used, reason = "in a test a broken expectation is the message")]

mod blobs;
mod disk;
mod engines;
#[cfg(feature = "faults")]
mod faults;
mod folder;
mod group;
mod operations;
mod postgres;
mod reads;
mod schema;
mod statements;
