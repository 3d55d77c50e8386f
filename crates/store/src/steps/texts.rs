//! What a step was written as.

use countersign_domain::id::StepId;
use countersign_domain::plan::{PlannedStep, Work};

use crate::{StoreError, Tx, Value, params, statements};

statements! {
    /// What a step was written as.
    INSERT = "INSERT INTO step_texts (step_id, planned) VALUES ($1, $2)";
    /// What it is now.
    UPDATE = "UPDATE step_texts SET planned = $2 WHERE step_id = $1";
    /// The same, read.
    FIND = "SELECT planned FROM step_texts WHERE step_id = $1";
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
