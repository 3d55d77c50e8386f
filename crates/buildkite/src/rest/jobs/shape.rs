//! How a job is written, and what is shown as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_control::builds::{Build, Entry};
use countersign_control::jobs::Job;
use countersign_control::organizations::Organization;
use countersign_control::steps::job_state;
use countersign_domain::Timestamp;
use countersign_domain::build::JobState;
use countersign_domain::graph::{Kind, Outcome, StepState};
use countersign_domain::plan::{PlannedStep, Work};
use countersign_http::global_id::Sort;
use serde::Serialize;
use serde_json::Value;

use super::super::agents;
use super::super::builds::Other;
use super::super::shapes::{Addresses, Head, Person, Time};

/// A job, or what is shown as one.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    r#type: &'static str,
    name: Option<String>,
    step_key: Option<String>,
    step: Step,
    state: &'static str,
    build_url: String,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Serialize)]
struct Step {
    id: String,
    signature: Option<Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Rest {
    Script(Box<Script>),
    Manual(Box<Manual>),
    Trigger(Trigger),
    Waiter {},
}

/// A job of a command.
#[derive(Serialize)]
struct Script {
    priority: Priority,
    agent_query_rules: Vec<String>,
    log_url: String,
    raw_log_url: String,
    artifacts_url: String,
    command: String,
    soft_failed: bool,
    exit_status: Option<i64>,
    signal: Option<String>,
    signal_reason: Option<String>,
    artifact_paths: Option<String>,
    agent: Option<agents::Shown>,
    created_at: Time,
    scheduled_at: Option<Time>,
    runnable_at: Option<Time>,
    started_at: Option<Time>,
    finished_at: Option<Time>,
    expired_at: Option<Time>,
    retried: bool,
    retried_in_job_id: Option<String>,
    retries_count: i64,
    retry_source: Option<()>,
    retry_type: Option<&'static str>,
    parallel_group_index: Option<i64>,
    parallel_group_total: Option<i64>,
    matrix: Option<BTreeMap<String, String>>,
    cluster_id: String,
    cluster_url: Option<()>,
    cluster_queue_id: Option<()>,
    cluster_queue_url: Option<()>,
}

#[derive(Serialize)]
struct Priority {
    number: i64,
}

/// A block or an input.
#[derive(Serialize)]
struct Manual {
    label: Option<String>,
    unblocked_by: Option<Person>,
    unblocked_at: Option<Time>,
    unblockable: bool,
    unblock_url: String,
}

#[derive(Serialize)]
struct Trigger {
    r#async: bool,
    triggered_build: Option<Other>,
}

/// Where something stands, in this API's words: what has finished has passed or failed.
pub(crate) const fn word(state: JobState, well: bool) -> &'static str {
    match state {
        JobState::Finished if well => "passed",
        JobState::Finished => "failed",
        state => state.as_str(),
    }
}

/// The same of a job, or of what is shown as one.
pub(crate) fn state_of(entry: &Entry) -> &'static str {
    match &entry.job {
        Some(job) => word(job.state, job.exit_status.as_deref() == Some("0")),
        None => {
            let well = entry.step.step.outcome == Some(Outcome::Passed);
            word(job_state(&entry.step), well)
        }
    }
}

/// A job, or what is shown as one, of a build.
pub(crate) fn shown(
    entry: Entry,
    build: &Build,
    organization: &Organization,
    addresses: &Addresses,
    now: Timestamp,
) -> Shown {
    let state = state_of(&entry);
    let Entry { step, text, job, agent, answered_by, made } = entry;
    let id = job.as_ref().map_or_else(|| step.id.cast(), |job| job.id);
    let path = format!("/jobs/{id}");
    let url = addresses.of_build(organization, build, &path);
    let unblock_url = format!("{url}/unblock");
    let web_url = format!("{}#{id}", addresses.page_of_build(organization, build));
    let mut name = step.label.clone();
    let (r#type, rest) = match (job, step.step.kind) {
        (Some(job), _) => {
            name = job.label.clone().or(name);
            let agent = agent.map(|agent| agents::shown(Arc::unwrap_or_clone(agent), organization, addresses, now));
            ("script", Rest::Script(Box::new(script(job, &text, agent, &url))))
        }
        (None, Kind::Block | Kind::Input) => {
            let manual = Manual {
                label: name.clone(),
                unblocked_by: answered_by.map(Person::from),
                unblocked_at: step.answered_at.map(Time),
                unblockable: step.step.state == StepState::Asking,
                unblock_url,
            };
            ("manual", Rest::Manual(Box::new(manual)))
        }
        (None, Kind::Trigger) => {
            let is_async = matches!(&text.work, Work::Trigger(work) if work.is_async);
            let triggered_build = made.map(|made| Other::new(&made, organization, addresses));
            ("trigger", Rest::Trigger(Trigger { r#async: is_async, triggered_build }))
        }
        (None, Kind::Wait | Kind::Command | Kind::Group) => ("waiter", Rest::Waiter {}),
    };
    Shown {
        head: Head::new(Sort::Job, id, url, web_url),
        r#type,
        name,
        step_key: step.key,
        step: Step { id: step.id.to_string(), signature: signature(&text) },
        state,
        build_url: addresses.of_build(organization, build, ""),
        rest,
    }
}

fn signature(text: &PlannedStep) -> Option<Value> {
    match &text.work {
        Work::Command(work) => work.passed_on.get("signature").cloned(),
        _ => None,
    }
}

fn script(job: Job, text: &PlannedStep, agent: Option<agents::Shown>, url: &str) -> Script {
    let artifact_paths = match &text.work {
        Work::Command(work) if !work.artifact_paths.is_empty() => Some(work.artifact_paths.join(";")),
        _ => None,
    };
    let mut agent_query_rules = vec![format!("queue={}", job.queue)];
    agent_query_rules.extend(job.rules.words());
    Script {
        priority: Priority { number: job.priority },
        agent_query_rules,
        log_url: format!("{url}/log"),
        raw_log_url: format!("{url}/log.txt"),
        artifacts_url: format!("{url}/artifacts"),
        command: job.command,
        soft_failed: job.soft_failed,
        exit_status: job.exit_status.and_then(|text| text.parse().ok()),
        signal: job.signal,
        signal_reason: job.signal_reason,
        artifact_paths,
        agent,
        created_at: Time(job.created_at),
        scheduled_at: job.runnable_at.map(Time),
        runnable_at: job.runnable_at.map(Time),
        started_at: job.started_at.map(Time),
        finished_at: job.finished_at.map(Time),
        expired_at: job.finished_at.filter(|_| job.state == JobState::Expired).map(Time),
        retried: job.retried_in.is_some(),
        retried_in_job_id: job.retried_in.map(|id| id.to_string()),
        retries_count: job.retries_count,
        retry_source: None,
        retry_type: job.retry_type.map(|why| why.as_str()),
        parallel_group_index: job.parallel.map(|(index, _)| index),
        parallel_group_total: job.parallel.map(|(_, total)| total),
        matrix: (!job.matrix.is_empty()).then_some(job.matrix),
        cluster_id: job.deployment.to_string(),
        cluster_url: None,
        cluster_queue_id: None,
        cluster_queue_url: None,
    }
}
