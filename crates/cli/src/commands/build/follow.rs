//! Following a build: looking at it again and again, and the logs of its jobs one after the other, in the order of the pipeline.

use std::{collections::HashSet, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::signal::unix::SignalKind;

use super::log_text::LogText;
use crate::{
    Ambient,
    api::{
        Api, build_documents as documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    output::{Printer, harmless},
    server::signal_of,
};

/// How often the server is asked for more; of a build whose jobs need several pages, so much longer.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How long nothing may start before people are told what the build waits for.
const QUIET: Duration = Duration::from_secs(10);
/// How often in a row a server may be out of reach or have had enough: its limits start anew after five minutes.
const PATIENCE: u32 = 660;

/// Follows the logs of a build to its end.
pub(super) async fn to_the_end(api: &Api, uuid: &str, ambient: &Ambient, printer: Printer) -> Outcome {
    let mut following = Following::new(api, uuid, ambient, printer);
    let build = following.logs(&|_| true, true).await?;
    end(&build, uuid, printer)
}

/// Ends with the word that a build ended with.
pub(super) fn end(build: &Look, uuid: &str, printer: Printer) -> Outcome {
    printer.say(format_args!("Build {} {}", build.number, build.state.to_lowercase()));
    if printer.is_json() {
        let result = json!({ "uuid": uuid, "number": build.number, "state": build.state });
        printer.result(&result, String::new)?;
    }
    Ok(match build.state.as_str() {
        "PASSED" => Exit::Done,
        "CANCELED" => Exit::BuildCanceled,
        _ => Exit::BuildFailed,
    })
}

/// Ends early at Ctrl-C: the build goes on.
pub(super) async fn until_interrupted(doing: impl Future<Output = Outcome>, uuid: &str, printer: Printer) -> Outcome {
    let mut interrupt = signal_of(SignalKind::interrupt())?;
    tokio::select! {
        ended = doing => ended,
        _ = interrupt.recv() => {
            printer.say(format_args!("The build goes on; to cancel it: countersign build cancel {uuid}"));
            Ok(Exit::Interrupted)
        }
    }
}

/// A build at one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub number: i64,
    pub state: String,
    pub jobs: Vec<Value>,
    /// How many answers that took.
    pages: u32,
}

impl Look {
    /// Whether nothing will change any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "PASSED" | "FAILED" | "CANCELED" | "SKIPPED" | "NOT_RUN")
    }
}

#[derive(Deserialize)]
struct Page {
    number: i64,
    state: String,
    jobs: shapes::Connection<Value>,
}

pub(super) struct Following<'a> {
    api: &'a Api,
    uuid: &'a str,
    ambient: &'a Ambient,
    printer: Printer,
    /// How often in a row the server was out of reach.
    misses: u32,
    since: Timestamp,
    /// What people were told that the build waits for.
    told: HashSet<String>,
}

impl<'a> Following<'a> {
    pub fn new(api: &'a Api, uuid: &'a str, ambient: &'a Ambient, printer: Printer) -> Self {
        Self { api, uuid, ambient, printer, misses: 0, since: ambient.clock.now(), told: HashSet::new() }
    }

    /// Where the build and its jobs stand.
    pub async fn look(&mut self) -> Outcome<Look> {
        let mut jobs = Vec::new();
        let mut after: Option<String> = None;
        let mut pages = 0;
        loop {
            let mut answer = self.call(documents::FOLLOW, &json!({ "uuid": self.uuid, "after": after })).await?;
            let build = shapes::there(Some(answer["build"].take()), "build")?;
            let page: Page = serde_json::from_value(build).map_err(Failure::internal)?;
            pages += 1;
            after = page.jobs.next();
            jobs.extend(page.jobs.into_nodes());
            if after.is_none() {
                return Ok(Look { number: page.number, state: page.state, jobs, pages });
            }
        }
    }

    /// Tells people what the build waits for, once for each, and lets some time go by.
    pub async fn rest(&mut self, build: &Look) {
        for job in build.jobs.iter().filter(|job| job["isUnblockable"] == true) {
            let (uuid, name) = (text(job, "uuid"), harmless(&name_of(job)));
            self.tell(uuid, format!("{name} waits for somebody: countersign build unblock {uuid}"));
        }
        let has_begun = build.jobs.iter().any(has_log);
        let waiting = build.jobs.iter().find(|job| text(job, "state") == "SCHEDULED" && !text(job, "queue").is_empty());
        if let Some(job) = waiting.filter(|_| !has_begun && self.ambient.clock.now().since(self.since) >= QUIET) {
            let queue = harmless(text(job, "queue"));
            self.tell("", format!("still waiting for an agent in queue {queue}"));
        }
        self.ambient.clock.sleep(ASK_AGAIN * build.pages).await;
    }

