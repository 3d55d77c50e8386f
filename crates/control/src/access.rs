//! Who may do what: the only place that decides.
//!
//! ```text
//! presented value ── authenticate ──> Caller ── grant::<Action> ──> Grant<Action> ──> operation
//!                    (what it stands for)       (the table of actions)   │
//!                                                                       ├─ standing: asked again inside the transaction
//!                                                                       ├─ within: asked there about the deployment
//!                                                                       └─ proof: asked there whether it is still them
//! ```
//!
//! A [`Grant`] cannot be made, cloned or stored elsewhere, and every operation takes one. What a caller may do is in one
//! table, [`actions`]; what is not in it is refused.

pub mod actions;
mod authenticate;
mod caller;
mod grant;
mod paced;
mod proof;
mod renew;
mod sign_in;
mod standing;
mod turns;
mod who;
mod within;

pub use actions::{Action, Proof};
pub(crate) use authenticate::Found;
pub use authenticate::Presented;
pub use caller::{
    AgentTokenCaller, Caller, InvitationCaller, JobCaller, OperatorCaller, SessionCaller, UserCaller, UserCredential,
};
pub use grant::Grant;
pub(crate) use paced::PACED;
pub(crate) use proof::Proving;
pub(crate) use standing::still_stands;
pub(crate) use turns::{IN_TURN, OF_PERSON};
pub use who::Who;
pub(crate) use within::Within;
