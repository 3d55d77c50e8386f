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

/// `buildkite-agent start` is our `agent start`, its `build cancel` our `job cancel-build`; the other commands of a job have one name.
fn as_our_command(arguments: Vec<OsString>) -> Vec<OsString> {
    let word = |index: usize| arguments.get(index).and_then(|word| word.to_str());
    let (replaced, ours): (usize, &[&str]) = match (word(0), word(1)) {
        (Some("start"), _) => (1, &["agent", "start"]),
        (Some("build"), Some("cancel")) => (2, &["job", "cancel-build"]),
        _ => return arguments,
    };
    ours.iter().map(OsString::from).chain(arguments.into_iter().skip(replaced)).collect()
}

/// That agent ends with 1 after any error, but for the numbers that it promises.
fn as_theirs(exit: Exit) -> ExitCode {
    match exit {
        Exit::Done | Exit::MetaDataMissing | Exit::AcquireRejected | Exit::AcquireLocked | Exit::OfJob(_) => {
            exit.into()
        }
        _ => Exit::Internal.into(),
    }
}
