//! Parts of what jobs there are: those of a stretch of a build's steps, and those that one agent had.

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
    /// A page of the jobs that an agent has or had, newest first.
    PAST_OF_AGENT = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.organization_id = $1 AND j.agent_id = $2 AND j.id < $3
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

/// A page of the jobs that an agent has or had, newest first.
pub async fn past_of_agent(
    tx: &mut Tx,
    of: OrganizationId,
    agent: AgentId,
    after: JobId,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    tx.all(PAST_OF_AGENT, &params![of, agent, after, limit]).await?.iter().map(job).collect()
}
