//! Reading a step of the job's own build.

use countersign_domain::graph::{Kind, Outcome, StepState};
use countersign_domain::id::OrganizationId;
use countersign_domain::plan::{PlannedStep, Work};
use countersign_store::Tx;
use countersign_store::jobs::{self, Job};
use countersign_store::steps::texts;
use serde_json::{Map, Value, json};

use crate::access::actions::ReadSteps;
use crate::{Control, Error, Grant, Result};

use super::{StepRow, named};

/// How many of a step's jobs are looked at for what they have in common.
const JOBS: i64 = 1_000;

impl Control {
    /// A step of the job's own build, or one attribute of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no step of the build; [`Error::Invalid`] at `attribute`.
    pub async fn export_step(
        &self,
        grant: &Grant<ReadSteps>,
        step: String,
        attribute: Option<String>,
    ) -> Result<Value> {
        let build = grant.job()?.build;
        self.read(grant, (build, step, attribute), |tx, scene| {
            Box::pin(async move {
                let (build, step, attribute) = &scene.input;
                let row = named(tx, scene.organization, *build, step).await?;
                let mut all = attributes(tx, scene.organization, &row).await?;
                match attribute {
                    None => Ok(Value::Object(all)),
                    Some(name) => all.remove(name).ok_or_else(|| {
                        let known: Vec<&String> = all.keys().collect();
                        Error::invalid("attribute", format!("is none of a step's; known are {known:?}"))
                    }),
                }
            })
        })
        .await
    }
}

async fn attributes(tx: &mut Tx, of: OrganizationId, row: &StepRow) -> Result<Map<String, Value>> {
    let planned = texts::find(tx, row.id).await?;
    let jobs = jobs::of_step(tx, of, row.id, JOBS).await?;
    let mut all = Map::new();
    all.insert("id".to_owned(), json!(row.id.to_string()));
    all.insert("key".to_owned(), json!(row.key));
    all.insert("label".to_owned(), json!(row.label));
    all.insert("type".to_owned(), json!(row.step.kind.as_str()));
    all.insert("if".to_owned(), json!(planned.condition));
    all.insert("state".to_owned(), json!(state(row, &jobs)));
    all.insert("outcome".to_owned(), json!(outcome(row, &jobs)));
    let names = planned.depends_on.as_ref().map(|all| all.iter().map(|it| it.step.clone()).collect::<Vec<_>>());
    all.insert("depends_on".to_owned(), json!(names));
    if let Work::Command(work) = &planned.work {
        let first = jobs.first();
        all.insert("command".to_owned(), json!(first.map(|job| job.command.as_str())));
        all.insert("env".to_owned(), json!(first.map(|job| &job.env)));
        let agents = first.map(|job| {
            let mut rules = vec![format!("queue={}", job.queue)];
            rules.extend(job.rules.words());
            rules
        });
        all.insert("agents".to_owned(), json!(agents));
        all.insert("parallelism".to_owned(), json!(first.and_then(|job| job.parallel).map(|(_, count)| count)));
        all.insert("timeout".to_owned(), json!(work.timeout_in_minutes));
        all.insert("concurrency_key".to_owned(), json!(work.concurrency.as_ref().map(|it| it.group.as_str())));
        all.insert("concurrency_limit".to_owned(), json!(work.concurrency.as_ref().map(|it| it.limit)));
        all.insert("priority".to_owned(), json!(first.map_or(work.priority, |job| job.priority)));
        all.insert("notify".to_owned(), notify(&planned));
    }
    Ok(all)
}

fn notify(planned: &PlannedStep) -> Value {
    match &planned.work {
        Work::Command(work) => work.passed_on.get("notify").cloned().unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

/// Where a step stands, in the words of `step get`.
fn state(row: &StepRow, jobs: &[Job]) -> &'static str {
    let step = &row.step;
    match (step.state, step.outcome) {
        (StepState::Waiting, _) => "waiting_for_dependencies",
        (StepState::Asking, _) => "ready",
        (StepState::Ended, Some(Outcome::Canceled)) => "canceled",
        (StepState::Ended, Some(Outcome::Omitted | Outcome::Skipped | Outcome::Dropped)) => "ignored",
        (StepState::Ended, _) => "finished",
        (StepState::Open, _) if step.jobs.failed > 0 => "failing",
        (StepState::Open, _) if step.kind == Kind::Command && jobs.iter().all(|job| job.started_at.is_none()) => {
            "ready"
        }
        (StepState::Open, _) => "running",
    }
}

/// How a step stands so far: a job that has failed counts while others go on. Null while all is well and not over.
fn outcome(row: &StepRow, jobs: &[Job]) -> Option<&'static str> {
    let step = &row.step;
    let has_run = jobs.iter().any(|job| job.finished_at.is_some());
    match step.outcome {
        Some(Outcome::Passed) => Some("passed"),
        Some(Outcome::SoftFailed) => Some("soft_failed"),
        Some(Outcome::Failed) => Some("hard_failed"),
        Some(Outcome::Broken | Outcome::Canceled) => Some("errored"),
        Some(_) => None,
        None if step.jobs.failed > 0 => Some("hard_failed"),
        None if step.jobs.soft_failed > 0 && has_run => Some("soft_failed"),
        None => None,
    }
}
