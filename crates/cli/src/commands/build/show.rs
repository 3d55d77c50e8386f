//! `countersign build show`.

use clap::Args;
use serde_json::{Value, json};

use super::{
    follow::{jobs_in, name_of},
    name::BuildName,
};
use crate::{
    Ambient,
    api::{
        Api, build_documents as documents,
        shapes::{self, text},
    },
    failure::{Exit, Outcome},
    flags::ServerArgs,
    output::{Printer, Table, harmless, local_time},
};

/// Show a build: its jobs, annotations and meta-data
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign build show web/12")]
pub(super) struct Show {
    /// The build: its uuid, or its pipeline and number as web/12
    build: BuildName,
    #[command(flatten)]
    server: ServerArgs,
}

impl Show {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let uuid = self.build.uuid(&api).await?;
        let mut answer: Value = api.call(documents::SHOW, json!({ "uuid": uuid })).await?;
        let build = shapes::there(Some(answer["build"].take()), "build")?;
        printer.result(&build, || details(&build))?;
        let (shown, all) = (jobs_in(&build).len(), build["jobs"]["count"].as_u64().unwrap_or_default());
        if shown as u64 != all {
            printer.say(format_args!("These are the first {shown} of {all} jobs."));
        }
        Ok(Exit::Done)
    }
}

fn details(build: &Value) -> String {
    let line = |name: &str, value: &str| format!("{name:<9} {}\n", harmless(value).replace('\n', " "));
    let mut head = format!(
        "build {} of {}: {}\n",
        build["number"],
        text(&build["pipeline"], "slug"),
        text(build, "state").to_lowercase()
    );
    head.push_str(&line("uuid", text(build, "uuid")));
    head.push_str(&line("branch", text(build, "branch")));
    head.push_str(&line("commit", text(build, "commit")));
    if !text(build, "message").is_empty() {
        head.push_str(&line("message", text(build, "message")));
    }
    if build["rebuiltFrom"]["number"].is_number() {
        head.push_str(&line("repeats", &format!("build {}", build["rebuiltFrom"]["number"])));
    }
    head.push_str(&line("by", text(&build["createdBy"], "email")));
    head.push_str(&line("created", &local_time(build["createdAt"].as_str())));
    head.push_str(&line("finished", &local_time(build["finishedAt"].as_str())));
    let mut jobs = Table::new(&["job", "step", "state", "exit", "agent"]);
    let mut asking = String::new();
    for job in jobs_in(build) {
        jobs.row([
            text(job, "uuid").to_owned(),
            name_of(job),
            text(job, "state").to_lowercase(),
            text(job, "exitStatus").to_owned(),
            text(&job["agent"], "name").to_owned(),
        ]);
        if job["isUnblockable"] == true {
            asking.push_str(&format!("\nIt waits for somebody: countersign build unblock {}\n", text(job, "uuid")));
        }
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
    format!("{head}\n{}{asking}{data}{rest}", jobs.render())
}
