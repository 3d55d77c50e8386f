//! What the workers of runs have told, in the order in which it came.

use countersign_domain::Timestamp;
use countersign_domain::id::DagsterRunId;

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// An event.
    INSERT = "INSERT INTO dagster_run_events (run_id, number, call_key, kind, step, level, occurred_at, message, entry)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// Whether a call was taken before.
    HAS_KEY = "SELECT number FROM dagster_run_events WHERE run_id = $1 AND call_key = $2";
    /// Those of a run above a number. $3: at the most.
    PAGE = "SELECT number, kind, step, level, occurred_at, message, entry FROM dagster_run_events WHERE run_id = $1 AND number > $2
              ORDER BY number LIMIT $3";
    /// Removes some of a run. $2: at the most.
    REMOVE = "DELETE FROM dagster_run_events WHERE run_id = $1 AND number IN (SELECT number FROM dagster_run_events WHERE run_id = $1
              ORDER BY number LIMIT $2)";
}

/// What a worker told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEventRow {
    /// Its number in the run, from 1.
    pub number: i64,
    /// What sort of event it is, such as `STEP_START`; none for a line that the code logged.
    pub kind: Option<String>,
    /// The step that it is about.
    pub step: Option<String>,
    /// How grave it is: 10 for what helps to find a fault, 50 for what ends all.
    pub level: i64,
    /// When it happened, by the worker's clock.
    pub occurred_at: Timestamp,
    /// For people.
    pub message: String,
    /// All of it, as it came: JSON.
    pub entry: String,
}

fn event(row: &Row) -> Result<RunEventRow, StoreError> {
    Ok(RunEventRow {
        number: row.get("number")?,
        kind: row.get("kind")?,
        step: row.get("step")?,
        level: row.get("level")?,
        occurred_at: row.get("occurred_at")?,
        message: row.get("message")?,
        entry: row.get("entry")?,
    })
}

/// Whether something was told by a call with this key before.
pub async fn has_key(tx: &mut Tx, run: DagsterRunId, key: &str) -> Result<bool, StoreError> {
    Ok(tx.maybe(HAS_KEY, &params![run, key]).await?.is_some())
}

/// Adds what was told by a call that perhaps has a key.
pub async fn insert(tx: &mut Tx, run: DagsterRunId, it: &RunEventRow, key: Option<&str>) -> Result<(), StoreError> {
    let values = params![
        run,
        it.number,
        key,
        it.kind.as_deref(),
        it.step.as_deref(),
        it.level,
        it.occurred_at,
        it.message.as_str(),
        it.entry.as_str()
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// At most `limit` of a run above a number.
pub async fn page(tx: &mut Tx, run: DagsterRunId, after: i64, limit: i64) -> Result<Vec<RunEventRow>, StoreError> {
    tx.all(PAGE, &params![run, after, limit]).await?.iter().map(event).collect()
}

/// Removes at most `limit` of a run; answers how many.
pub async fn remove(tx: &mut Tx, run: DagsterRunId, limit: i64) -> Result<u64, StoreError> {
    tx.execute(REMOVE, &params![run, limit]).await
}
