//! `countersign dagster run`: runs of code locations' jobs.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use countersign_domain::dagster::RunStatus;
use countersign_domain::text::DeploymentName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{
        Api, dagster_documents as documents,
        shapes::{self, text, there},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, harmless, local_time},
};

/// Events of one call; all of a run come in several.
const EVENTS_AT_ONCE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum RunCommand {
    /// Launch a run of a job: an agent that serves the deployment and the code location's queue takes it
    #[command(after_help = "Example:\n  countersign dagster run launch sales daily --tag team=a")]
    Launch {
        /// The code location
        location: String,
        /// The job
        job: String,
        /// The repository in the code location; where there is only one, it may be left out
        #[arg(long, value_name = "NAME", env = variables::REPOSITORY)]
        repository: Option<String>,
        /// The deployment, by name
        #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
        deployment: Option<DeploymentName>,
        /// What the run is configured with: a JSON object
        #[arg(long, value_name = "JSON", env = variables::RUN_CONFIG)]
        config: Option<String>,
        /// Something that is said of the run; again for more
        #[arg(long = "tag", value_name = "KEY=VALUE", value_delimiter = ',', env = variables::RUN_TAGS)]
        tags: Vec<String>,
        /// Whoever launches the job with the same key again gets the same run
        #[arg(long, value_name = "KEY", env = variables::IDEMPOTENCY_KEY)]
        idempotency_key: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the runs of a deployment, newest first
    #[command(after_help = "Example:\n  countersign dagster run list --deployment prod --status FAILURE")]
    List {
        /// The deployment, by name
        #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
        deployment: Option<DeploymentName>,
        /// Only those that stand there
        #[arg(long, value_name = "STATUS", env = variables::RUN_STATUS)]
        status: Option<RunStatus>,
        /// The most that are listed
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a run: where it stands and since when, its configuration and its tags
    #[command(after_help = "Example:\n  countersign dagster run show 01a21e6d-5322-7ae7-83e8-717e2f38b389")]
    Show(Named),
    /// Show what the worker of a run told, in the order in which it came
    #[command(after_help = "Example:\n  countersign dagster run events 01a21e6d-5322-7ae7-83e8-717e2f38b389")]
    Events(Named),
    /// Show what the steps of a run have written
    #[command(after_help = "Example:\n  countersign dagster run logs 01a21e6d-5322-7ae7-83e8-717e2f38b389")]
    Logs(Named),
    /// Stop a run: the agent that took it is asked to, and it is canceled once its worker says so
    #[command(after_help = "Example:\n  countersign dagster run terminate 01a21e6d-5322-7ae7-83e8-717e2f38b389")]
    Terminate {
        #[command(flatten)]
        named: Named,
        /// Also when nothing is heard of its worker: it ends at once then, whatever that does
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The run's id
    run: String,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    dagster_runs: shapes::Connection<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    dagster_run: Option<Value>,
}

impl RunCommand {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = |server: &ServerArgs| Api::for_user(server, &ambient.environment);
        match self {
            Self::Launch { location, job, repository, deployment, config, tags, idempotency_key, server } => {
                let tags = tags.iter().map(|it| tag(it)).collect::<Outcome<Vec<_>>>()?;
                let input = json!({
                    "location": location, "job": job, "repository": repository, "config": config, "tags": tags,
                    "deployment": deployment.as_ref().map(DeploymentName::as_str), "idempotencyKey": idempotency_key,
                });
                let answer: Value = api(&server)?.call(documents::RUN_LAUNCH, json!({ "input": input })).await?;
                let run = changed(answer, "dagsterRunLaunch")?;
                printer
                    .result(&run, || format!("Run {} of {} was launched.", text(&run, "uuid"), text(&run, "job")))?;
            }
            Self::List { deployment, status, limit, server } => {
                let variables = json!({
                    "deployment": deployment.as_ref().map(DeploymentName::as_str),
                    "status": status.map(RunStatus::as_str),
                    "first": limit,
                });
                let answer: shapes::Viewer<Listed> = api(&server)?.call(documents::RUN_LIST, variables).await?;
                let page = answer.into_organization()?.dagster_runs;
                let has_more = page.has_more();
                let runs = page.into_nodes();
                printer.result(&runs, || table(&runs))?;
                if has_more {
                    printer.say(format_args!("There are more than these {}; see more with --limit.", runs.len()));
                }
            }
            Self::Show(named) => {
                let run = find(&api(&named.server)?, documents::RUN_SHOW, json!({ "uuid": named.run })).await?;
                printer.result(&run, || page_of(&run))?;
            }
            Self::Events(named) => {
                let events = events(&api(&named.server)?, &named.run).await?;
                printer.result(&events, || lines_of(&events))?;
            }
            Self::Logs(named) => {
                let api = api(&named.server)?;
                let mut run = find(&api, documents::RUN_LOGS, json!({ "uuid": named.run })).await?;
                let logs = run["logs"].take();
                let mut out = String::new();
                if !printer.is_json() {
                    for log in logs.as_array().into_iter().flatten() {
                        out.push_str(&text_of(&api, log).await?);
                    }
                }
                printer.result(&logs, || out)?;
            }
            Self::Terminate { named, force } => {
                let input = json!({ "uuid": named.run, "force": force });
                let answer: Value =
                    api(&named.server)?.call(documents::RUN_TERMINATE, json!({ "input": input })).await?;
                let run = changed(answer, "dagsterRunTerminate")?;
                printer.result(&run, || match text(&run, "status") {
                    "CANCELED" => format!("Run {} is canceled.", text(&run, "uuid")),
                    _ => format!("Run {} is being stopped by its agent.", text(&run, "uuid")),
                })?;
            }
        }
        Ok(Exit::Done)
    }
}

fn tag(given: &str) -> Outcome<Value> {
    let parts = given.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = parts.ok_or_else(|| Failure::bad_input(format!("--tag {given}: write KEY=VALUE")))?;
    Ok(json!({ "key": key, "value": value }))
}

fn changed(mut answer: Value, field: &str) -> Outcome<Value> {
    there(Some(answer[field]["run"].take()), "run")
}

async fn find(api: &Api, document: &str, variables: Value) -> Outcome<Value> {
    let answer: shapes::Viewer<Found> = api.call(document, variables).await?;
    there(answer.into_organization()?.dagster_run, "run")
}

/// All events of a run.
async fn events(api: &Api, run: &str) -> Outcome<Vec<Value>> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().map_or(json!(0), |last| last["number"].clone());
        let variables = json!({ "uuid": run, "after": after, "first": EVENTS_AT_ONCE });
        let mut found = find(api, documents::RUN_EVENTS, variables).await?;
        let page = found["events"].take();
        let page = page.as_array().map(Vec::as_slice).unwrap_or_default();
        all.extend_from_slice(page);
        let is_last = all.last().is_none_or(|last| last["number"].as_i64() >= found["eventCount"].as_i64());
        if page.is_empty() || is_last {
            return Ok(all);
        }
    }
}

