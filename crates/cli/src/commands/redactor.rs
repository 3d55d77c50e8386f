//! `countersign redactor`: what the job's log must not show, from inside the job.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum, builder::BoolishValueParser};
use countersign_agent::commands::{JobApi, SecretText};

use super::job_flags::{JobFlags, MAX_VALUE, plain, standard_input};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
};

/// Take secrets out of the job's log, from inside the job
#[derive(Debug, Args)]
pub struct Redactor {
    #[command(subcommand)]
    command: Command,
}

/// How the secrets are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The text is one secret
    None,
    /// A JSON object; its values are secrets
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a secret out of the job's log from now on
    #[command(after_help = "Example:\n  countersign redactor add key.txt")]
    Add {
        /// The file that holds it [default: standard input]
        file: Option<PathBuf>,
        /// How it is given
        #[arg(long, value_enum, default_value = "none", env = "BUILDKITE_AGENT_REDACT_ADD_FORMAT")]
        format: Format,
        /// Of a JSON object only the values whose names say that they are secrets
        #[arg(long, env = "BUILDKITE_AGENT_REDACT_VARS_FILTER", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
        apply_vars_filter: bool,
        #[command(flatten)]
        job: JobFlags,
    },
}

impl Redactor {
    pub(super) async fn run(self, ambient: &Ambient) -> Outcome {
        let Command::Add { file, format, apply_vars_filter, job } = self.command;
        let text = match file.filter(|file| file.as_os_str() != "-") {
            Some(file) => {
                std::fs::read_to_string(&file).map_err(|error| plain(format!("{}: {error}", file.display())))?
            }
            None => standard_input(MAX_VALUE).await?.unwrap_or_default(),
        };
        let text = zeroize::Zeroizing::new(text);
        let secrets: Vec<SecretText> = match format {
            Format::None => vec![SecretText::new(text.trim())],
            Format::Json => {
                let values: BTreeMap<String, SecretText> =
                    serde_json::from_str(&text).map_err(|_| plain("this is no JSON object of strings"))?;
                let is_secret = |name: &str| !apply_vars_filter || job.is_secret_name(name, ambient);
                values.into_iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value).collect()
            }
        };
        let job_api = JobApi::new(&ambient.environment).map_err(plain)?;
        for secret in secrets.into_iter().filter(|secret| !secret.reveal().is_empty()) {
            job_api.redact(secret).await.map_err(plain)?;
        }
        Ok(Exit::Done)
    }
}
