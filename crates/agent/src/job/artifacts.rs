//! The files that a step names as artifacts, uploaded after its command, also when that failed.

use std::{collections::BTreeMap, path::Path};

use countersign_wire::buildkite::Job;

use super::log::Log;
use crate::{
    AgentError, Progress,
    api::{Api, Halt},
    artifacts::{self, Line, Sending, Wanted},
    stop::Stop,
    worker::Worker,
};

/// The step's patterns.
const PATHS: &str = "BUILDKITE_ARTIFACT_PATHS";
/// The user's own place for them.
const DESTINATION: &str = "BUILDKITE_ARTIFACT_UPLOAD_DESTINATION";
/// How many files are sent at once.
const AT_ONCE: usize = 4;

/// Uploads what the step names, relative to the folder that its command ran in. False when that failed: then the job fails.
pub(super) async fn upload(worker: &Worker, api: &Api, job: &Job, folder: &Path, log: &mut Log) -> bool {
    let Some(patterns) = said(&job.env, PATHS) else { return true };
    log.line("~~~ Uploading artifacts").await;
    match send(worker, api, job, patterns, folder).await {
        Ok(0) => {
            log.line(&format!("No files matched the paths: {patterns}")).await;
            true
        }
        Ok(count) => {
            log.line(&format!("Uploaded {count} artifacts")).await;
            true
        }
        Err(error) => {
            log.line(&format!("The artifacts could not be uploaded: {error}")).await;
            false
        }
    }
}

async fn send(worker: &Worker, api: &Api, job: &Job, patterns: &str, folder: &Path) -> Result<usize, AgentError> {
    if said(&job.env, DESTINATION).is_some() {
        return Err(AgentError::bad_input(format!("{DESTINATION} is set, and this agent uploads to the server only")));
    }
    let is_set = |name: &str| said(&job.env, name).is_some_and(|value| matches!(value, "true" | "1"));
    let wanted = Wanted {
        patterns,
        delimiter: ";",
        literal: false,
        follow_links: is_set("BUILDKITE_AGENT_ARTIFACT_GLOB_RESOLVE_FOLLOW_SYMLINKS"),
        skip_links: is_set("BUILDKITE_ARTIFACT_UPLOAD_SKIP_SYMLINKS"),
        folder,
    };
    let files = artifacts::collect(&wanted)?;
    let count = files.len();
    let halt = Halt::at(Stop::Now, worker.stop());
    let line = Line { api, ambient: worker.ambient(), halt: &halt };
    let how =
        Sending { job: &job.id, content_type: None, by_parts: true, at_once: AT_ONCE, progress: Progress::default() };
    artifacts::send(&line, files, &how).await?;
    Ok(count)
}

fn said<'a>(env: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}
