//! What becomes of agents that are connected when their token is taken back or narrowed.

use clap::{Args, ValueEnum};

use crate::flags::variables;

/// The choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Reach {
    /// They stay, and go on taking jobs
    #[default]
    Keep,
    /// Each finishes its job and is then told to disconnect
    Drain,
    /// Their sessions end at once and running jobs are cancelled
    Disconnect,
}

/// The flag.
#[derive(Debug, Args)]
pub(super) struct ReachFlag {
    /// What becomes of agents that are connected
    #[arg(long, value_enum, default_value_t, env = variables::CONNECTED_AGENTS)]
    connected_agents: Reach,
}

impl ReachFlag {
    /// As the API spells it.
    pub const fn as_input(&self) -> &'static str {
        match self.connected_agents {
            Reach::Keep => "KEEP",
            Reach::Drain => "DRAIN",
            Reach::Disconnect => "DISCONNECT",
        }
    }
}
