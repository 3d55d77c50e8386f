//! From an agent's taking a run to its end by other means than an event: it could not be started, or its token went.

use std::collections::BTreeSet;

use countersign_domain::Timestamp;
use countersign_domain::dagster::{LostBecause, RequestKind, RunStatus};
use countersign_domain::id::{DagsterRunId, DeploymentId, OrganizationId, TokenId};
use countersign_store::Tx;
use countersign_store::dagster_agents::{Heard, RunWorker};
use countersign_store::dagster_requests::{self, DagsterRequest};
use countersign_store::dagster_runs::{self, DagsterRun, ends};
use serde_json::json;

use crate::dagster::Answer;
use crate::scene::Subject;
use crate::{Result, Scene};

/// What an agent answers that has started or stopped a run.
const DONE: &str = "DagsterCloudApiSuccess";
/// The tag in which an agent says that it started the worker of a run: its own id, as its heartbeats have it.
const AGENT: &str = "dagster/agent_id";
/// How many runs one change of a token, or of a deployment, ends in its own transaction; house-keeping ends the others.
const AT_ONCE: i64 = 1_000;

/// Holds runs until the transaction ends, before the requests about them are changed: [the order](super) in which both are locked.
pub(crate) async fn hold(tx: &mut Tx, of: OrganizationId, runs: &BTreeSet<DagsterRunId>) -> Result<()> {
    for id in runs {
        dagster_runs::hold(tx, of, *id).await?;
    }
    Ok(())
}

/// A run is given to an agent that shows this token, to be started or stopped; none when there is nothing to start or stop any more.
pub(crate) async fn give(
    tx: &mut Tx,
    of: OrganizationId,
    request: &DagsterRequest,
    id: DagsterRunId,
    token: TokenId,
) -> Result<Option<DagsterRun>> {
    // One that was ended by force may have a worker yet.
    let is_left = |it: &DagsterRun| match request.kind {
        RequestKind::Terminate => !it.status.is_over() || (it.status == RunStatus::Canceled && it.reason.is_some()),
        _ => !it.status.is_over(),
    };
    let Some(mut run) = dagster_runs::lock(tx, of, id).await?.filter(is_left) else {
        dagster_requests::end_of_run(tx, of, id).await?;
        return Ok(None);
    };
    if request.kind == RequestKind::Launch {
        run.status = RunStatus::Starting;
        run.taken_by = Some(token);
        run.taken_at = Some(tx.now());
        dagster_runs::save(tx, &run).await?;
    } else if run.status == RunStatus::Canceled {
        // Its agent is told what it reads of it, too, until it has answered.
        run.status = RunStatus::Canceling;
    }
    Ok(Some(run))
}

/// An agent has answered: one that could not start a run says so here and stores no event for it. Of one whose worker told that it began, its events
/// say the end.
pub(crate) async fn answered<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    request: &DagsterRequest,
    answer: &Answer,
) -> Result<()> {
    let Some(id) = request.run.filter(|_| request.kind == RequestKind::Launch && answer.called != DONE) else {
        return Ok(());
    };
    let Some(mut run) =
        dagster_runs::lock(tx, scene.organization, id).await?.filter(|it| it.status == RunStatus::Starting)
    else {
        return Ok(());
    };
    let why = answer.error.as_deref().unwrap_or(&answer.called);
    run.status = RunStatus::Failure;
    run.reason = Some(format!("the agent could not start it: {why}"));
    run.ended_at = Some(tx.now());
    dagster_runs::save(tx, &run).await?;
    ended(tx, scene, &run).await
}

