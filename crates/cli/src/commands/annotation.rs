//! `countersign annotation`: takes annotations away, from inside a job.

use clap::{Args, Subcommand};
use countersign_agent::commands;

use super::job_flags::{JobFlags, plain};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
};

/// Take annotations of the build away, from inside a job
#[derive(Debug, Args)]
pub struct AnnotationCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take an annotation away
    #[command(after_help = "Example:\n  countersign annotation remove --context tests")]
    Remove {
        /// What the annotation is about [default: default]
        #[arg(long, env = "BUILDKITE_ANNOTATION_CONTEXT")]
        context: Option<String>,
        /// build or job [default: build]
        #[arg(long, env = "BUILDKITE_ANNOTATION_SCOPE")]
        scope: Option<String>,
        #[command(flatten)]
        job: JobFlags,
    },
}

impl AnnotationCommand {
    pub(super) async fn run(self, ambient: &Ambient) -> Outcome {
        let Command::Remove { context, scope, job } = self.command;
        let access = job.access(None, ambient)?;
        commands::remove_annotation(&access, context, scope).await.map_err(plain)?;
        Ok(Exit::Done)
    }
}
