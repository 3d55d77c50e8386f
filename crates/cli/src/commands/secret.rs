//! `countersign secret`: secrets of the server, from inside a job.

use std::{collections::BTreeMap, fmt::Write as _};

use clap::{Args, Subcommand, ValueEnum, builder::BoolishValueParser};
use countersign_agent::commands::{JobSecret, token};

use super::job_flags::{JobFlags, job_api_unless, plain};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::Printer,
};

/// Read secrets that the server keeps, from inside a job
#[derive(Debug, Args)]
pub struct Secret {
    #[command(subcommand)]
    command: Command,
}

/// How secrets are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The value of one secret as it is; several as JSON
    Default,
    /// A JSON object
    Json,
    /// NAME="value", one per line
    Env,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print secrets; the job's log does not show them
    #[command(after_help = "Example:\n  countersign secret get DEPLOY_KEY")]
    Get {
        /// Their keys
        #[arg(required = true, num_args = 1..)]
        keys: Vec<String>,
        /// How they are printed
        #[arg(long, value_enum, default_value = "default", env = "BUILDKITE_AGENT_SECRET_GET_FORMAT")]
        format: Format,
        /// Do not take the values out of the job's log
        #[arg(long, env = "BUILDKITE_AGENT_SECRET_GET_SKIP_SECRET_REDACTION", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
        skip_redaction: bool,
        #[command(flatten)]
        job: JobFlags,
    },
}

impl Secret {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let Command::Get { keys, format, skip_redaction, job } = self.command;
        let access = job.access(None, ambient)?;
        let log = job_api_unless(skip_redaction, ambient)?;
        let secrets = token::secrets(&access, &keys, log.as_ref()).await.map_err(plain)?;
        printer.write(shown(&secrets, format).as_bytes())?;
        Ok(Exit::Done)
    }
}

fn shown(secrets: &[JobSecret], format: Format) -> String {
    match (format, secrets) {
        (Format::Default, [secret]) => format!("{}\n", secret.value.reveal()),
        (Format::Default | Format::Json, _) => {
            let map: BTreeMap<&str, &str> =
                secrets.iter().map(|secret| (secret.key.as_str(), secret.value.reveal())).collect();
            format!("{}\n", serde_json::json!(map))
        }
        (Format::Env, _) => secrets.iter().fold(String::new(), |mut text, secret| {
            let value = secret.value.reveal().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let value = value.replace('$', "\\$").replace('`', "\\`");
            // Writing to memory does not fail.
            let _ = writeln!(text, "{}=\"{value}\"", secret.key);
            text
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_shown_as_it_is_and_several_by_name() {
        let secret = |key: &str, value: &str| JobSecret {
            key: key.to_owned(),
            value: value.to_owned().into(),
            uuid: String::new(),
        };
        let (one, two) = (secret("A", "x"), secret("B", "a\"$b\nc"));
        assert_eq!(shown(std::slice::from_ref(&one), Format::Default), "x\n");
        assert_eq!(shown(&[one.clone(), two.clone()], Format::Default), "{\"A\":\"x\",\"B\":\"a\\\"$b\\nc\"}\n");
        assert_eq!(shown(&[one, two], Format::Env), "A=\"x\"\nB=\"a\\\"\\$b\\nc\"\n");
    }
}
