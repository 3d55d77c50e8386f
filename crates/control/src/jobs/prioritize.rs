//! A person has a job taken sooner, or later.

use std::ops::RangeInclusive;

use countersign_domain::id::JobId;
use countersign_store::jobs::{self, Job, progress};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::PrioritizeJob;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

/// The priorities that there are, as pipelines have them: higher first.
pub const PRIORITIES: RangeInclusive<i64> = -2_147_483_648..=2_147_483_647;

impl Control {
    /// Gives a job that no agent has another priority. The same again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `priority`; [`Error::Conflict`] when an agent has it, or it has ended.
    pub async fn prioritize_job(&self, grant: &Grant<PrioritizeJob>, job: JobId, priority: i64) -> Result<Job> {
        if !PRIORITIES.contains(&priority) {
            let (least, most) = (PRIORITIES.start(), PRIORITIES.end());
            return Err(Error::invalid("priority", format!("must be a whole number from {least} to {most}")));
        }
        self.write(grant, Lane::Normal, (job, priority), |tx, scene| Box::pin(prioritize(tx, scene))).await
    }
}

async fn prioritize(tx: &mut Tx, scene: &Scene<(JobId, i64)>) -> Result<Job> {
    let (id, priority) = scene.input;
    let job = jobs::find_for_update(tx, scene.organization, id).await?.ok_or(Error::NotFound("job"))?;
    scene.may_in(tx, job.deployment).await?;
    if job.priority == priority {
        return Ok(job);
    }
    if !progress::prioritize(tx, id, priority).await? {
        let why = format!("The job is {}; only one that waits for an agent can be given another priority.", job.state);
        return Err(Error::Conflict(why));
    }
    let subject = Subject::of_job(&job);
    scene.audit(tx, "job.prioritized", subject, json!({ "from": job.priority, "to": priority })).await?;
    Ok(Job { priority, ..job })
}
