//! `countersign job`: the job itself and its build, from inside the job.

use clap::{Args, Subcommand};
use countersign_agent::commands::step;

use super::job_flags::{JobFlags, MAX_VALUE, plain, standard_input};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::Printer,
};

/// Change the job, or cancel its build, from inside the job
#[derive(Debug, Args)]
pub struct Job {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Change an attribute of the job
    #[command(after_help = "Example:\n  countersign job update timeout_in_minutes 20")]
    Update {
        /// The attribute
        attribute: String,
        /// Its new value [default: standard input]
        value: Option<String>,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Cancel the job's build, and print the build's id
    #[command(after_help = "Example:\n  countersign job cancel-build")]
    CancelBuild {
        /// The build
        #[arg(long, value_name = "UUID", env = "BUILDKITE_BUILD_ID")]
        build: Option<String>,
        #[command(flatten)]
        job: JobFlags,
    },
}

impl Job {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Update { attribute, value, job } => {
                let access = job.access(None, ambient)?;
                let value = match value {
                    Some(value) => value,
                    None => standard_input(MAX_VALUE).await?.unwrap_or_default(),
                };
                step::update_job(&access, &attribute, value.trim()).await.map_err(plain)?;
            }
            Command::CancelBuild { build, job } => {
                let access = job.access(None, ambient)?;
                let id = step::cancel_build(&access, build.as_deref()).await.map_err(plain)?;
                printer.result(&id, || id.clone())?;
            }
        }
        Ok(Exit::Done)
    }
}
