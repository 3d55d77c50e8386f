//! Jobs that no agent has taken for too long.

use countersign_domain::Timestamp;
use countersign_domain::graph::{Message, Verdict, soft_fails};
use countersign_domain::id::JobId;
use countersign_domain::plan::Work;
use countersign_store::jobs::{self, progress};
use countersign_store::steps::texts;
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::builds::runner::Runner;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

/// How many jobs one round sees to at the most; the next round goes on.
const BATCH: i64 = 200;
/// The exit status that rules about failures are asked for: that of a job whose agent was lost.
const EXIT_STATUS: i32 = -1;

impl Control {
    /// Ends jobs that could run and that no agent has taken for the time of the [setting](crate::Settings::job_expiry). Answers how many.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn expire_jobs(&self) -> Result<u64> {
        let Some(kept) = self.settings().job_expiry else { return Ok(0) };
        let before = self.now().minus(kept);
        let found = self.store().read(before, |tx, before| Box::pin(progress::unclaimed(tx, *before, BATCH))).await?;
        let mut count = 0;
        for (of, job) in found {
            let grant: Grant<KeepHouse> = self.system("no agent has taken the job", of)?;
            let ended = self.write(&grant, Lane::Normal, (job, before), |tx, scene| Box::pin(expire(tx, scene)));
            count += u64::from(ended.await?);
        }
        Ok(count)
    }
}

/// It is not run again by itself: nobody would take that one either.
async fn expire(tx: &mut Tx, scene: &Scene<(JobId, Timestamp)>) -> Result<bool> {
    let (id, before) = scene.input;
    let job = jobs::find_for_update(tx, scene.organization, id).await?.ok_or(Error::NotFound("job"))?;
    if !progress::expire(tx, id, before).await? {
        return Ok(false);
    }
    let mut runner = Runner::new(scene.organization);
    runner.group_changed(job.limit.as_ref().map(|it| it.group.as_str()));
    let is_soft = match (&job.soft_fail, texts::find(tx, job.step).await?.work) {
        (Some(rule), _) => soft_fails(rule, EXIT_STATUS),
        (None, Work::Command(work)) => soft_fails(&work.soft_fail, EXIT_STATUS),
        (None, _) => false,
    };
    if is_soft {
        progress::soft_fail(tx, id).await?;
    }
    let verdict = if is_soft { Verdict::SoftFailed } else { Verdict::Failed };
    runner.send(tx, job.build, job.step, Message::JobEnded(verdict)).await?;
    runner.close(tx, scene).await?;
    let subject = Subject::of_job(&job);
    scene.audit(tx, "job.expired", subject, json!({})).await?;
    Ok(true)
}
