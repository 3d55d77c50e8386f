//! From an agent's taking a run to its end by other means than an event: it could not be started, or its token went.

use countersign_domain::dagster::{LostBecause, RequestKind, RunStatus};
use countersign_domain::id::{DagsterRunId, OrganizationId, TokenId};
use countersign_domain::{Scope, Timestamp};
use countersign_store::dagster_requests::{self, DagsterRequest};
use countersign_store::dagster_runs::{self, DagsterRun};
use countersign_store::{Tx, deployments};
use serde_json::json;

use crate::dagster::Answer;
use crate::scene::Subject;
use crate::{Result, Scene};

/// What an agent answers that has started or stopped a run.
const DONE: &str = "DagsterCloudApiSuccess";
/// How many runs one change of a token ends in its own transaction; house-keeping ends the others of a token that is gone.
const AT_ONCE: i64 = 1_000;

/// A run is given to an agent that shows this token, to be started or stopped; none when there is nothing to start or stop any more.
pub(crate) async fn give(
    tx: &mut Tx,
    of: OrganizationId,
    request: &DagsterRequest,
    id: DagsterRunId,
    token: TokenId,
) -> Result<Option<DagsterRun>> {
    let Some(mut run) = dagster_runs::lock(tx, of, id).await?.filter(|it| !it.status.is_over()) else {
        dagster_requests::end_of_run(tx, of, id).await?;
        return Ok(None);
    };
    if request.kind == RequestKind::Launch {
        run.status = RunStatus::Starting;
        run.taken_by = Some(token);
        run.taken_at = Some(tx.now());
        dagster_runs::save(tx, &run).await?;
    }
    Ok(Some(run))
}

/// An agent has answered: one that could not start a run says so here and stores no event for it.
pub(crate) async fn answered<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    request: &DagsterRequest,
    answer: &Answer,
) -> Result<()> {
    let Some(id) = request.run.filter(|_| request.kind == RequestKind::Launch && answer.called != DONE) else {
        return Ok(());
    };
    let Some(mut run) = dagster_runs::lock(tx, scene.organization, id).await?.filter(|it| !it.status.is_over()) else {
        return Ok(());
    };
    let why = answer.error.as_deref().unwrap_or(&answer.called);
    run.status = RunStatus::Failure;
    run.reason = Some(format!("the agent could not start it: {why}"));
    run.ended_at = Some(tx.now());
    dagster_runs::save(tx, &run).await?;
    ended(tx, scene, &run).await
}

/// Nothing more can be heard of a run that was locked and has not ended.
pub(crate) async fn lose<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    mut run: DagsterRun,
    why: LostBecause,
    at: Timestamp,
) -> Result<()> {
    run.status = RunStatus::Lost;
    run.reason = Some(why.words().to_owned());
    run.ended_at = Some(at);
    dagster_runs::save(tx, &run).await?;
    dagster_requests::end_of_run(tx, run.organization, run.id).await?;
    ended(tx, scene, &run).await
}

/// The runs of a token that goes, or reaches only this scope any more; answers how many.
pub(crate) async fn lose_of_token<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    token: TokenId,
    left: Option<&Scope>,
    why: LostBecause,
) -> Result<u64> {
    let (of, now) = (scene.organization, tx.now());
    let mut lost = 0;
    for run in dagster_runs::open_of_token(tx, of, token, AT_ONCE).await? {
        let is_left = match left {
            None => false,
            Some(scope) => deployments::find(tx, of, run.deployment)
                .await?
                .is_some_and(|it| scope.allows_deployment(it.id, it.parent.is_some())),
        };
        if !is_left {
            lose(tx, scene, run, why, now).await?;
            lost += 1;
        }
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
