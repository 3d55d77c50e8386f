//! Steps and builds, as their own jobs see them. A step is named by its id or by its key.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use countersign_control::access::actions::{CancelOwnBuild, ReadSteps, WriteSteps};
use countersign_control::steps::StepChange;
use countersign_control::{Control, Error};
use countersign_http as face;
use countersign_wire::buildkite::{Canceled, StepCancel, StepExport, StepExportRequest, StepUpdate};
use serde_json::Value;

use crate::{ByJob, Done, Failure, OnBuild};

/// `POST /steps/:id_or_key/export`
pub(crate) async fn export(
    State(control): State<Control>,
    ByJob(grant): ByJob<ReadSteps>,
    Path(step): Path<String>,
    face::Json(request): face::Json<StepExportRequest>,
) -> Result<Json<StepExport>, Failure> {
    own_build(grant.caller(), request.build_id.as_deref())?;
    let attribute = request.attribute.filter(|name| !name.is_empty());
    let is_json = request.format.as_deref() == Some("json") || attribute.is_none();
    let output = match control.export_step(&grant, step, attribute).await? {
        value if is_json => value.to_string(),
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        value => value.to_string(),
    };
    Ok(Json(StepExport { output }))
}

/// `PUT /steps/:id_or_key`
pub(crate) async fn update(
    State(control): State<Control>,
    ByJob(grant): ByJob<WriteSteps>,
    Path(step): Path<String>,
    face::Json(request): face::Json<StepUpdate>,
) -> Result<Done, Failure> {
    own_build(grant.caller(), Some(&request.build_id))?;
    let change = StepChange {
        step,
        uuid: Some(request.idempotency_uuid).filter(|uuid| !uuid.is_empty()),
        attribute: request.attribute,
        value: request.value,
        append: request.append,
    };
    control.update_step(&grant, change).await?;
    Ok(Done {})
}

/// `POST /steps/:id_or_key/cancel`. How long its jobs may take to stop is the agent's own setting; with `force`, agents that do not answer
/// are waited for no longer than the grace period.
pub(crate) async fn cancel(
    State(control): State<Control>,
    ByJob(grant): ByJob<WriteSteps>,
    Path(step): Path<String>,
    face::Json(request): face::Json<StepCancel>,
) -> Result<Json<Canceled>, Failure> {
    own_build(grant.caller(), Some(&request.build_id))?;
    let force = request.force.then(|| Duration::from_secs(request.force_grace_period.into()));
    let uuid = control.cancel_step(&grant, step, force).await?.to_string();
    Ok(Json(Canceled { uuid }))
}

/// `POST /builds/:id/cancel`
pub(crate) async fn cancel_build(
    State(control): State<Control>,
    OnBuild(grant): OnBuild<CancelOwnBuild>,
) -> Result<Json<Canceled>, Failure> {
    let uuid = control.cancel_own_build(&grant).await?.to_string();
    Ok(Json(Canceled { uuid }))
}

/// A build that is named must be the job's own.
fn own_build(caller: &countersign_control::Caller, named: Option<&str>) -> Result<(), Failure> {
    match (caller, named) {
        (_, None | Some("")) => Ok(()),
        (countersign_control::Caller::Job(job), Some(named)) if named.parse() == Ok(job.build) => Ok(()),
        _ => Err(Error::NotFound("build").into()),
    }
}
