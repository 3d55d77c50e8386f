//! `countersign meta-data`: small values that the jobs of a build share, from inside a job.

use clap::{Args, Subcommand};
use countersign_agent::commands::meta_data;

use super::job_flags::{JobFlags, MAX_VALUE, plain, standard_input};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::Printer,
};

/// Set and get values that the jobs of a build share, from inside a job
#[derive(Debug, Args)]
pub struct MetaData {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set a value
    #[command(after_help = "Example:\n  countersign meta-data set version 1.0.4")]
    Set {
        /// The key
        key: String,
        /// The value [default: standard input]
        value: Option<String>,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Set several values, all or none of them
    #[command(after_help = "Example:\n  countersign meta-data set-batch version=1.0.4 channel=beta")]
    SetBatch {
        /// KEY=VALUE
        #[arg(required = true, num_args = 1..)]
        values: Vec<String>,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Print a value, without a line break after it
    #[command(after_help = "Example:\n  countersign meta-data get version --default 0.0.0")]
    Get {
        /// The key
        key: String,
        /// What to print when the key is not set
        #[arg(long)]
        default: Option<String>,
        #[command(flatten)]
        build: BuildFlag,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Exit with 0 when a key is set, and with 100 when it is not
    #[command(after_help = "Example:\n  countersign meta-data exists version")]
    Exists {
        /// The key
        key: String,
        #[command(flatten)]
        build: BuildFlag,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Print every key that is set, one per line
    #[command(after_help = "Example:\n  countersign meta-data keys")]
    Keys {
        #[command(flatten)]
        build: BuildFlag,
        #[command(flatten)]
        job: JobFlags,
    },
}

#[derive(Debug, Clone, Args)]
struct BuildFlag {
    /// Another build to read from [env: BUILDKITE_METADATA_BUILD_ID]
    #[arg(long, value_name = "UUID")]
    build: Option<String>,
}

impl MetaData {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Set { key, value, job } => {
                let access = job.access(None, ambient)?;
                let value = match value {
                    Some(value) => value,
                    None => standard_input(MAX_VALUE).await?.unwrap_or_default(),
                };
                meta_data::set(&access, &key, &value).await.map_err(plain)?;
            }
            Command::SetBatch { values, job } => {
                let access = job.access(None, ambient)?;
                let pair = |value: String| {
                    let (key, value) =
                        value.split_once('=').ok_or_else(|| plain("each value is given as KEY=VALUE"))?;
                    Ok((key.to_owned(), value.to_owned()))
                };
                let values = values.into_iter().map(pair).collect::<Outcome<Vec<_>>>()?;
                meta_data::set_batch(&access, values).await.map_err(plain)?;
            }
            Command::Get { key, default, build, job } => {
                let access = job.access(build.build, ambient)?;
                let value = meta_data::get(&access, &key, default.as_deref()).await.map_err(plain)?;
                if printer.is_json() {
                    printer.result(&value, String::new)?;
                } else {
                    printer.write(value.as_bytes())?;
                }
            }
            Command::Exists { key, build, job } => {
                let access = job.access(build.build, ambient)?;
                let exists = meta_data::exists(&access, &key).await.map_err(plain)?;
                if printer.is_json() {
                    printer.result(&exists, String::new)?;
                }
                return Ok(if exists { Exit::Done } else { Exit::MetaDataMissing });
            }
            Command::Keys { build, job } => {
                let access = job.access(build.build, ambient)?;
                let keys = meta_data::keys(&access).await.map_err(plain)?;
                printer.result(&keys, || keys.iter().map(|key| format!("{key}\n")).collect())?;
            }
        }
        Ok(Exit::Done)
    }
}
