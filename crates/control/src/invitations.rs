//! Invitations: a value that is shown once and makes its holder a member, once. There is no other way for a person to come in.
//!
//! The value is a credential of its own kind, checked like every other; it is good for nothing but to be accepted.

mod accept;
mod create;
mod list;
mod reference;
mod withdraw;

use std::time::Duration;

pub use accept::Joined;
pub(crate) use accept::{Newcomer, join};
pub use countersign_store::invitations::{Invitation, State};
pub use create::{IssuedInvitation, NewInvitation};
pub use reference::InvitationReference;

/// How long an invitation can be accepted, unless it says otherwise.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest that an invitation can be accepted.
pub const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// The most invitations of one organization that can be accepted at one time.
pub const MAX_PENDING: i64 = 1_000;
