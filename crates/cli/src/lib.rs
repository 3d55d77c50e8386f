//! The command line of Countersign: commands, configuration, wiring.
//!
//! ```text
//! ambient (clock, generator, environment) ─► flags (one register) ─► commands ─┬─ server: routes, background, signals
//!                                                                            ├─ api: GraphQL, as any other client
//!                                                                            └─ instance: the data folder itself
//! ```

mod ambient;
mod api;
mod commands;
mod failure;
mod flags;
mod instance;
mod key_ring_file;
mod logs;
mod output;
mod private_file;
mod profile;
mod server;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

pub use ambient::Ambient;
pub use failure::{Exit, Failure, Outcome};

use flags::Cli;
use output::Printer;

/// The whole program.
#[must_use]
pub fn run(mut ambient: Ambient) -> ExitCode {
    let is_theirs = flags::is_buildkite_agent(&ambient.program);
    if is_theirs {
        ambient.arguments = as_our_command(std::mem::take(&mut ambient.arguments));
    }
    let words = std::iter::once(OsString::from("countersign")).chain(ambient.arguments.iter().cloned());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            error.print().ok();
            let exit = if error.use_stderr() { Exit::BadInput } else { Exit::Done };
            return if is_theirs { as_theirs(exit) } else { exit.into() };
        }
    };
    let printer = Printer::new(cli.output.output);
    let exit = commands::run(cli, &ambient, printer).unwrap_or_else(|failure| {
        printer.say(format_args!("error: {}", output::harmless(&failure.message)));
        failure.exit
    });
    if is_theirs { as_theirs(exit) } else { exit.into() }
}

/// `buildkite-agent start` is our `agent start`; the commands of a job have one name.
fn as_our_command(arguments: Vec<OsString>) -> Vec<OsString> {
    match arguments.first() {
        Some(first) if first == "start" => std::iter::once(OsString::from("agent")).chain(arguments).collect(),
        _ => arguments,
    }
}

/// That agent ends with 1 after any error.
fn as_theirs(exit: Exit) -> ExitCode {
    match exit {
        Exit::Done | Exit::MetaDataMissing => exit.into(),
        _ => Exit::Internal.into(),
    }
}
