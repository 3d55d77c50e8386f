//! `countersign build`: builds, through a server's public API.

mod create;
mod follow;
mod log_text;

use clap::{Args, Subcommand};
use countersign_domain::Id;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        Api, documents, global_id,
        shapes::{self, text},
    },
    failure::{Exit, Outcome},
    flags::ServerArgs,
    output::{Printer, Table, harmless, local_time},
};

/// Create, see and cancel builds
#[derive(Debug, Args)]
pub struct Build {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Create),
    /// Show a build: its jobs, annotations and meta-data
    #[command(after_help = "Example:\n  countersign build show 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77")]
    Show(Named),
    /// Cancel a build: jobs that wait end at once, jobs that run are ended by their agents
    #[command(after_help = "Example:\n  countersign build cancel 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77")]
    Cancel(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The build's uuid
    build: Id<Build>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Build {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self.command {
            Command::Create(it) => it.run(ambient, printer).await,
            Command::Show(named) => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let mut answer: Value =
                    api.call(documents::BUILD_SHOW, json!({ "uuid": named.build.to_string() })).await?;
                let build = shapes::there(Some(answer["build"].take()), "build")?;
                printer.result(&build, || details(&build))?;
                Ok(Exit::Done)
            }
            Command::Cancel(named) => {
                let api = Api::for_user(&named.server, &ambient.environment)?;
                let input = json!({ "id": global_id("Build", named.build) });
                let mut answer: Value = api.call(documents::BUILD_CANCEL, json!({ "input": input })).await?;
                let build = shapes::there(Some(answer["buildCancel"]["build"].take()), "build")?;
                printer.result(&build, || {
                    format!("Build {} is {}.", build["number"], text(&build, "state").to_lowercase())
                })?;
                Ok(Exit::Done)
            }
        }
    }
}

fn details(build: &Value) -> String {
    let head = format!(
        "build {} of {}: {}\nuuid      {}\ncreated   {}\nfinished  {}\n",
        build["number"],
        text(&build["pipeline"], "slug"),
        text(build, "state").to_lowercase(),
        text(build, "uuid"),
        local_time(build["createdAt"].as_str()),
        local_time(build["finishedAt"].as_str()),
    );
    let mut jobs = Table::new(&["job", "step", "state", "exit", "agent"]);
    for edge in build["jobs"]["edges"].as_array().into_iter().flatten() {
        let job = &edge["node"];
        jobs.row([
            text(job, "uuid").to_owned(),
            follow::name_of(job),
            text(job, "state").to_lowercase(),
            text(job, "exitStatus").to_owned(),
            text(&job["agent"], "name").to_owned(),
        ]);
    }
    let mut rest = String::new();
    for annotation in build["annotations"].as_array().into_iter().flatten() {
        rest.push_str(&format!(
            "\n[{}] {}\n",
            harmless(text(annotation, "style")),
            harmless(text(annotation, "body")).trim_end()
        ));
    }
    let mut data = Table::new(&["meta-data", "value"]);
    for entry in build["metaData"].as_array().into_iter().flatten() {
        data.row([text(entry, "key").to_owned(), text(entry, "value").to_owned()]);
    }
    let data = if data.is_empty() { String::new() } else { format!("\n{}", data.render()) };
    format!("{head}\n{}{data}{rest}", jobs.render())
}
