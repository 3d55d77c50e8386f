//! Jobs, and the waits, blocks, inputs and triggers that are shown among them. Each is below its build, and below the organization.

mod change;
mod env;
mod log;
mod log_form;
mod log_text;
mod shape;

use axum::extract::State;
use axum::routing::{delete, get, put};
use axum::{Json, Router};
use countersign_control::access::actions::ViewBuilds;
use countersign_control::builds::{Build, Entry};
use countersign_control::jobs::Job;
use countersign_control::{Action, Control, Error};
use countersign_domain::id::JobId;

pub(crate) use shape::{Shown, shown, state_of, word};

use super::{InOrganization, artifacts};
use crate::Failure;

/// What there is of a job, below its address.
pub(crate) fn router() -> Router<Control> {
    Router::new()
        .route("/", get(show))
        .route("/retry", put(change::retry))
        .route("/unblock", put(change::unblock))
        .route("/reprioritize", put(change::reprioritize))
        .route("/env", get(env::show))
        .route("/env.txt", get(env::text))
        .route("/log", get(log::show))
        .route("/log.txt", get(log::text))
        .route("/log.html", get(log::html))
        .route("/artifacts", get(artifacts::of_job))
        .route("/artifacts/{artifact}", get(artifacts::show))
        .route("/artifacts/{artifact}", delete(artifacts::remove))
        .route("/artifacts/{artifact}/download", get(artifacts::download))
}

/// `GET …/jobs/{job}`
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
) -> Result<Json<Shown>, Failure> {
    let (build, entry) = named(&control, &call).await?;
    Ok(Json(shown(entry, &build, &call.organization, &call.addresses, control.now())))
}

/// The job, or other step, that the address names; where it names a build too, one of that build.
async fn named<A: Action>(control: &Control, call: &InOrganization<A>) -> Result<(Build, Entry), Error> {
    let id: JobId = call.named.id("job")?;
    let (build, entry) = control.entry(&call.may::<ViewBuilds>()?, id).await?;
    let is_its = |segment, own: &str| call.named.text(segment).is_none_or(|named| named == own);
    if is_its("pipeline", &build.pipeline_slug) && is_its("build", &build.number.to_string()) {
        Ok((build, entry))
    } else {
        Err(Error::NotFound("job"))
    }
}

/// The job of a command that the address names.
pub(super) async fn command<A: Action>(
    control: &Control,
    call: &InOrganization<A>,
    otherwise: &'static str,
) -> Result<(Build, Job), Failure> {
    let (build, entry) = named(control, call).await?;
    match entry.job {
        Some(job) => Ok((build, job)),
        None => Err(Failure::BadRequest(otherwise)),
    }
}
