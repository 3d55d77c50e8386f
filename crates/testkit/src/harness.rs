//! What the tests that kill, race and search share: the real binary as a child, keep-alive connections to it, a journal of
//! what it has acknowledged, and the means to look at what is left.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

pub mod api;
pub mod dice;
pub mod figures;
pub mod http;
pub mod installation;
pub mod journal;
pub mod load;
pub mod moment;
pub mod mounts;
pub mod program;
pub mod race;
pub mod rows;
pub mod secrets;
pub mod setting;
pub mod verdict;
pub mod witness;
