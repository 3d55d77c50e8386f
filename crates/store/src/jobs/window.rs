//! Parts of what jobs there are: those of a stretch of a build's steps, and those that one agent had.

use countersign_domain::Timestamp;
use countersign_domain::build::{JobState, RetryType};
use countersign_domain::id::{AgentId, BuildId, JobId, OrganizationId};

use crate::{StoreError, Tx, params, statements};

use super::{Job, job};

statements! {
    /// The jobs of a build's steps behind one ($3) and up to another ($4); of the step $5, which is the first of them or none, only those
    /// behind a part ($6) and, within it, a number ($7).
    OF_STRETCH = concat!("SELECT ", columns!(), " FROM steps s JOIN jobs j ON j.step_id = s.id
              WHERE j.organization_id = $1 AND s.build_id = $2 AND s.sort > $3 AND s.sort <= $4
                AND (s.sort > $5 OR j.part > $6 OR (j.part = $6 AND j.position > $7))
              ORDER BY s.sort, j.part, j.position LIMIT $8");
    /// What tells that a job stands elsewhere or has written more.
    PULSE = "SELECT state, log_stored, finished_at FROM jobs WHERE organization_id = $1 AND id = $2";
    /// The tries of a job: those of its step that do the same part, in their order, the last ones at least.
    TRIES = "SELECT id, state, exit_status, retry_type, created_at FROM jobs
              WHERE organization_id = $1 AND step_id = $2 AND part = $3 ORDER BY position DESC LIMIT $4";
    /// A page of the jobs that an agent has or had, newest first, each with what its build is called. Those of builds that are to go are left out.
    PAST_OF_AGENT = concat!("SELECT ", columns!(), ", b.number, p.slug, p.name FROM jobs j
              JOIN builds b ON b.id = j.build_id AND b.removed_at IS NULL JOIN pipelines p ON p.id = b.pipeline_id WHERE j.organization_id = $1 AND j.agent_id = $2 AND j.id < $3
              ORDER BY j.id DESC LIMIT $4");
}

/// A stretch of a build's steps, by what they are sorted by.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// The step before the first.
    pub after: String,
    /// The last step.
    pub up_to: String,
    /// Of the first step, whose sort this is, only jobs behind this part and number; none: all of them.
    pub within: Option<(String, i64, i64)>,
}

/// At most `limit` jobs of a stretch of a build's steps, in their order; a job's successor behind it.
pub async fn of_stretch(
    tx: &mut Tx,
    of: OrganizationId,
    build: BuildId,
    stretch: &Stretch,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    let (first, part, position) = match &stretch.within {
        Some((first, part, position)) => (first.as_str(), *part, *position),
        // No step is sorted by nothing, so that every one of them is behind it.
        None => ("", 0, 0),
    };
    let values = params![of, build, stretch.after.as_str(), stretch.up_to.as_str(), first, part, position, limit];
    tx.all(OF_STRETCH, &values).await?.iter().map(job).collect()
}

/// A job that an agent has or had, and what its build is called.
#[derive(Debug, Clone)]
pub struct Past {
    /// The job.
    pub job: Job,
    /// The number of its build.
    pub number: i64,
    /// The name of its build's pipeline in addresses.
    pub pipeline_slug: String,
    /// The same for people.
    pub pipeline_name: String,
}

/// A page of the jobs that an agent has or had, newest first.
pub async fn past_of_agent(
    tx: &mut Tx,
    of: OrganizationId,
    agent: AgentId,
    after: JobId,
    limit: i64,
) -> Result<Vec<Past>, StoreError> {
    let rows = tx.all(PAST_OF_AGENT, &params![of, agent, after, limit]).await?;
    let past = rows.iter().map(|row| {
        Ok(Past {
            job: job(row)?,
            number: row.get("number")?,
            pipeline_slug: row.get("slug")?,
            pipeline_name: row.get("name")?,
        })
    });
    past.collect()
}

/// What tells that a job stands elsewhere or has written more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// Where it stands.
    pub state: JobState,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What is kept of its log: it grows with each piece, also with one that fills a gap.
    log_stored: i64,
}

/// The pulse of one of the organization's jobs.
pub async fn pulse(tx: &mut Tx, of: OrganizationId, id: JobId) -> Result<Option<Pulse>, StoreError> {
    let row = tx.maybe(PULSE, &params![of, id]).await?;
    row.map(|row| {
        let state = row.parse("state")?;
        Ok(Pulse { state, finished_at: row.get("finished_at")?, log_stored: row.get("log_stored")? })
    })
    .transpose()
}

/// One of the tries of a job.
#[derive(Debug, Clone)]
pub struct Try {
    /// Its id.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// As the agent reported it.
    pub exit_status: Option<String>,
    /// Why it is another one's successor.
    pub retry_type: Option<RetryType>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The last `limit` tries of what a job does, in their order.
pub async fn tries(tx: &mut Tx, it: &Job, limit: i64) -> Result<Vec<Try>, StoreError> {
    let rows = tx.all(TRIES, &params![it.organization, it.step, it.part, limit]).await?;
    let tries = rows.iter().rev().map(|row| {
        Ok(Try {
            id: row.get("id")?,
            state: row.parse("state")?,
            exit_status: row.get("exit_status")?,
            retry_type: row.parse_optional("retry_type")?,
            created_at: row.get("created_at")?,
        })
    });
    tries.collect()
}
