//! Canceling one job.

use countersign_domain::id::JobId;
use countersign_store::jobs::progress::Canceled;
use countersign_store::jobs::{self, Job};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::CancelJob;
use crate::builds::runner::Runner;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::ending;

impl Control {
    /// Cancels a job that could run or does; the rest of its build goes on as after a failure.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it waits for other steps, or has ended.
    pub async fn cancel_job(&self, grant: &Grant<CancelJob>, job: JobId) -> Result<Job> {
        let job = self.write(grant, Lane::Soon, job, |tx, scene| Box::pin(cancel(tx, scene))).await?;
        self.do_chores(grant.organization()).await;
        Ok(job)
    }
}

async fn cancel(tx: &mut Tx, scene: &Scene<JobId>) -> Result<Job> {
    let of = scene.organization;
    let job = jobs::find_for_update(tx, of, scene.input).await?.ok_or(Error::NotFound("job"))?;
    scene.may_in(tx, job.deployment).await?;
    let mut runner = Runner::new(of);
    runner.open(tx, job.build).await?;
    if ending::cancel(tx, &mut runner, &job, ending::STOP_WITHIN).await? == Canceled::NotAgain {
        let why = format!("The job is {}; only one that could run or does can be canceled.", job.state);
        return Err(Error::Conflict(why));
    }
    runner.close(tx, scene).await?;
    let subject = Subject::of_job(&job);
    scene.audit(tx, "job.canceled", subject, json!({})).await?;
    jobs::find(tx, of, job.id).await?.ok_or(Error::NotFound("job"))
}
