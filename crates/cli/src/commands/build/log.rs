//! `countersign build log`.

use std::io::{IsTerminal, stdout};

use clap::Args;
use serde_json::{Value, json};

use super::{
    follow::{Following, has_log, name_of, until_interrupted},
    name::BuildName,
};
use crate::{
    Ambient,
    api::{Api, shapes::text},
    failure::{Exit, Failure, Outcome},
    flags::ServerArgs,
    output::Printer,
};

/// Print the logs of a build's jobs, one after the other in the order of the pipeline
///
/// Of what a terminal would obey only colours are kept, and line ends. With --raw the bytes come as the job wrote them, with the time
/// stamps of its agent; they are not sent to a terminal. The exit code is 0 whatever became of the build: see build watch for that.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign build log web/12 --follow\n  countersign build log web/12 --job test --raw"
)]
pub(super) struct Log {
    /// The build: its uuid, or its pipeline and number as web/12
    build: BuildName,
    /// Only jobs with this uuid, step key or label
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Stay until these jobs have ended
    #[arg(long)]
    follow: bool,
    /// The bytes as they are; standard output must be no terminal
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Log {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        if self.follow && (self.raw || printer.is_json()) {
            return Err(Failure::bad_input("--follow prints text as it comes; leave out --raw and --output json"));
        }
        if self.raw && stdout().is_terminal() {
            return Err(Failure::bad_input(
                "--raw would let a job steer this terminal; send it to a file, or leave --raw out",
            ));
        }
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let uuid = self.build.uuid(&api).await?.to_string();
        until_interrupted(self.print(&api, &uuid, ambient, printer), &uuid, printer).await
    }

    async fn print(&self, api: &Api, uuid: &str, ambient: &Ambient, printer: Printer) -> Outcome {
        let mut following = Following::new(api, uuid, ambient, printer);
        let build = following.look().await?;
        let jobs: Vec<&Value> = build.jobs.iter().filter(|job| self.wants(job)).collect();
        if jobs.is_empty() && self.job.is_some() {
            let why = format!("no job of that name found in the build; see countersign build show {uuid}");
            return Err(Failure::new(Exit::NotFound, why));
        }
        if self.follow {
            following.logs(&|job: &Value| self.wants(job), self.job.is_none()).await?;
            return Ok(Exit::Done);
        }
        let mut all = Vec::new();
        for job in jobs.into_iter().filter(|job| has_log(job)) {
            if printer.is_json() {
                let mut bytes = Vec::new();
                let keep = |part: &[u8]| {
                    bytes.extend_from_slice(part);
                    Ok(())
                };
                following.parts(text(job, "uuid"), false, keep).await?;
                all.push(json!({ "uuid": job["uuid"], "name": name_of(job), "state": job["state"],
                    "log": String::from_utf8_lossy(&bytes) }));
            } else if self.raw {
                following.parts(text(job, "uuid"), false, |part| printer.write(part)).await?;
            } else {
                following.log(job, false).await?;
            }
        }
        if printer.is_json() {
            printer.result(&all, String::new)?;
        }
        Ok(Exit::Done)
    }

    /// Every command, or those that are named.
    fn wants(&self, job: &Value) -> bool {
        let is_command = text(job, "__typename") == "JobTypeCommand";
        let names = ["uuid", "stepKey", "label"].map(|field| text(job, field));
        self.job.as_deref().map_or(is_command, |wanted| is_command && names.contains(&wanted))
    }
}
