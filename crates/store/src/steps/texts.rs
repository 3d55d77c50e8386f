//! What a step was written as.

use std::collections::BTreeMap;

use countersign_domain::id::{BuildId, StepId};
use countersign_domain::plan::{PlannedStep, Work};

use crate::{StoreError, Tx, Value, params, statements};

statements! {
    /// What a step was written as.
    INSERT = "INSERT INTO step_texts (step_id, planned) VALUES ($1, $2)";
    /// What it is now.
    UPDATE = "UPDATE step_texts SET planned = $2 WHERE step_id = $1";
    /// The same, read.
    FIND = "SELECT planned FROM step_texts WHERE step_id = $1";
    /// Those of a build's steps behind one and up to another.
    OF_STRETCH = "SELECT t.step_id, t.planned FROM step_texts t JOIN steps s ON s.id = t.step_id
              WHERE s.build_id = $1 AND s.sort > $2 AND s.sort <= $3";
    /// Those of all steps of a build.
    OF_BUILD = "SELECT t.step_id, t.planned FROM step_texts t JOIN steps s ON s.id = t.step_id WHERE s.build_id = $1";
}

/// Keeps what a step was written as, without its jobs: those have rows.
pub async fn insert(tx: &mut Tx, step: StepId, planned: &PlannedStep) -> Result<(), StoreError> {
    let mut kept = planned.clone();
    if let Work::Command(work) = &mut kept.work {
        work.jobs.clear();
    }
    tx.execute(INSERT, &params![step, Value::json(&kept)?]).await.map(drop)
}

/// Keeps what a step is now; as it was [found](find), so without its jobs.
pub async fn update(tx: &mut Tx, step: StepId, planned: &PlannedStep) -> Result<(), StoreError> {
    tx.execute(UPDATE, &params![step, Value::json(planned)?]).await.map(drop)
}

/// What a step was written as, without its jobs.
pub async fn find(tx: &mut Tx, step: StepId) -> Result<PlannedStep, StoreError> {
    tx.one(FIND, &params![step]).await?.json("planned")
}

/// What all steps of a build were written as, without their jobs.
pub async fn of_build(tx: &mut Tx, build: BuildId) -> Result<BTreeMap<StepId, PlannedStep>, StoreError> {
    let rows = tx.all(OF_BUILD, &params![build]).await?;
    rows.iter().map(|row| Ok((row.get("step_id")?, row.json("planned")?))).collect()
}

/// What a build's steps behind one and up to another were written as, without their jobs; both by what they are sorted by.
pub async fn of_stretch(
    tx: &mut Tx,
    build: BuildId,
    after: &str,
    up_to: &str,
) -> Result<BTreeMap<StepId, PlannedStep>, StoreError> {
    let rows = tx.all(OF_STRETCH, &params![build, after, up_to]).await?;
    rows.iter().map(|row| Ok((row.get("step_id")?, row.json("planned")?))).collect()
}