/// An agent has seen that the worker of a run failed, which then tells nothing of it any more.
pub(crate) async fn worker_failed<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    heard: &Heard,
    deployment: DeploymentId,
    worker: &RunWorker,
) -> Result<()> {
    // Agents watch runs that are none of here, too.
    let Ok(id) = worker.run.parse::<DagsterRunId>() else { return Ok(()) };
    // Another agent with the same token knows nothing of its worker, and takes that for an end.
    let started_it = |it: &DagsterRun| it.tags.get(AGENT).is_some_and(|by| by.parse() == Ok(heard.process));
    let is_its = |it: &DagsterRun| {
        it.deployment == deployment && it.taken_by == Some(heard.token) && !it.status.is_over() && started_it(it)
    };
    if dagster_runs::find(tx, scene.organization, id).await?.filter(is_its).is_none() {
        return Ok(());
    }
    let Some(mut run) = dagster_runs::lock(tx, scene.organization, id).await?.filter(is_its) else { return Ok(()) };
    let asked = run.cancel_requested_at.is_some();
    run.status = if asked { RunStatus::Canceled } else { RunStatus::Failure };
    let why = worker.message.as_deref().unwrap_or("its agent knows no more");
    run.reason = Some(format!("its worker ended without a word: {why}"));
    run.ended_at = Some(tx.now());
    dagster_runs::save(tx, &run).await?;
    dagster_requests::end_of_run(tx, scene.organization, id).await?;
    ended(tx, scene, &run).await
}

/// Nothing more can be heard of a run. False when it had ended.
pub(crate) async fn lose<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    of: OrganizationId,
    id: DagsterRunId,
    (why, at): (LostBecause, Timestamp),
) -> Result<bool> {
    let Some((job, location)) = ends::lose(tx, of, id, why, at).await? else { return Ok(false) };
    dagster_requests::end_of_run(tx, of, id).await?;
    let detail = json!({ "status": RunStatus::Lost.as_str(), "reason": why.words(), "location": location });
    scene.audit_in(tx, of, "dagster_run.ended", Subject::new("dagster_run", id, job), detail).await?;
    Ok(true)
}

/// The runs of a token that goes; answers how many.
pub(crate) async fn lose_of_token<I: Sync>(tx: &mut Tx, scene: &Scene<I>, token: TokenId) -> Result<u64> {
    let all = ends::of_token(tx, scene.organization, token, AT_ONCE).await?;
    lose_all(tx, scene, all.into_iter().map(|id| (id, LostBecause::Revoked)).collect()).await
}

/// The runs of a token that it does not reach, as its scope is now; answers how many.
pub(crate) async fn lose_outside<I: Sync>(tx: &mut Tx, scene: &Scene<I>, token: TokenId) -> Result<u64> {
    let all = ends::outside_of_token(tx, scene.organization, token, AT_ONCE).await?;
    lose_all(tx, scene, all).await
}

/// The runs of a deployment that was deleted.
pub(crate) async fn lose_of_deployment<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    deployment: DeploymentId,
) -> Result<u64> {
    let all = ends::of_deployment(tx, scene.organization, deployment, AT_ONCE).await?;
    lose_all(tx, scene, all.into_iter().map(|id| (id, LostBecause::Deleted)).collect()).await
}

async fn lose_all<I: Sync>(tx: &mut Tx, scene: &Scene<I>, all: Vec<(DagsterRunId, LostBecause)>) -> Result<u64> {
    let (now, mut lost) = (tx.now(), 0);
    for (id, why) in all {
        lost += u64::from(lose(tx, scene, scene.organization, id, (why, now)).await?);
    }
    Ok(lost)
}

/// Notes that a run has ended.
pub(super) async fn ended<I: Sync>(tx: &mut Tx, scene: &Scene<I>, run: &DagsterRun) -> Result<()> {
    let detail = json!({ "status": run.status.as_str(), "reason": run.reason, "location": run.location });
    scene.audit_in(tx, run.organization, "dagster_run.ended", subject(run), detail).await
}

/// What audit rows of a run are about.
pub(super) fn subject(run: &DagsterRun) -> Subject {
    Subject::new("dagster_run", run.id, run.job.as_str())
}
