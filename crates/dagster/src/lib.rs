//! Face: what unmodified Dagster+ agents call, at `/dagster`: the address that stands as `url` in their dagster.yaml. And what Dagster's commands
//! for people call there, with a user token.
//!
//! ```text
//! POST → token in a header of its own (401) → document: few fields, fragments written out → resolvers → control → answer, or a refusal in plain words
//! ```
//!
//! Beside the documents stand a few calls by which agents answer requests and tell of code locations. The bytes of snapshots and of runs' logs go to
//! signed addresses, without a token.
//!
//! An agent shows its operator the words of a refusal only when the body is none of GraphQL's, so a refusal is a status with `{"message": …}`.
//! It never tries a 401 or 403 again by itself, but its loop comes by twice a second.

mod call;
mod document;
mod endpoint;
mod failure;
mod heartbeat;
mod mutation;
mod people;
mod place;
mod query;
mod requests;
mod rest;
mod storage;
mod token;
mod workspace;

pub use document::MAX_FRAGMENTS;
pub use endpoint::{MAX_BODY, router, sdl};
pub use heartbeat::{MAX_ERROR_TEXT, MAX_HEARTBEAT};
pub use people::{MAX_AGENTS, MAX_TOKENS};
pub use rest::MAX_API_RESPONSE;
