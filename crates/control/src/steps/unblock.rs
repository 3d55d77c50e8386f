//! A person answers a block or an input.

use std::collections::BTreeMap;

use countersign_domain::graph::{Message, StepState};
use countersign_domain::id::StepId;
use countersign_domain::metadata;
use countersign_domain::plan::{Question, Work};
use countersign_domain::text::{FieldError, shown};
use countersign_store::builds::{self, meta_data};
use countersign_store::steps::{self, StepRow, texts};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::UnblockStep;
use crate::builds::runner::Runner;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::step_name;

/// What a person answers.
#[derive(Debug, Default)]
pub struct Answer {
    /// By the fields' keys; several chosen values are lines.
    pub fields: BTreeMap<String, String>,
}

impl Control {
    /// Answers a block or an input: what it asks for becomes meta-data, and what waits for it goes on.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it does not ask now; [`Error::Invalid`] at `fields.KEY`.
    pub async fn unblock_step(&self, grant: &Grant<UnblockStep>, step: StepId, answer: Answer) -> Result<StepRow> {
        let row = self.write(grant, Lane::Normal, (step, answer), |tx, scene| Box::pin(unblock(tx, scene))).await?;
        self.do_chores(grant.organization()).await;
        Ok(row)
    }
}

async fn unblock(tx: &mut Tx, scene: &Scene<(StepId, Answer)>) -> Result<StepRow> {
    let (id, answer) = &scene.input;
    let of = scene.organization;
    let row = steps::find(tx, of, *id).await?.ok_or(Error::NotFound("step"))?;
    let build = builds::find(tx, of, row.build).await?.ok_or(Error::NotFound("step"))?;
    scene.may_in(tx, build.deployment).await?;
    let mut runner = Runner::new(of);
    runner.open(tx, row.build).await?;
    // Only now does nobody else answer.
    let row = steps::find(tx, of, *id).await?.ok_or(Error::NotFound("step"))?;
    let (Work::Block(question) | Work::Input(question)) = texts::find(tx, row.id).await?.work else {
        return Err(Error::Conflict("The step is neither a block nor an input; it asks nobody.".to_owned()));
    };
    if row.step.state != StepState::Asking {
        let why = if row.step.state == StepState::Waiting { "waits for other steps" } else { "does not ask any more" };
        return Err(Error::Conflict(format!("The step {why}.")));
    }
    for (key, value) in checked(&question, &answer.fields)? {
        meta_data::set(tx, row.build, &key, &value).await?;
    }
    steps::set_answered(tx, row.id, scene.caller.user()).await?;
    runner.send(tx, row.build, row.id, Message::Answered).await?;
    runner.close(tx, scene).await?;
    let subject = Subject::new::<countersign_domain::id::of::Step>("step", row.id, step_name(&row));
    let keys: Vec<&String> = answer.fields.keys().collect();
    scene.audit(tx, "step.unblocked", subject, json!({ "fields": keys })).await?;
    steps::find(tx, of, row.id).await?.ok_or(Error::NotFound("step"))
}

/// The answers that the fields take, defaults filled in.
fn checked(question: &Question, given: &BTreeMap<String, String>) -> Result<Vec<(String, String)>> {
    if let Some(other) = given.keys().find(|key| !question.fields.iter().any(|field| field.key == **key)) {
        return Err(Error::invalid(&format!("fields.{}", shown(other)), "is not asked for"));
    }
    let (mut answers, mut faults) = (Vec::new(), Vec::new());
    for field in &question.fields {
        let value = given.get(&field.key).or(field.default.as_ref()).filter(|value| !value.is_empty());
        let fault = match value {
            None if field.required => Some("must be filled in".to_owned()),
            None => None,
            Some(value) => {
                answers.push((field.key.clone(), value.clone()));
                metadata::check_value(value).map_err(|bad| bad.to_string()).and_then(|()| field.takes(value)).err()
            }
        };
        faults.extend(fault.map(|message| FieldError::new(format!("fields.{}", field.key), message)));
    }
    // Whoever fills in a form hears of all that is wrong with it at once.
    if faults.is_empty() { Ok(answers) } else { Err(Error::Invalid(faults)) }
}
