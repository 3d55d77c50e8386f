//! What is done to jobs: running them again, answering them, having them taken sooner.

use axum::Json;
use axum::extract::State;
use countersign_control::access::actions::{PrioritizeJob, RetryJob, UnblockStep, ViewBuilds};
use countersign_control::steps::Answer;
use countersign_control::{Action, Control, Error};
use countersign_domain::graph::Kind;
use countersign_domain::id::JobId;

use super::super::InOrganization;
use super::super::body::Fields;
use super::{Shown, command, named, shown};
use crate::Failure;

/// `PUT …/jobs/{job}/retry`: answers the job that runs in its stead.
pub(crate) async fn retry(
    State(control): State<Control>,
    call: InOrganization<RetryJob>,
) -> Result<Json<Shown>, Failure> {
    const ONLY: &str = "Only failed, timed out or canceled jobs can be retried";
    let (_, job) = command(&control, &call, ONLY).await?;
    if !job.state.is_finished() {
        return Err(Failure::BadRequest(ONLY));
    }
    let fresh = control.retry_job(&call.grant, job.id).await?;
    seen(&control, &call, fresh.id).await
}

/// `PUT …/jobs/{job}/unblock`: answers a block or an input.
pub(crate) async fn unblock(
    State(control): State<Control>,
    call: InOrganization<UnblockStep>,
    mut fields: Fields,
) -> Result<Json<Shown>, Failure> {
    let (_, entry) = named(&control, &call).await?;
    if entry.job.is_some() || !matches!(entry.step.step.kind, Kind::Block | Kind::Input) {
        return Err(Failure::BadRequest("This job type cannot be unblocked"));
    }
    if let Some(who) = fields.text("unblocker")?
        && call.grant.caller().user().is_none_or(|own| own.to_string() != who)
    {
        return Err(
            Error::invalid("unblocker", "must be who calls, or be left out: nobody answers in another's name").into()
        );
    }
    let answer = Answer { fields: fields.texts("fields")?.into_iter().collect() };
    fields.finish()?;
    let step = control.unblock_step(&call.grant, entry.step.id, answer).await?;
    seen(&control, &call, step.id.cast()).await
}

/// `PUT …/jobs/{job}/reprioritize`
pub(crate) async fn reprioritize(
    State(control): State<Control>,
    call: InOrganization<PrioritizeJob>,
    mut fields: Fields,
) -> Result<Json<Shown>, Failure> {
    let (_, job) = command(&control, &call, "Only jobs of commands have a priority").await?;
    let priority =
        fields.whole("priority")?.ok_or_else(|| Error::invalid("priority", "is missing; give a whole number"))?;
    fields.finish()?;
    let job = control.prioritize_job(&call.grant, job.id, priority).await?;
    seen(&control, &call, job.id).await
}

/// A job as it is now.
async fn seen<A: Action>(control: &Control, call: &InOrganization<A>, id: JobId) -> Result<Json<Shown>, Failure> {
    let (build, entry) = control.entry(&call.may::<ViewBuilds>()?, id).await?;
    Ok(Json(shown(entry, &build, &call.organization, &call.addresses, control.now())))
}
