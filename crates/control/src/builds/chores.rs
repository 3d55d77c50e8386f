//! What is left to do for builds as a whole, in batches: canceling, and making the builds of triggers. A call that may leave such
//! a chore does those of its own organization before it answers; what it could not do, the next round of housekeeping does.

use countersign_domain::graph::Message;
use countersign_domain::id::{BuildId, OrganizationId};
use countersign_store::builds::tally::{self, Chore};
use countersign_store::jobs::progress;
use countersign_store::{Lane, Tx, jobs, steps};

use crate::access::actions::KeepHouse;
use crate::jobs::ending;
use crate::{Control, Error, Grant, Result, Scene};

use super::runner::Runner;
use super::trigger;

/// How many jobs or steps one transaction cancels at the most: small, so that nobody waits long behind it.
const BATCH: i64 = 200;
/// How many builds, and how many triggers, one look of the house-keeping finds at the most.
const ROUND: i64 = 100;
/// The same for a call that waits for them: whoever left more than this behind does not wait for all of it.
const INLINE: i64 = 10;

impl Control {
    /// Does what is left to do in an organization: nobody waits for another one's. A fault is for the log: the next round tries again.
    pub(crate) async fn do_chores(&self, of: OrganizationId) {
        if let Err(error) = self.see_to_builds(Some(of)).await {
            tracing::warn!(%error, "a build's chores are left for the next round");
        }
    }

    /// Does what is left to do for builds, of one organization or of all; answers for how many something was.
    ///
    /// # Errors
    /// The first that was met; what else was found has been done all the same.
    pub(crate) async fn see_to_builds(&self, only: Option<OrganizationId>) -> Result<u64> {
        let mut done = 0;
        let limit = if only.is_some() { INLINE } else { ROUND };
        // A build that was made may leave something itself; a chain of them is bounded by its depth.
        for _ in 0..=trigger::MAX_DEPTH {
            if only.is_some() && done >= INLINE.unsigned_abs() {
                break;
            }
            let (chores, triggers) =
                self.store().read((only, limit), |tx, (only, limit)| Box::pin(todo(tx, *only, *limit))).await?;
            if chores.is_empty() && triggers.is_empty() {
                break;
            }
            done += (chores.len() + triggers.len()) as u64;
            // One that cannot be done must not keep the others from it.
            let mut fault = Ok(());
            for (of, build, chore) in chores {
                fault = fault.and(self.do_chore(of, build, chore).await);
            }
            for (of, step) in triggers {
                fault = fault.and(self.make_triggered(of, step).await);
            }
            fault?;
        }
        Ok(done)
    }

    /// Does one build's chore to its end.
    pub(crate) async fn do_chore(&self, of: OrganizationId, build: BuildId, chore: Chore) -> Result<()> {
        let grant: Grant<KeepHouse> = self.system("go on with what a build is to do", of)?;
        loop {
            let lane = if chore == Chore::Cancel { Lane::Soon } else { Lane::Normal };
            let is_done =
                self.write(&grant, lane, (build, chore), |tx, scene| Box::pin(cancel_some(tx, scene))).await?;
            if is_done {
                return Ok(());
            }
        }
    }
}

type Todo = (Vec<(OrganizationId, BuildId, Chore)>, Vec<(OrganizationId, countersign_domain::id::StepId)>);

async fn todo(
    tx: &mut Tx,
    only: Option<OrganizationId>,
    limit: i64,
) -> std::result::Result<Todo, countersign_store::StoreError> {
    Ok((tally::with_chores(tx, only, limit).await?, steps::to_trigger(tx, only, limit).await?))
}

/// Cancels some of what is open; true when nothing was left.
async fn cancel_some(tx: &mut Tx, scene: &Scene<(BuildId, Chore)>) -> Result<bool> {
    let (build, chore) = scene.input;
    let only_fragile = chore == Chore::CancelFragile;
    // What agents have comes first: their own calls keep their job still before its build.
    let held = progress::held_of_build(tx, build, only_fragile, BATCH).await?;
    let mut runner = Runner::new(scene.organization);
    if runner.open(tx, build).await?.chore != Some(chore) {
        return Ok(true);
    }
    let mut open = held;
    if open.is_empty() {
        open = progress::runnable_of_build(tx, build, only_fragile, BATCH).await?;
    }
    let mut is_done = open.is_empty();
    for id in open {
        let job = jobs::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("job"))?;
        ending::cancel(tx, &mut runner, &job, ending::STOP_WITHIN).await?;
    }
    if is_done && !only_fragile {
        let left = steps::to_cancel(tx, build, BATCH).await?;
        is_done = left.is_empty();
        for step in left {
            runner.send(tx, build, step, Message::Cancel).await?;
        }
    }
    if is_done {
        let ledger = runner.open(tx, build).await?;
        ledger.chore = None;
        // Once is enough: what begins in a failing build later is wanted there.
        ledger.has_fragile_jobs &= !only_fragile;
    }
    runner.close(tx, scene).await?;
    Ok(is_done)
}
