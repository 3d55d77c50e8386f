//! `countersign step`: a step of the build, from inside a job.

use clap::{Args, Subcommand, builder::BoolishValueParser};
use countersign_agent::commands::step::{self, StepName};

use super::job_flags::{JobFlags, MAX_VALUE, plain, standard_input};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::Printer,
};

/// Read, change and cancel steps of the build, from inside a job
#[derive(Debug, Args)]
pub struct Step {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Args)]
struct StepFlags {
    /// The step's id or key
    #[arg(long, value_name = "STEP", env = "BUILDKITE_STEP_ID")]
    step: Option<String>,
    /// The build that a key belongs to
    #[arg(long, value_name = "UUID", env = "BUILDKITE_BUILD_ID")]
    build: Option<String>,
}

impl From<StepFlags> for StepName {
    fn from(flags: StepFlags) -> Self {
        Self { step: flags.step, build: flags.build }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print an attribute of a step, or the whole step
    #[command(after_help = "Example:\n  countersign step get outcome --step tests")]
    Get {
        /// The attribute [default: the whole step, as JSON]
        attribute: Option<String>,
        /// json, for attributes that are no text
        #[arg(long, env = "BUILDKITE_STEP_GET_FORMAT")]
        format: Option<String>,
        #[command(flatten)]
        step: StepFlags,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Change an attribute of a step
    #[command(after_help = "Example:\n  countersign step update label \" (slow)\" --append")]
    Update {
        /// The attribute
        attribute: String,
        /// Its new value [default: standard input]
        value: Option<String>,
        /// Add to the value that is there
        #[arg(long, env = "BUILDKITE_STEP_UPDATE_APPEND", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
        append: bool,
        #[command(flatten)]
        step: StepFlags,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Cancel the jobs of a step, and print the step's id
    #[command(after_help = "Example:\n  countersign step cancel --step tests")]
    Cancel {
        /// Do not wait for agents that do not answer
        #[arg(long, env = "BUILDKITE_STEP_CANCEL_FORCE", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
        force: bool,
        /// Seconds until then
        #[arg(
            long,
            value_name = "SECONDS",
            env = "BUILDKITE_STEP_CANCEL_FORCE_GRACE_PERIOD_SECONDS",
            default_value_t = 15
        )]
        force_grace_period_seconds: u32,
        #[command(flatten)]
        step: StepFlags,
        #[command(flatten)]
        job: JobFlags,
    },
}

impl Step {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Get { attribute, format, step, job } => {
                let access = job.access(None, ambient)?;
                let output = step::get(&access, &step.into(), attribute.as_deref(), format.as_deref()).await;
                let output = output.map_err(plain)?;
                printer.result(&output, || output.clone())?;
            }
            Command::Update { attribute, value, append, step, job } => {
                let access = job.access(None, ambient)?;
                let value = match value {
                    Some(value) => value,
                    None => standard_input(MAX_VALUE).await?.unwrap_or_default(),
                };
                step::update(&access, &step.into(), &attribute, &value, append).await.map_err(plain)?;
            }
            Command::Cancel { force, force_grace_period_seconds, step, job } => {
                let access = job.access(None, ambient)?;
                let id = step::cancel(&access, &step.into(), force, force_grace_period_seconds).await.map_err(plain)?;
                printer.result(&id, || id.clone())?;
            }
        }
        Ok(Exit::Done)
    }
}
