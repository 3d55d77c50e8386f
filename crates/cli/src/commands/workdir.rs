//! `countersign workdir`: the job's folder, from inside the job.

use clap::{Args, Subcommand};
use countersign_agent::commands::JobApi;
use serde_json::json;

use super::job_flags::{AcceptedFlags, plain};
use super::told::{ToldFormat, told};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::Printer,
};

/// Set the job's folder, from inside the job
#[derive(Debug, Args)]
pub struct Workdir {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set the job's folder and print its whole path
    #[command(after_help = "Example:\n  countersign workdir set sub/folder")]
    Set {
        /// The folder, counted from the one before
        folder: String,
        /// How the answer is printed
        #[arg(long, value_enum, default_value = "plain", env = "BUILDKITE_AGENT_WORKDIR_SET_OUTPUT_FORMAT")]
        output_format: ToldFormat,
        #[command(flatten)]
        accepted: AcceptedFlags,
    },
}

impl Workdir {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let Command::Set { folder, output_format, accepted: _ } = self.command;
        let job_api = JobApi::new(&ambient.environment).map_err(plain)?;
        let folder = job_api.set_workdir(&folder).await.map_err(plain)?;
        let text = told(format!("{folder}\n"), &json!({ "workdir": folder }), output_format);
        printer.write(text.as_bytes())?;
        Ok(Exit::Done)
    }
}