    fn tell(&mut self, about: &str, what: String) {
        if self.told.insert(about.to_owned()) {
            self.printer.say(what);
        }
    }

    /// The logs of some jobs, one at a time so that they do not mix, until the build is over. Unless they are all there are, their own
    /// end is enough; all of a build's jobs are known at its end only: some are uploaded, or run again.
    pub async fn logs(&mut self, wanted: &impl Fn(&Value) -> bool, are_all: bool) -> Outcome<Look> {
        let mut done: HashSet<String> = HashSet::new();
        loop {
            let build = self.look().await?;
            let mut some = build.jobs.iter().filter(|job| wanted(job));
            let next = some.clone().find(|job| has_log(job) && !done.contains(text(job, "uuid")));
            if let Some(job) = next {
                self.log(job, true).await?;
                done.insert(text(job, "uuid").to_owned());
            } else if build.is_over() || (!are_all && some.all(has_ended)) {
                return Ok(build);
            } else {
                self.rest(&build).await;
            }
        }
    }

    /// The log of one job: what there is of it, or until it has ended.
    pub async fn log(&mut self, job: &Value, to_its_end: bool) -> Outcome<()> {
        let agent = text(&job["agent"], "name");
        let on = if agent.is_empty() { String::new() } else { format!(" on {agent}") };
        self.printer.say(format_args!("--- {}{}", harmless(&name_of(job)), harmless(&on)));
        let mut clean = LogText::default();
        let printer = self.printer;
        self.parts(text(job, "uuid"), to_its_end, |bytes| {
            if printer.is_json() { Ok(()) } else { printer.write(&clean.clean(bytes)) }
        })
        .await
    }

    /// Hands the log of one job on as it is, part by part.
    pub async fn parts(
        &mut self,
        uuid: &str,
        to_its_end: bool,
        mut take: impl FnMut(&[u8]) -> Outcome<()>,
    ) -> Outcome<()> {
        let mut from = json!(0);
        loop {
            let mut answer = self.call(documents::LOG, &json!({ "uuid": uuid, "from": from })).await?;
            let mut part = shapes::there(Some(answer["job"]["logPart"].take()), "log")?;
            let bytes = STANDARD.decode(text(&part, "contentBase64")).map_err(Failure::internal)?;
            take(&bytes)?;
            from = part["next"].take();
            if part["isComplete"] == true || (bytes.is_empty() && !to_its_end) {
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

/// The jobs in an answer about a build.
pub(super) fn jobs_in(build: &Value) -> Vec<&Value> {
    let edges = build["jobs"]["edges"].as_array().into_iter().flatten();
    edges.map(|edge| &edge["node"]).filter(|job| !job.is_null()).collect()
}

/// A job's label, else the first line of its command, else its step's key or its kind.
pub(super) fn name_of(job: &Value) -> String {
    let command = text(job, "command").lines().next().unwrap_or_default();
    let kind = match text(job, "__typename") {
        "JobTypeWait" => "wait",
        "JobTypeBlock" => "block",
        "JobTypeTrigger" => "trigger",
        _ => "",
    };
    let names = [text(job, "label"), command, text(job, "stepKey"), kind];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}

/// Whether there is, or was, something to follow.
pub(super) fn has_log(job: &Value) -> bool {
    if text(job, "__typename") != "JobTypeCommand" {
        return false;
    }
    match text(job, "state") {
        "RUNNING" | "FINISHED" | "CANCELING" | "TIMING_OUT" | "TIMED_OUT" => true,
        // One that was cancelled before it ran has no log.
        "CANCELED" => !text(job, "exitStatus").is_empty(),
        _ => false,
    }
}

/// Whether a job will not change any more.
fn has_ended(job: &Value) -> bool {
    matches!(
        text(job, "state"),
        "FINISHED"
            | "CANCELED"
            | "BROKEN"
            | "SKIPPED"
            | "EXPIRED"
            | "TIMED_OUT"
            | "WAITING_FAILED"
            | "BLOCKED_FAILED"
            | "UNBLOCKED"
    )
}
