//! Shapes on the wire and nothing else: no rule, no I/O, no default that decides anything.
//!
//! Servers and agents share these types, so that both ends agree by construction. Requests are read leniently (an absent or
//! `null` optional field is its empty value, an unknown field is passed over); responses are written exactly.

pub mod buildkite;
pub mod dagster;
mod secret_text;

pub use secret_text::SecretText;
