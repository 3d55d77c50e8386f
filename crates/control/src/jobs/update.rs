//! A job changes what is said of it.

use countersign_domain::id::JobId;
use countersign_domain::pipeline::MAX_TIMEOUT;
use countersign_store::jobs::{self, progress};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::UpdateJob;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

impl Control {
    /// Sets how many minutes the job may run, counted from its start. One that is over already ends it.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `timeout_in_minutes`; [`Error::Conflict`] when the job was told to stop.
    pub async fn set_job_timeout(&self, grant: &Grant<UpdateJob>, minutes: &str) -> Result<JobId> {
        let job = grant.job()?.job;
        let minutes = minutes.trim().parse().ok().filter(|minutes| (1..=i64::from(MAX_TIMEOUT)).contains(minutes));
        let minutes = minutes.ok_or_else(|| {
            Error::invalid("timeout_in_minutes", format!("is not a whole number from 1 to {MAX_TIMEOUT}"))
        })?;
        self.write(grant, Lane::Normal, (job, minutes), |tx, scene| Box::pin(set(tx, scene))).await
    }
}

async fn set(tx: &mut Tx, scene: &Scene<(JobId, i64)>) -> Result<JobId> {
    let (id, minutes) = scene.input;
    let job = jobs::find_for_update(tx, scene.organization, id).await?.ok_or(Error::NotFound("job"))?;
    if job.canceled_at.is_some() || job.state == countersign_domain::build::JobState::TimingOut {
        return Err(Error::Conflict(format!("The job is {}; it is to stop.", job.state)));
    }
    progress::set_timeout(tx, id, minutes).await?;
    let subject = Subject::of_job(&job);
    scene.audit(tx, "job.updated", subject, json!({ "timeout_in_minutes": minutes })).await?;
    Ok(id)
}
