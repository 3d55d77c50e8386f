//! A job comes to its end: it is run again, or its step hears of it.

use std::time::Duration;

use countersign_domain::build::{JobState, RetryType};
use countersign_domain::graph::{Failure, Message, Verdict, retries, soft_fails};
use countersign_domain::id::JobId;
use countersign_domain::plan::Work;
use countersign_store::Tx;
use countersign_store::builds;
use countersign_store::jobs::dispatch::Spot;
use countersign_store::jobs::progress::{self, Canceled, Ending};
use countersign_store::jobs::{self, Job};
use countersign_store::steps::texts;

use crate::builds::runner::Runner;
use crate::{Result, Scene};

/// How long a job that was told to stop may take for it, before it is given up although its agent is there.
pub const STOP_WITHIN: Duration = Duration::from_secs(15 * 60);

/// A job has ended so. False when it had ended before: then nothing changes.
pub(crate) async fn end<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    runner: &mut Runner,
    job: &Job,
    how: &Ending,
) -> Result<bool> {
    if !progress::finish(tx, job.id, how).await? {
        return Ok(false);
    }
    let is_canceled = runner.open(tx, job.build).await?.tally.is_canceled;
    runner.group_changed(job.limit.as_ref().map(|it| it.group.as_str()));
    let exit_status = how.exit_status.parse().unwrap_or(-1);
    let has_passed = how.state == JobState::Finished && exit_status == 0;
    let verdict = if has_passed {
        Verdict::Passed
    } else if how.state == JobState::Canceled {
        Verdict::Canceled
    } else {
        let Work::Command(work) = texts::find(tx, job.step).await?.work else { return Ok(true) };
        let failure = Failure {
            exit_status: if exit_status == 0 { -1 } else { exit_status },
            signal: how.signal.as_deref(),
            signal_reason: how.signal_reason.as_deref(),
        };
        let so_far = u32::try_from(job.retries_count).unwrap_or(u32::MAX);
        if !is_canceled && retries(&work.automatic_retry, &failure, so_far) {
            again(tx, scene, runner, job, RetryType::Automatic).await?;
            return Ok(true);
        }
        if soft_fails(job.soft_fail.as_ref().unwrap_or(&work.soft_fail), failure.exit_status) {
            progress::soft_fail(tx, job.id).await?;
            Verdict::SoftFailed
        } else {
            Verdict::Failed
        }
    };
    runner.send(tx, job.build, job.step, Message::JobEnded(verdict)).await?;
    Ok(true)
}

/// Makes the successor of a job. `None` when it has one already.
pub(crate) async fn again<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    runner: &mut Runner,
    job: &Job,
    why: RetryType,
) -> Result<Option<JobId>> {
    let fresh = scene.fresh_id(tx);
    let position = builds::take_positions(tx, job.build, 1).await?;
    let state = if job.limit.is_some() { JobState::Limited } else { JobState::Scheduled };
    if !jobs::insert_successor(tx, job.id, fresh, position, state, why).await? {
        return Ok(None);
    }
    match &job.limit {
        Some(limit) => runner.group_changed(Some(&limit.group)),
        None => runner.job_waits(Spot {
            deployment: job.deployment,
            queue: job.queue.clone(),
            rules: job.rules.canonical(),
        }),
    }
    Ok(Some(fresh))
}

/// Cancels a job that could run or does. One whose agent does not stop it `within` that time is given up.
pub(crate) async fn cancel(tx: &mut Tx, runner: &mut Runner, job: &Job, within: Duration) -> Result<Canceled> {
    let stop_by = tx.now().plus(within);
    let outcome = progress::cancel(tx, job.id, stop_by).await?;
    match outcome {
        Canceled::AtOnce => {
            runner.tell_agent(job.agent);
            runner.group_changed(job.limit.as_ref().map(|it| it.group.as_str()));
            runner.send(tx, job.build, job.step, Message::JobEnded(Verdict::Canceled)).await?;
        }
        Canceled::ByItsAgent => runner.tell_agent(job.agent),
        Canceled::NotAgain => progress::hasten(tx, job.id, stop_by).await?,
    }
    Ok(outcome)
}
