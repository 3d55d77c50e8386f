//! Tokens with which a job proves to another service what it is, and the keys that sign them.
//!
//! ```text
//! key made ── published, not signing yet ── signs for 30 days ── private part destroyed, published ── forgotten
//! ```

mod claims;
mod issue;
mod keys;
mod publish;

pub use claims::{OPTIONAL_CLAIMS, STANDARD_CLAIMS, SUBJECT_CLAIMS};
pub use issue::{DEFAULT_LIFETIME, IssuedToken, MAX_LIFETIME, TokenRequest};
pub use keys::{KeptKeys, PUBLISHED_BEFORE, SIGNS_FOR};
pub use publish::{Discovery, KeySet};

/// Where the key set is, below the public address.
pub const KEY_SET_PATH: &str = "/.well-known/jwks";
