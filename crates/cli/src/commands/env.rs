//! `countersign env`: the variables of the job, from inside the job.

use std::collections::BTreeMap;

use clap::{Args, Subcommand, ValueEnum};
use countersign_agent::commands::{Changed, JobApi};
use serde_json::json;

use super::job_flags::{AcceptedFlags, MAX_VALUE, plain, standard_input};
use super::told::{ToldFormat, json_text, told};
use crate::{
    Ambient,
    failure::{Exit, Failure, Outcome},
    output::Printer,
};

/// Read and set the variables of the job, from inside the job
#[derive(Debug, Args)]
pub struct Env {
    #[command(subcommand)]
    command: Command,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// NAME=value, one per line; one value as it is
    Plain,
    /// JSON on one line
    Json,
    /// JSON on several lines
    JsonPretty,
}

/// How names and values are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// One per argument, or one per line of standard input
    Plain,
    /// JSON
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the variables of this process as JSON
    #[command(after_help = "Example:\n  countersign env dump")]
    Dump {
        /// json or json-pretty
        #[arg(long, value_enum, default_value = "json", env = "BUILDKITE_AGENT_ENV_DUMP_FORMAT")]
        format: Format,
        #[command(flatten)]
        accepted: AcceptedFlags,
    },
    /// Print variables of the job, as its agent knows them
    #[command(after_help = "Example:\n  countersign env get GREETING")]
    Get {
        /// Their names [default: all of them]
        names: Vec<String>,
        /// How they are printed
        #[arg(long, value_enum, default_value = "plain", env = "BUILDKITE_AGENT_ENV_GET_FORMAT")]
        format: Format,
        #[command(flatten)]
        accepted: AcceptedFlags,
    },
    /// Set variables of the job
    #[command(after_help = "Example:\n  countersign env set GREETING=hello")]
    Set {
        /// NAME=value [default: standard input]
        variables: Vec<String>,
        /// How they are given
        #[arg(long, value_enum, default_value = "plain", env = "BUILDKITE_AGENT_ENV_SET_INPUT_FORMAT")]
        input_format: InputFormat,
        /// How the change is told
        #[arg(long, value_enum, default_value = "plain", env = "BUILDKITE_AGENT_ENV_SET_OUTPUT_FORMAT")]
        output_format: ToldFormat,
        #[command(flatten)]
        accepted: AcceptedFlags,
    },
    /// Take variables of the job away
    #[command(after_help = "Example:\n  countersign env unset GREETING")]
    Unset {
        /// Their names [default: standard input]
        names: Vec<String>,
        /// How they are given
        #[arg(long, value_enum, default_value = "plain", env = "BUILDKITE_AGENT_ENV_UNSET_INPUT_FORMAT")]
        input_format: InputFormat,
        /// How the change is told
        #[arg(long, value_enum, default_value = "plain", env = "BUILDKITE_AGENT_ENV_UNSET_OUTPUT_FORMAT")]
        output_format: ToldFormat,
        #[command(flatten)]
        accepted: AcceptedFlags,
    },
}

impl Env {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let job_api = || JobApi::new(&ambient.environment).map_err(plain);
        let text = match self.command {
            Command::Dump { format, accepted: _ } => {
                let variables = ambient.environment.iter();
                let text = |it: &std::ffi::OsStr| it.to_string_lossy().into_owned();
                let variables: BTreeMap<String, String> =
                    variables.map(|(name, value)| (text(name), text(value))).collect();
                json_text(&json!(variables), format == Format::JsonPretty)
            }
            Command::Get { names, format, accepted: _ } => {
                let all = job_api()?.env().await.map_err(plain)?;
                got(all, &names, format)?
            }
            Command::Set { variables, input_format, output_format, accepted: _ } => {
                let pairs = pairs(given(variables).await?, input_format)?;
                let Changed { added, updated } = job_api()?.set_env(pairs).await.map_err(plain)?;
                let plain_text = format!("{}{}", listed("Added:", "+", &added), listed("Updated:", "~", &updated));
                told(plain_text, &json!({ "added": added, "updated": updated }), output_format)
            }
            Command::Unset { names, input_format, output_format, accepted: _ } => {
                let names = match (given(names).await?, input_format) {
                    (Given::Arguments(names), _) => names,
                    (Given::Text(text), InputFormat::Plain) => lines(&text),
                    (Given::Text(text), InputFormat::Json) => {
                        serde_json::from_str(&text).map_err(|_| plain("standard input is no JSON list of names"))?
                    }
                };
                let unset = job_api()?.unset_env(names).await.map_err(plain)?;
                told(listed("Unset:", "-", &unset), &json!({ "unset": unset }), output_format)
            }
        };
        printer.write(text.as_bytes())?;
        Ok(Exit::Done)
    }
}

