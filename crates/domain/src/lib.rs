//! Words and rules of Countersign, without I/O.
//!
//! Everything here is a value or a pure decision: what a token value looks like, what a scope lets through,
//! which states an agent may be in. Time and randomness come in through [`Clock`] and [`Entropy`]; nothing in
//! this crate reads a clock, a file, a socket or the environment.

pub mod agent;
pub mod annotation;
pub mod artifact;
pub mod audit;
pub mod build;
pub mod clock;
pub mod dagster;
pub mod deployment_role;
pub mod entropy;
pub mod graph;
pub mod id;
pub mod keyring;
pub mod metadata;
pub mod network;
pub mod password;
pub mod pipeline;
pub mod plan;
pub mod refusal;
pub mod reveal;
pub mod role;
pub mod scope;
pub mod sealing;
pub mod signing;
pub mod text;
pub mod token;

#[cfg(test)]
mod testing;

pub use agent::{AgentState, Tags};
pub use clock::{Clock, Timestamp};
pub use deployment_role::DeploymentRole;
pub use entropy::Entropy;
pub use id::Id;
pub use keyring::{KeyId, KeyRing};
pub use network::Network;
pub use password::Password;
pub use refusal::Refusal;
pub use reveal::RevealPolicy;
pub use role::Role;
pub use scope::{DeploymentScope, NetworkRule, QueueScope, Scope};
pub use token::{Kind, PublicId, TokenDigest, TokenSecret};
