//! Agent tokens: what agents register with.

mod create;
mod explain;
mod finish;
mod list;
mod of_cluster;
mod permission;
mod reference;
mod refused;
mod registrations;
mod reveal;
mod revoke;
mod rotate;
mod search;
mod situation;
mod told;
mod update;

use countersign_domain::{Scope, Timestamp};

pub use countersign_store::refusals::{Refused, Summed};
pub use countersign_store::tokens::secrets::Secret;
pub use countersign_store::tokens::{Liveness, Token};
pub use create::{Issued, NewAgentToken};
pub use explain::{Check, Explanation, Question, Standing};
pub use permission::{Permission, Permissions, Reaching};
pub use reference::TokenReference;
pub use registrations::DAYS;
pub use revoke::{Revocation, Revoked};
pub use rotate::{MAX_SECRETS, OVERLAP, Rotated, Rotation};
pub use search::{EXPIRING, Found, Search, Selection, UNUSED};
pub use situation::{Situation, Using};
pub use update::{AgentTokenChange, Changed};

/// Most agent tokens that are neither revoked nor expired of which one member is the maker who is no Organization Admin: deleting a deployment revokes what
/// reaches nothing else, all at once.
pub const MAX_TOKENS_BY_OTHERS: i64 = 1_000;

/// An agent token with what it reaches.
#[derive(Debug, Clone)]
pub struct AgentToken {
    /// The token.
    pub token: Token,
    /// What it reaches.
    pub scope: Scope,
}

impl AgentToken {
    /// Whether agents can register with it at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.token.revoked_at.is_none() && self.token.expires_at.is_none_or(|at| now < at)
    }
}