fn table(runs: &[Value]) -> String {
    let mut table = Table::new(&["id", "location", "job", "status", "launched", "ended", "reason"]);
    for run in runs {
        table.row([
            text(run, "uuid").to_owned(),
            text(run, "location").to_owned(),
            text(run, "job").to_owned(),
            text(run, "status").to_owned(),
            local_time(run["createdAt"].as_str()),
            local_time(run["endedAt"].as_str()),
            text(run, "reason").to_owned(),
        ]);
    }
    table.render()
}

/// Everything about a run but its events.
fn page_of(run: &Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            writeln!(out, "{name:<12} {}", harmless(value)).unwrap_or_default();
        }
    };
    line("id", text(run, "uuid"));
    line("deployment", text(&run["deployment"], "name"));
    line("location", text(run, "location"));
    line("repository", text(run, "repository"));
    line("job", text(run, "job"));
    line("status", text(run, "status"));
    line("reason", text(run, "reason"));
    line("launched by", text(&run["createdBy"], "email"));
    for (name, field) in [
        ("launched", "createdAt"),
        ("taken", "takenAt"),
        ("started", "startedAt"),
        ("to stop", "cancelRequestedAt"),
        ("ended", "endedAt"),
    ] {
        if let Some(at) = run[field].as_str() {
            line(name, &local_time(Some(at)));
        }
    }
    line("events", &run["eventCount"].to_string());
    if run["eventsDropped"] != 0 {
        line("not kept", &run["eventsDropped"].to_string());
    }
    line("config", text(run, "config"));
    for tag in run["tags"].as_array().into_iter().flatten() {
        line("tag", &format!("{}={}", text(tag, "key"), text(tag, "value")));
    }
    out
}

fn lines_of(events: &[Value]) -> String {
    let mut out = String::new();
    for it in events {
        let parts = [text(it, "kind"), text(it, "step"), text(it, "message")];
        let words: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        writeln!(out, "{} {}", local_time(it["at"].as_str()), harmless(&words.join(" "))).unwrap_or_default();
    }
    out
}

/// A log with a line above it that says which it is.
async fn text_of(api: &Api, log: &Value) -> Outcome<String> {
    let head = harmless(&format!("--- {} of {}", text(log, "stream"), text(log, "name")));
    let Some(url) = log["url"].as_str() else {
        let size = &log["announcedSize"];
        return Ok(format!("{head}: {size} bytes, not kept\n"));
    };
    let bytes = api.fetch(url).await?;
    let text: Vec<String> = String::from_utf8_lossy(&bytes).lines().map(harmless).collect();
    Ok(if text.is_empty() { format!("{head}\n") } else { format!("{head}\n{}\n", text.join("\n")) })
}