/// Arguments, or what came on standard input.
enum Given {
    Arguments(Vec<String>),
    Text(String),
}

async fn given(arguments: Vec<String>) -> Outcome<Given> {
    if arguments.is_empty() || arguments == ["-"] {
        return Ok(Given::Text(standard_input(MAX_VALUE).await?.unwrap_or_default()));
    }
    Ok(Given::Arguments(arguments))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn pairs(given: Given, format: InputFormat) -> Outcome<BTreeMap<String, String>> {
    let words = match (given, format) {
        (Given::Text(text), InputFormat::Json) => {
            // The error could quote a value.
            return serde_json::from_str(&text).map_err(|_| plain("standard input is no JSON object of strings"));
        }
        (Given::Text(text), InputFormat::Plain) => lines(&text),
        (Given::Arguments(words), _) => words,
    };
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(plain("each variable is given as NAME=value")),
        })
        .collect()
}

fn got(all: BTreeMap<String, String>, names: &[String], format: Format) -> Outcome<String> {
    let missing: Vec<&str> = names.iter().map(String::as_str).filter(|name| !all.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Err(Failure::new(Exit::Internal, format!("not set: {}", missing.join(", "))));
    }
    if let ([name], Format::Plain) = (names, format) {
        return Ok(format!("{}\n", all[name]));
    }
    let wanted: BTreeMap<String, String> =
        all.into_iter().filter(|(name, _)| names.is_empty() || names.contains(name)).collect();
    Ok(match format {
        Format::Plain => wanted.iter().map(|(name, value)| format!("{name}={value}\n")).collect(),
        Format::Json | Format::JsonPretty => json_text(&json!(wanted), format == Format::JsonPretty),
    })
}

fn listed(title: &str, mark: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    std::iter::once(format!("{title}\n")).chain(names.iter().map(|name| format!("{mark} {name}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> BTreeMap<String, String> {
        BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x y".to_owned())])
    }

    #[test]
    fn one_value_is_printed_as_it_is_and_several_by_name() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(got(all(), &names(&["B"]), Format::Plain).expect("set"), "x y\n");
        assert_eq!(got(all(), &names(&["B", "A"]), Format::Plain).expect("set"), "A=1\nB=x y\n");
        assert_eq!(got(all(), &[], Format::Json).expect("set"), "{\"A\":\"1\",\"B\":\"x y\"}\n");
        assert!(got(all(), &names(&["A", "Z"]), Format::Plain).expect_err("Z").message.contains('Z'));
    }

    #[test]
    fn variables_are_read_from_arguments_lines_and_json() {
        let arguments = Given::Arguments(vec!["A=b=c".to_owned()]);
        assert_eq!(pairs(arguments, InputFormat::Plain).expect("good")["A"], "b=c");
        let text = |text: &str| Given::Text(text.to_owned());
        assert_eq!(pairs(text("A=1\n\nB=2\n"), InputFormat::Plain).expect("good").len(), 2);
        assert_eq!(pairs(text(r#"{"A":"1"}"#), InputFormat::Json).expect("good")["A"], "1");
        for (wrong, format) in [("secret", InputFormat::Plain), ("=x", InputFormat::Plain), ("[]", InputFormat::Json)] {
            let error = pairs(text(wrong), format).expect_err(wrong);
            assert!(!error.message.contains("secret"), "{error}");
        }
    }
}
