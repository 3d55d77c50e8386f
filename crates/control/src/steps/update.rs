//! Changing a step of the job's own build.

use countersign_domain::pipeline::MAX_LABEL;
use countersign_domain::text::check_line;
use countersign_store::steps::{self, changes};
use countersign_store::{Lane, Tx, jobs};
use serde_json::json;

use crate::access::actions::WriteSteps;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::{named, step_name};

/// Most bytes of the name that a client gives a change.
const MAX_UUID: usize = 100;
/// Most changes of one step that can be told from such as are sent again.
const MAX_CHANGES: i64 = 10_000;

/// What is to be different about a step.
#[derive(Debug)]
pub struct StepChange {
    /// The step's id or key.
    pub step: String,
    /// Chosen by the client: a change that is sent again is made once.
    pub uuid: Option<String>,
    /// `label` or `priority`.
    pub attribute: String,
    /// What it is to be.
    pub value: String,
    /// Whether a label is added to what is there.
    pub append: bool,
}

impl Control {
    /// Changes a step: its label, or the priority of its jobs that wait.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no step of the build; [`Error::Invalid`] at `attribute`, `value` or `idempotency_uuid`.
    pub async fn update_step(&self, grant: &Grant<WriteSteps>, change: StepChange) -> Result<()> {
        if let Some(uuid) = &change.uuid {
            input::field("idempotency_uuid", check_line(uuid, MAX_UUID))?;
        }
        let build = grant.job()?.build;
        self.write(grant, Lane::Normal, (build, change), |tx, scene| Box::pin(update(tx, scene))).await
    }
}

async fn update(tx: &mut Tx, scene: &Scene<(countersign_domain::id::BuildId, StepChange)>) -> Result<()> {
    let (build, change) = &scene.input;
    let row = named(tx, scene.organization, *build, &change.step).await?;
    if let Some(uuid) = &change.uuid
        && !changes::insert(tx, row.id, uuid).await?
    {
        return Ok(());
    }
    if changes::count_of_step(tx, row.id).await? > MAX_CHANGES {
        return Err(Error::Conflict(format!("The step was changed {MAX_CHANGES} times, the most there may be.")));
    }
    match change.attribute.as_str() {
        "label" => {
            let before = row.label.as_deref().filter(|_| change.append).unwrap_or_default();
            let label = format!("{before}{}", change.value);
            input::field("value", check_line(&label, MAX_LABEL))?;
            steps::set_label(tx, row.id, &label).await?;
            jobs::set_label(tx, row.id, &label).await?;
        }
        "priority" => {
            let given = change.value.trim().parse::<i32>();
            let range = format!("is not a whole number from {} to {}", i32::MIN, i32::MAX);
            let priority = input::field("value", given.map_err(|_| range))?.into();
            jobs::set_priority(tx, row.id, priority).await?;
        }
        _ => return Err(Error::invalid("attribute", "is not one that can be changed: label and priority are")),
    }
    let subject = Subject::new::<countersign_domain::id::of::Step>("step", row.id, step_name(&row));
    let detail = json!({ "attribute": change.attribute, "value": change.value, "append": change.append });
    scene.audit(tx, "step.updated", subject, detail).await
}
