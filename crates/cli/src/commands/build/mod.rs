//! `countersign build`: builds, through a server's public API.

mod change;
mod create;
mod follow;
mod job_change;
mod list;
mod log;
mod log_text;
mod name;
mod show;
mod source;
mod watch;

use clap::{Args, Subcommand};

use crate::{Ambient, failure::Outcome, output::Printer};

pub(super) use list::table;
pub(super) use source::read_steps;

/// Create, see, follow and change builds
#[derive(Debug, Args)]
pub struct Build {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Box<create::Create>),
    List(list::List),
    Show(show::Show),
    Watch(watch::Watch),
    Log(log::Log),
    Cancel(change::Cancel),
    Rebuild(change::Rebuild),
    Retry(job_change::Retry),
    Unblock(job_change::Unblock),
}

impl Build {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create(it) => it.run(ambient, printer).await,
            Command::List(it) => it.run(ambient, printer).await,
            Command::Show(it) => it.run(ambient, printer).await,
            Command::Watch(it) => it.run(ambient, printer).await,
            Command::Log(it) => it.run(ambient, printer).await,
            Command::Cancel(it) => it.run(ambient, printer).await,
            Command::Rebuild(it) => it.run(ambient, printer).await,
            Command::Retry(it) => it.run(ambient, printer).await,
            Command::Unblock(it) => it.run(ambient, printer).await,
        }
    }
}
