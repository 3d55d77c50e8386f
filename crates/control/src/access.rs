//! Who may do what: the only place that decides.
//!
//! ```text
//! presented value ── authenticate ──> Caller ── grant::<Action> ──> Grant<Action> ──> operation
//!                    (what it stands for)       (the table of actions)   │
//!                                                                       └─ standing: asked again inside the transaction
//! ```
//!
//! A [`Grant`] cannot be made, cloned or stored elsewhere, and every operation takes one. What a caller may do is in one
//! table, [`actions`]; what is not in it is refused.

pub mod actions;
mod authenticate;
mod caller;
mod grant;
mod paced;
mod renew;
mod standing;
mod turns;

pub use actions::{Action, Who};
pub use authenticate::Presented;
pub use caller::{AgentTokenCaller, Caller, InvitationCaller, JobCaller, OperatorCaller, SessionCaller, UserCaller};
pub use grant::Grant;
pub(crate) use paced::PACED;
pub(crate) use standing::still_stands;
pub(crate) use turns::IN_TURN;
