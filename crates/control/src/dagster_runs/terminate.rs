//! Stopping a run: the agent that took it is asked to, and its worker says when it has.

use countersign_domain::dagster::{RequestKind, RunStatus};
use countersign_domain::id::{DagsterRequestId, DagsterRunId};
use countersign_store::dagster_requests::{self, NewRequest};
use countersign_store::dagster_runs::{self, DagsterRun};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::TerminateDagsterRun;
use crate::{Control, Error, Grant, Result, Scene};

use super::lost::{ended, subject};

/// Which run is to be stopped, and how.
#[derive(Debug, Clone, Copy)]
pub struct Termination {
    /// The run.
    pub run: DagsterRunId,
    /// Whether it ends at once, whatever its worker does: for one of which nothing is heard any more.
    pub force: bool,
}

impl Control {
    /// Stops a run. One that no agent has taken ends at once, and so does one by force; every other when its worker has stopped.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] in another deployment than one's own; [`Error::Conflict`] for one that has ended.
    pub async fn terminate_run(&self, grant: &Grant<TerminateDagsterRun>, asked: Termination) -> Result<DagsterRun> {
        let input = (asked, self.fresh_id());
        self.write(grant, Lane::Soon, input, |tx, scene| Box::pin(terminate(tx, scene))).await
    }
}

async fn terminate(tx: &mut Tx, scene: &Scene<(Termination, DagsterRequestId)>) -> Result<DagsterRun> {
    let (of, (Termination { run, force }, fresh)) = (scene.organization, scene.input);
    let mut run = dagster_runs::lock(tx, of, run).await?.ok_or(Error::NotFound("run"))?;
    scene.may_in(tx, run.deployment).await?;
    if run.status.is_over() {
        let status = run.status;
        return Err(Error::Conflict(format!(
            "The run has ended already, as {status}: there is nothing to stop. To run its job again, launch it anew."
        )));
    }
    let (now, before) = (tx.now(), run.cancel_requested_at);
    run.cancel_requested_at = Some(before.unwrap_or(now));
    let is_over = force || run.taken_by.is_none();
    if is_over {
        run.status = RunStatus::Canceled;
        run.ended_at = Some(now);
        let why = if run.taken_by.is_none() { "canceled before an agent took it" } else { "canceled by force" };
        run.reason = Some(why.to_owned());
        dagster_requests::end_of_run(tx, of, run.id).await?;
    }
    // Whoever ends one by force has its worker stopped all the same, where that is still heard.
    let is_asked = is_over || before.is_none_or(|at| now.since(at) >= RequestKind::Terminate.life());
    if run.taken_by.is_some() && is_asked {
        // Only its own agent can: another one knows nothing of its worker.
        let new = NewRequest {
            id: fresh,
            deployment: run.deployment,
            kind: RequestKind::Terminate,
            location: Some(&run.location),
            queue: run.queue.as_deref(),
            by: scene.caller.user(),
            run: Some(run.id),
            only_for: run.taken_by,
        };
        dagster_requests::insert(tx, of, &new).await?;
    }
    dagster_runs::save(tx, &run).await?;
    scene.audit(tx, "dagster_run.terminated", subject(&run), json!({ "force": force })).await?;
    if is_over {
        ended(tx, scene, &run).await?;
    }
    Ok(run)
}
