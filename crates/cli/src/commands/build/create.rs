//! `countersign build create`.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_domain::{
    pipeline::{MAX_TEXT, Pipeline},
    text::{DeploymentName, QueueName},
};
use serde_json::{Value, json};
use tokio::signal::unix::SignalKind;

use super::follow;
use crate::{
    Ambient,
    api::{
        Api, documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::Printer,
    server::signal_of,
};

/// Largest file that is read, in bytes: as much as the server takes.
const MAX_FILE: u64 = MAX_TEXT as u64;

/// Create a build from a pipeline of command steps
///
/// With --wait the log of each step follows on standard output, and the exit code is 0 when the build passed, 10 when it failed and 11
/// when it was cancelled. Ctrl-C ends the following with 130, and the build goes on.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign build create --pipeline examples/pipeline.yml --wait")]
pub(super) struct Create {
    /// The pipeline: YAML or JSON; - is standard input
    #[arg(long, value_name = "FILE", env = variables::PIPELINE)]
    pipeline: PathBuf,
    /// The queue of steps that name none [default: default]
    #[arg(long, value_name = "NAME", env = variables::QUEUE)]
    queue: Option<QueueName>,
    /// The deployment that the jobs run in, by name [default: the organization's default]
    #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
    deployment: Option<DeploymentName>,
    /// What the build is for, in a line
    #[arg(long, env = variables::MESSAGE)]
    message: Option<String>,
    /// Follow the log and wait until the build has ended
    #[arg(long, env = variables::WAIT)]
    wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Create {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let definition = read(&self.pipeline)?;
        // What is wrong with the file is said before anything is sent, and with the file's name.
        Pipeline::parse(&definition)
            .map_err(|error| Failure::bad_input(format!("{}: {error}", self.pipeline.display())))?;
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let whose: shapes::Viewer<Value> = api.call(documents::WHOSE, json!({})).await?;
        let organization = whose.into_organization()?;
        let input = json!({
            "organizationID": organization["id"],
            "definition": definition,
            "pipeline": slug_of(&self.pipeline),
            "queue": self.queue,
            "deployment": self.deployment,
            "message": self.message,
        });
        let mut answer: Value = api.call(documents::BUILD_CREATE, json!({ "input": input })).await?;
        let build = shapes::there(Some(answer["buildCreateFromDefinition"]["build"].take()), "build")?;
        if !self.wait {
            printer.result(&build, || format!("Build {}: {}", build["number"], text(&build, "uuid")))?;
            return Ok(Exit::Done);
        }
        printer.say(format_args!("Build {} ({}) is scheduled", build["number"], text(&build, "uuid")));
        let uuid = text(&build, "uuid");
        let mut interrupt = signal_of(SignalKind::interrupt())?;
        tokio::select! {
            ended = follow::to_the_end(&api, uuid, &build["number"], ambient, printer) => ended,
            _ = interrupt.recv() => {
                printer.say(format_args!(
                    "Build {} goes on; to cancel it: countersign build cancel {uuid}",
                    build["number"]
                ));
                Ok(Exit::Interrupted)
            }
        }
    }
}

fn read(path: &Path) -> Outcome<String> {
    use std::io::Read;
    let from = |error: std::io::Error| Failure::bad_input(format!("the pipeline {}: {error}", path.display()));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(from)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(from)?;
    }
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::bad_input(format!("the pipeline {} is larger than {MAX_FILE} bytes", path.display())));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::bad_input(format!("the pipeline {} is not UTF-8 text", path.display())))
}

/// The pipeline's name in addresses: that of its file, as far as a slug can hold it.
fn slug_of(path: &Path) -> String {
    /// The most characters that are taken.
    const MOST: usize = 60;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let marks = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let text: String = stem.chars().map(marks).take(MOST).collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "pipeline".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_named_after_its_file() {
        for (file, slug) in [("examples/pipeline.yml", "pipeline"), ("-", "pipeline"), ("Über Nacht.yaml", "ber-nacht")]
        {
            assert_eq!(slug_of(Path::new(file)), slug);
        }
    }
}
