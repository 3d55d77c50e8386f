//! Agents: registering, staying connected, being told to leave; and those of both protocols in one list.

mod connect;
mod every;
pub(crate) mod joining;
mod list;
mod past;
mod pause;
mod ping;
pub(crate) mod reach;
mod reached;
pub(crate) mod register;
mod stop;
pub(crate) mod token_identity;
mod wait;

pub use countersign_store::agents::search::{Sought, Standing};
pub use countersign_store::agents::{Agent, Wanted};
pub use every::{AnyAgent, AnyAgentId, Protocol};
pub use past::{AGENTS_SINCE, MOMENTS};
pub use ping::Instruction;
pub use reach::Reach;
pub(crate) use reached::{is_within, may_work};
pub use register::{Registered, Registration};
pub use token_identity::TokenIdentity;
pub use wait::{Next, Waiting};
