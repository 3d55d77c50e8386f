//! Changing a step of the job's own build.

use countersign_domain::pipeline::{MAX_LABEL, notify as read_notify};
use countersign_domain::plan::Work;
use countersign_domain::text::check_line;
use countersign_store::steps::{self, changes, texts};
use countersign_store::{Lane, Tx, jobs};
use serde_json::{Value, json};

use crate::access::actions::WriteSteps;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::widen::widen;
use super::{StepRow, named, step_name};

/// Most bytes of the name that a client gives a change.
const MAX_UUID: usize = 100;
/// Most changes of one step that can be told from such as are sent again.
const MAX_CHANGES: i64 = 10_000;

/// Where a step keeps what is announced of it.
const NOTIFY: &str = "notify";
/// Most announcements of one step.
pub const MAX_NOTIFY: usize = 100;

/// What is to be different about a step.
#[derive(Debug)]
pub struct StepChange {
    /// The step's id or key.
    pub step: String,
    /// Chosen by the client: a change that is sent again is made once.
    pub uuid: Option<String>,
    /// `label`, `notify`, `parallelism` or `priority`.
    pub attribute: String,
    /// What it is to be.
    pub value: String,
    /// Whether a label, or what is announced, is added to what is there.
    pub append: bool,
}

impl Control {
    /// Changes a step: its label, what is announced of it, how many parallel jobs it has, or the priority of those that wait.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no step of the build; [`Error::Invalid`] at `attribute`, `value` or `idempotency_uuid`; [`Error::Conflict`]
    /// for more jobs of a step that has ended.
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
        "parallelism" if change.append => {
            return Err(Error::invalid("append", "is for label and notify; say how many jobs there are to be in all"));
        }
        "parallelism" => widen(tx, scene, &row, &change.value).await?,
        "notify" => notify(tx, &row, change).await?,
        _ => {
            let why = "is not one that can be changed: label, notify, parallelism and priority are";
            return Err(Error::invalid("attribute", why));
        }
    }
    let subject = Subject::new::<countersign_domain::id::of::Step>("step", row.id, step_name(&row));
    let detail = json!({ "attribute": change.attribute, "value": change.value, "append": change.append });
    scene.audit(tx, "step.updated", subject, detail).await
}

/// What is announced of a step. This server announces nothing; whoever asks the step is told.
async fn notify(tx: &mut Tx, row: &StepRow, change: &StepChange) -> Result<()> {
    let mut planned = texts::find(tx, row.id).await?;
    let Work::Command(work) = &mut planned.work else {
        return Err(Error::invalid("attribute", format!("is not one of a {} step", row.step.kind)));
    };
    let mut all = match work.passed_on.remove(NOTIFY) {
        Some(Value::Array(all)) if change.append => all,
        _ => Vec::new(),
    };
    all.extend(input::field("value", read_notify(&change.value))?);
    if all.len() > MAX_NOTIFY {
        return Err(Error::invalid("value", format!("would come to more than {MAX_NOTIFY} announcements")));
    }
    work.passed_on.insert(NOTIFY.to_owned(), Value::Array(all));
    Ok(texts::update(tx, row.id, &planned).await?)
}
