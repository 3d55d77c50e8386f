//! The native agent, and the commands that a job calls.
//!
//! ```text
//!  Setting/Layer ─► Config ─► Agent::run ─► worker (register · connect · heartbeat · ping) ─► job (environment · checkout · process · log)
//!  JobAccess ─► commands::{meta_data, annotate, …}                                          both ─► api ─► the server
//!  LocalAccess ─► commands::{env, lock, redactor, workdir}                        ─► local (Job API, locks) ─► the agent
//! ```
//!
//! Nothing here reads a clock, randomness or the environment: they come in as [`Clock`], [`Entropy`] and [`Environment`].
//! Nothing here prints: what people should see goes to a [`Reporter`].
//!
//! [`Clock`]: countersign_domain::Clock
//! [`Entropy`]: countersign_domain::Entropy

mod ambient;
mod api;
mod artifacts;
pub mod commands;
mod config;
mod environment;
mod error;
mod event;
mod hide_token;
mod host;
mod job;
mod local;
mod redaction;
mod stop;
mod token_source;
mod worker;

pub use api::Transport;
pub use artifacts::{OnProgress, Progress, Tally};
pub use config::{
    Config, ConfigFile, DEFAULT_ENDPOINT, Layer, Layers, Setting, config_file_candidates, passed_over,
    refuse_lost_restrictions,
};
pub use environment::Environment;
pub use error::{AgentError, ErrorKind};
pub use event::{Event, Reporter, Silent};
pub use hide_token::{HiddenToken, hide_token};
pub use host::Host;
pub use stop::Stop;
pub use token_source::TokenSource;
pub use worker::{Agent, Finished};
