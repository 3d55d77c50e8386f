//! Changes of steps that clients send again when an answer gets lost.

use countersign_domain::id::{BuildId, Id, JobId, StepId};

use crate::{StoreError, Tx, params, statements};

statements! {
    /// A change; nothing happens when it was made before.
    INSERT = "INSERT INTO step_changes (step_id, uuid, created_at) VALUES ($1, $2, $3) ON CONFLICT (step_id, uuid) DO NOTHING";
    /// How many changes of a step are known.
    COUNT_OF_STEP = "SELECT COUNT(*) AS n FROM step_changes WHERE step_id = $1";
    /// An upload; nothing happens when it was made before.
    INSERT_UPLOAD = "INSERT INTO pipeline_uploads (job_id, uuid, steps, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (job_id, uuid) DO NOTHING";
    /// Whether an upload was made.
    FIND_UPLOAD = "SELECT steps FROM pipeline_uploads WHERE job_id = $1 AND uuid = $2";
    /// How many steps a build has.
    COUNT = "SELECT COUNT(*) AS n FROM steps WHERE build_id = $1";
}

/// What an [`Id`] of an upload is of: the client chose it.
#[derive(Debug)]
pub enum Upload {}

/// Notes a change. False when it was made before.
pub async fn insert(tx: &mut Tx, step: StepId, uuid: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(INSERT, &params![step, uuid, now]).await? == 1)
}

/// How many changes of a step are known.
pub async fn count_of_step(tx: &mut Tx, step: StepId) -> Result<i64, StoreError> {
    tx.one(COUNT_OF_STEP, &params![step]).await?.get("n")
}

/// Notes an upload. False when it was made before.
pub async fn insert_upload(tx: &mut Tx, job: JobId, uuid: Id<Upload>, steps: i64) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(INSERT_UPLOAD, &params![job, uuid, steps, now]).await? == 1)
}

/// Whether a job has made an upload.
pub async fn has_upload(tx: &mut Tx, job: JobId, uuid: Id<Upload>) -> Result<bool, StoreError> {
    Ok(tx.maybe(FIND_UPLOAD, &params![job, uuid]).await?.is_some())
}

/// How many steps a build has.
pub async fn count_steps(tx: &mut Tx, build: BuildId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![build]).await?.get("n")
}
