//! `countersign build watch`.

use std::collections::HashMap;

use clap::Args;
use serde_json::Value;

use super::{
    follow::{Following, end, name_of, until_interrupted},
    name::BuildName,
};
use crate::{
    Ambient,
    api::{Api, shapes::text},
    failure::Outcome,
    flags::ServerArgs,
    output::{Printer, harmless, local_time},
};

/// Follow a build until it has ended, with a line for each change of a job
///
/// The exit code is 0 when the build passed, 10 when it failed and 11 when it was cancelled. Ctrl-C ends the following with 130, and
/// the build goes on. With --output json only the end is told.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign build watch web/12")]
pub(super) struct Watch {
    /// The build: its uuid, or its pipeline and number as web/12
    build: BuildName,
    #[command(flatten)]
    server: ServerArgs,
}

impl Watch {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let uuid = self.build.uuid(&api).await?.to_string();
        until_interrupted(watch(&api, &uuid, ambient, printer), &uuid, printer).await
    }
}

async fn watch(api: &Api, uuid: &str, ambient: &Ambient, printer: Printer) -> Outcome {
    let mut following = Following::new(api, uuid, ambient, printer);
    let mut known: HashMap<String, String> = HashMap::new();
    loop {
        let build = following.look().await?;
        let now = ambient.clock.now().to_string();
        for job in &build.jobs {
            let state = text(job, "state").to_owned();
            let before = known.insert(text(job, "uuid").to_owned(), state.clone());
            // What has not begun is no news when it is first seen, and a wait is none at all.
            let is_news = before.map_or(state != "WAITING", |before| before != state);
            if is_news && text(job, "__typename") != "JobTypeWait" && !printer.is_json() {
                printer.write(line(&now, job).as_bytes())?;
            }
        }
        if build.is_over() {
            return end(&build, uuid, printer);
        }
        following.rest(&build).await;
    }
}

/// What there is to say of a job.
fn line(now: &str, job: &Value) -> String {
    let mut line = format!("{} {:<10} {}", local_time(Some(now)), text(job, "state").to_lowercase(), name_of(job));
    let agent = text(&job["agent"], "name");
    if !agent.is_empty() {
        line.push_str(&format!(" on {agent}"));
    }
    if !matches!(text(job, "exitStatus"), "" | "0") {
        line.push_str(&format!(", exit {}", text(job, "exitStatus")));
    }
    if job["triggered"]["number"].is_number() {
        line.push_str(&format!(": {}/{}", text(&job["triggered"]["pipeline"], "slug"), job["triggered"]["number"]));
    }
    harmless(&line).replace('\n', " ") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_where_a_job_stands() {
        let job =
            json!({ "state": "FINISHED", "label": "Te\u{1b}st\nit", "agent": { "name": "one" }, "exitStatus": "7" });
        let said = line("2026-01-02T03:04:05.678Z", &job);
        assert_eq!(said, "2026-01-02T03:04:05Z finished   Te\\u{1b}st it on one, exit 7\n");
        let job = json!({ "state": "RUNNING", "label": "Child", "triggered": { "number": 3, "pipeline": { "slug": "web" } } });
        assert_eq!(line("2026-01-02T03:04:05Z", &job), "2026-01-02T03:04:05Z running    Child: web/3\n");
    }
}
