//! What a step waits for, and what it has been told of it.

use countersign_domain::graph::{Ending, Relation, Tolerance};
use countersign_domain::id::{BuildId, StepId};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// A step waits for another.
    INSERT = "INSERT INTO step_edges (step_id, on_id, relation, tolerance, told) VALUES ($1, $2, $3, $4, $5)";
    /// Tells those who wait for something of a step how it ended.
    TELL = "UPDATE step_edges SET told = $3 WHERE on_id = $1 AND relation = $2 AND told IS NULL RETURNING step_id, tolerance, told";
    /// Those who were told.
    TOLD = "SELECT step_id, tolerance, told FROM step_edges WHERE on_id = $1 AND relation = $2 AND told IS NOT NULL ORDER BY step_id";
    /// One of them waits again.
    TAKE_BACK = "UPDATE step_edges SET told = NULL WHERE step_id = $1 AND on_id = $2";
    /// What steps wait for and were not told of.
    OPEN_OF = "SELECT on_id, relation FROM step_edges WHERE step_id = $1 AND told IS NULL";
    /// Which steps of a build wait, or have waited, for which.
    OF_BUILD = "SELECT e.step_id, e.on_id FROM step_edges e JOIN steps s ON s.id = e.step_id WHERE s.build_id = $1
              ORDER BY s.sort, e.on_id LIMIT $2";
}

/// Somebody who waits for a step.
#[derive(Debug, Clone, Copy)]
pub struct Waiter {
    /// Who.
    pub step: StepId,
    /// Which endings let them go on.
    pub tolerance: Tolerance,
    /// What they were told.
    pub told: Ending,
}

fn waiter(row: &Row) -> Result<Waiter, StoreError> {
    Ok(Waiter { step: row.get("step_id")?, tolerance: row.parse("tolerance")?, told: row.parse("told")? })
}

/// Adds an edge.
pub async fn insert(
    tx: &mut Tx,
    step: StepId,
    on: StepId,
    relation: Relation,
    tolerance: Tolerance,
    told: Option<Ending>,
) -> Result<(), StoreError> {
    let values = params![step, on, relation.as_str(), tolerance.as_str(), told.map(|it| it.as_str())];
    tx.execute(INSERT, &values).await.map(drop)
}

/// Tells those who wait for something of a step how it ended; answers who they are, in the order of their making.
pub async fn tell(tx: &mut Tx, on: StepId, relation: Relation, ending: Ending) -> Result<Vec<Waiter>, StoreError> {
    let rows = tx.all(TELL, &params![on, relation.as_str(), ending.as_str()]).await?;
    let mut all: Vec<Waiter> = rows.iter().map(waiter).collect::<Result<_, _>>()?;
    all.sort_unstable_by_key(|it| it.step);
    Ok(all)
}

/// Those who were told something of a step.
pub async fn told(tx: &mut Tx, on: StepId, relation: Relation) -> Result<Vec<Waiter>, StoreError> {
    tx.all(TOLD, &params![on, relation.as_str()]).await?.iter().map(waiter).collect()
}

/// A step waits again for another.
pub async fn take_back(tx: &mut Tx, step: StepId, on: StepId) -> Result<(), StoreError> {
    tx.execute(TAKE_BACK, &params![step, on]).await.map(drop)
}

/// What a step waits for and was not told of.
pub async fn open_of(tx: &mut Tx, step: StepId) -> Result<Vec<(StepId, Relation)>, StoreError> {
    let rows = tx.all(OPEN_OF, &params![step]).await?;
    rows.iter().map(|row| Ok((row.get("on_id")?, row.parse("relation")?))).collect()
}

/// At most `limit` pairs of a build's steps: the second of each waits, or has waited, for the first.
pub async fn of_build(tx: &mut Tx, build: BuildId, limit: i64) -> Result<Vec<(StepId, StepId)>, StoreError> {
    let rows = tx.all(OF_BUILD, &params![build, limit]).await?;
    rows.iter().map(|row| Ok((row.get("on_id")?, row.get("step_id")?))).collect()
}
