//! Following a build: the log of each job on standard output, one job after the other, in the order of the pipeline.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::log_text::LogText;
use crate::{
    Ambient,
    api::{
        Api, documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    output::{Printer, harmless},
};

/// How often the server is asked for more.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How long nothing may start before people are told what the build waits for.
const QUIET: Duration = Duration::from_secs(10);
/// How often in a row a server may be out of reach or have had enough: its limits start anew after five minutes.
const PATIENCE: u32 = 660;

/// Follows a build to its end.
pub(super) async fn to_the_end(api: &Api, uuid: &str, number: &Value, ambient: &Ambient, printer: Printer) -> Outcome {
    let mut following = Following { api, ambient, printer, misses: 0 };
    let mut at = 0;
    let since = ambient.clock.now();
    let mut was_told = false;
    let build = loop {
        let build = following.build(uuid).await?;
        let jobs = jobs(&build);
        // One job at a time, so that logs do not mix: that which is next in the pipeline.
        if let Some(job) = jobs.get(at) {
            if has_begun(job) {
                following.job(text(job, "uuid"), job).await?;
                at += 1;
            } else if has_ended(text(job, "state")) {
                at += 1;
            } else {
                // Said once, and only while no job of the build has started.
                let waits = at == 0 && text(job, "state") == "SCHEDULED";
                if waits && !was_told && ambient.clock.now().since(since) >= QUIET {
                    let queue = harmless(text(job, "queue"));
                    printer.say(format_args!("still waiting for an agent in queue {queue}"));
                    was_told = true;
                }
                ambient.clock.sleep(ASK_AGAIN).await;
            }
            continue;
        }
        if is_over(text(&build, "state")) {
            break build;
        }
        ambient.clock.sleep(ASK_AGAIN).await;
    };
    let state = text(&build, "state");
    printer.say(format_args!("Build {number} {}", state.to_lowercase()));
    if printer.is_json() {
        printer.result(&json!({ "uuid": uuid, "number": number, "state": state }), String::new)?;
    }
    Ok(match state {
        "PASSED" => Exit::Done,
        "CANCELED" => Exit::BuildCanceled,
        _ => Exit::BuildFailed,
    })
}

struct Following<'a> {
    api: &'a Api,
    ambient: &'a Ambient,
    printer: Printer,
    /// How often in a row the server was out of reach.
    misses: u32,
}

impl Following<'_> {
    async fn build(&mut self, uuid: &str) -> Outcome<Value> {
        let mut answer = self.call(documents::BUILD_FOLLOW, &json!({ "uuid": uuid })).await?;
        shapes::there(Some(answer["build"].take()), "build")
    }

    /// The log of one job, until it has ended.
    async fn job(&mut self, uuid: &str, job: &Value) -> Outcome<()> {
        let agent = text(&job["agent"], "name");
        let on = if agent.is_empty() { String::new() } else { format!(" on {agent}") };
        self.printer.say(format_args!("--- {}{}", harmless(&name_of(job)), harmless(&on)));
        let mut from = json!(0);
        let mut text_of_log = LogText::default();
        loop {
            let mut answer = self.call(documents::JOB_LOG, &json!({ "uuid": uuid, "from": from })).await?;
            let mut part = shapes::there(Some(answer["job"]["logPart"].take()), "log")?;
            let bytes = STANDARD.decode(text(&part, "contentBase64")).map_err(Failure::internal)?;
            if !bytes.is_empty() && !self.printer.is_json() {
                self.printer.write(&text_of_log.clean(&bytes))?;
            }
            from = part["next"].take();
            if part["isComplete"] == true {
                return Ok(());
            }
            if bytes.is_empty() {
                self.ambient.clock.sleep(ASK_AGAIN).await;
            }
        }
    }

    /// Asks, and asks again while the server is away.
    async fn call(&mut self, document: &str, variables: &Value) -> Outcome<Value> {
        loop {
            match self.api.call(document, variables).await {
                Ok(answer) => {
                    self.misses = 0;
                    return Ok(answer);
                }
                Err(failure) if matches!(failure.exit, Exit::Unavailable | Exit::TooMany) && self.misses < PATIENCE => {
                    if self.misses == 0 {
                        self.printer.say(format_args!("{failure}; asking again"));
                    }
                    self.misses += 1;
                    self.ambient.clock.sleep(ASK_AGAIN).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

fn jobs(build: &Value) -> Vec<Value> {
    let edges = build["jobs"]["edges"].as_array().cloned().unwrap_or_default();
    edges.into_iter().map(|mut edge| edge["node"].take()).filter(|job| !job.is_null()).collect()
}

/// A job's label, else the first line of its command.
pub(super) fn name_of(job: &Value) -> String {
    let label = text(job, "label");
    if label.is_empty() { text(job, "command").lines().next().unwrap_or_default().to_owned() } else { label.to_owned() }
}

/// Whether there is, or was, something to follow.
fn has_begun(job: &Value) -> bool {
    match text(job, "state") {
        "RUNNING" | "FINISHED" | "CANCELING" => true,
        // One that was cancelled before it ran has no log.
        "CANCELED" => !text(job, "exitStatus").is_empty(),
        _ => false,
    }
}

fn has_ended(job: &str) -> bool {
    matches!(job, "FINISHED" | "CANCELED" | "BROKEN" | "SKIPPED" | "EXPIRED" | "TIMED_OUT")
}

fn is_over(build: &str) -> bool {
    matches!(build, "PASSED" | "FAILED" | "CANCELED")
}
