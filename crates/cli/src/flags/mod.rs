//! The command line: every command and flag, and the register of environment variables.

mod common;
#[cfg(test)]
mod completeness;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod limits;
pub mod variables;

use std::{ffi::OsStr, path::Path};

use clap::{Parser, builder::styling};

pub use common::{InstanceArgs, OutputArgs, ServerArgs, duration, hold, interval, whole_seconds};

use crate::commands::Command;

/// The name of the agent whose commands, flags and variables are understood when the program is started under it.
pub const BUILDKITE_AGENT: &str = "buildkite-agent";

/// Self-hosted authority for agent tokens
///
/// Issues the tokens with which build agents register for work, says what each may reach, trades them for short-lived session
/// tokens, shows who uses what, and takes them back.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true, styles = styling::Styles::plain(), max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to say it.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Whether a program that was started under this name is to answer as that agent.
#[must_use]
pub fn is_buildkite_agent(program: &OsStr) -> bool {
    Path::new(program).file_name().is_some_and(|name| name == BUILDKITE_AGENT)
}
