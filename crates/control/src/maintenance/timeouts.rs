//! Jobs that run too long are told to stop; jobs that were told to and do not are given up.

use std::collections::BTreeMap;

use countersign_domain::build::JobState;
use countersign_domain::id::{JobId, OrganizationId};
use countersign_store::jobs::progress::{self, Ending};
use countersign_store::{Lane, Tx, jobs};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::builds::runner::Runner;
use crate::builds::wake;
use crate::jobs::ending;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

/// How many jobs of each sort one round sees to at the most; the next round goes on.
const BATCH: i64 = 200;

type Jobs = Vec<(OrganizationId, JobId)>;

impl Control {
    /// Tells jobs that have run too long to stop, and gives up those that did not stop in time. Answers how many jobs that were.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn end_overdue_jobs(&self) -> Result<u64> {
        let now = self.now();
        let (overdue, unstopped): (Jobs, Jobs) = self
            .store()
            .read(now, |tx, now| {
                Box::pin(async move {
                    let overdue = progress::overdue(tx, *now, BATCH).await?;
                    Ok::<_, countersign_store::StoreError>((overdue, progress::unstopped(tx, *now, BATCH).await?))
                })
            })
            .await?;
        let mut count = 0;
        for (of, job) in overdue {
            let grant: Grant<KeepHouse> = self.system("the job ran too long", of)?;
            count += u64::from(self.write(&grant, Lane::Normal, job, |tx, scene| Box::pin(tell(tx, scene))).await?);
        }
        for (of, job) in unstopped {
            let grant: Grant<KeepHouse> = self.system("the job did not stop", of)?;
            count += u64::from(self.write(&grant, Lane::Normal, job, |tx, scene| Box::pin(give_up(tx, scene))).await?);
        }
        Ok(count)
    }
}

async fn tell(tx: &mut Tx, scene: &Scene<JobId>) -> Result<bool> {
    let job = jobs::find_for_update(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("job"))?;
    let stop_by = tx.now().plus(ending::STOP_WITHIN);
    if !progress::time_out(tx, job.id, stop_by).await? {
        return Ok(false);
    }
    wake(tx, scene, scene.organization, BTreeMap::new(), job.agent.into_iter().collect());
    let subject = Subject::of_job(&job);
    scene.audit(tx, "job.timed_out", subject, json!({ "minutes": job.timeout_minutes })).await?;
    Ok(true)
}

async fn give_up(tx: &mut Tx, scene: &Scene<JobId>) -> Result<bool> {
    let job = jobs::find_for_update(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("job"))?;
    if !matches!(job.state, JobState::Canceling | JobState::TimingOut) {
        return Ok(false);
    }
    let how = Ending {
        state: job.state.finished(),
        exit_status: "-1".to_owned(),
        signal: None,
        signal_reason: Some("cancel".to_owned()),
        chunks_failed: 0,
    };
    let mut runner = Runner::new(scene.organization);
    ending::end(tx, scene, &mut runner, &job, &how).await?;
    runner.close(tx, scene).await?;
    let subject = Subject::of_job(&job);
    scene.audit(tx, "job.given_up", subject, json!({ "state": how.state.as_str() })).await?;
    Ok(true)
}
