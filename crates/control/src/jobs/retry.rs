//! A person has a job run again.

use countersign_domain::build::{JobState, RetryType};
use countersign_domain::graph::{Message, Verdict};
use countersign_domain::id::JobId;
use countersign_domain::plan::Work;
use countersign_store::jobs::{self, Job};
use countersign_store::steps::texts;
use countersign_store::{Lane, Tx, deployments};
use serde_json::json;

use crate::access::actions::RetryJob;
use crate::builds::runner::Runner;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::ending;

impl Control {
    /// Runs a job again as another one; steps that had given up because of it wait again. Answers the other one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it has not ended, was run again, belongs to a canceled build or a deployment
    /// that was deleted, or its step says no.
    pub async fn retry_job(&self, grant: &Grant<RetryJob>, job: JobId) -> Result<Job> {
        let job = self.write(grant, Lane::Normal, job, |tx, scene| Box::pin(retry(tx, scene))).await?;
        self.do_chores(grant.organization()).await;
        Ok(job)
    }
}

async fn retry(tx: &mut Tx, scene: &Scene<JobId>) -> Result<Job> {
    let of = scene.organization;
    let job = jobs::find_for_update(tx, of, scene.input).await?.ok_or(Error::NotFound("job"))?;
    scene.may_in(tx, job.deployment).await?;
    let conflict = |why: &str| Err(Error::Conflict(why.to_owned()));
    if job.retried_in.is_some() {
        return conflict("The job was run again already; its successor is the one to look at.");
    }
    let exit_status: i32 = job.exit_status.as_deref().and_then(|text| text.parse().ok()).unwrap_or(-1);
    let verdict = match job.state {
        JobState::Finished if exit_status == 0 => Verdict::Passed,
        JobState::Finished | JobState::TimedOut | JobState::Expired if job.soft_failed => Verdict::SoftFailed,
        JobState::Finished | JobState::TimedOut | JobState::Expired => Verdict::Failed,
        JobState::Canceled => Verdict::Canceled,
        state => return conflict(&format!("The job is {state}; only one that has run can be run again.")),
    };
    if deployments::enter(tx, of, job.deployment).await?.is_none() {
        return conflict("The deployment that the job ran in was deleted; create a build in another one.");
    }
    let mut runner = Runner::new(of);
    if runner.open(tx, job.build).await?.tally.is_canceled {
        return conflict("The build was canceled; rebuild it instead.");
    }
    if let Work::Command(work) = texts::find(tx, job.step).await?.work {
        let rule = work.manual_retry;
        if !rule.allowed {
            let why = rule.reason.unwrap_or_else(|| "The step does not allow it.".to_owned());
            return conflict(&format!("The job may not be run again by a person: {why}"));
        }
        if verdict == Verdict::Passed && !rule.permit_on_passed {
            return conflict("The job has passed, and its step does not allow it to be run again then.");
        }
    }
    runner.send(tx, job.build, job.step, Message::JobReopened(verdict)).await?;
    let Some(fresh) = ending::again(tx, scene, &mut runner, &job, RetryType::Manual).await? else {
        return conflict("The job was run again already; its successor is the one to look at.");
    };
    runner.close(tx, scene).await?;
    let subject = Subject::of_job(&job);
    scene.audit(tx, "job.retried", subject, json!({ "by": fresh.to_string() })).await?;
    jobs::find(tx, of, fresh).await?.ok_or(Error::NotFound("job"))
}
