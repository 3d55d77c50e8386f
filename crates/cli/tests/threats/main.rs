//! Texts and bodies that are small to send and large to take: a real server refuses each of them soon, in little memory, and goes on.
//!
//! What stands for what is in `docs/threats.md`.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod bodies;
mod raw;
mod subject;
mod texts;
