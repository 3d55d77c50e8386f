//! News of a build and of a job.

use axum::response::Response;
use countersign_control::access::actions::ViewBuilds;

use crate::failure::Failure;
use crate::streams::{Look, watch};
use crate::visit::{Anyone, Visit};

/// Tells when a build looks different.
pub(crate) async fn of_build(visit: Visit, anyone: Anyone) -> Result<Response, Failure> {
    let id = visit.build().await?.id;
    watch(&visit, anyone, move |site, caller| {
        Box::pin(async move {
            let grant = site.control.grant_own::<ViewBuilds>(&caller)?;
            let pulse = site.control.build_pulse(&grant, id).await?;
            Ok(Look { is_last: pulse.state.is_finished(), pulse: format!("{pulse:?}") })
        })
    })
}

/// Tells when a job stands elsewhere, or has written more.
pub(crate) async fn of_job(visit: Visit, anyone: Anyone) -> Result<Response, Failure> {
    let build = visit.build().await?;
    let id = visit.job_of(&build).await?;
    watch(&visit, anyone, move |site, caller| {
        Box::pin(async move {
            let grant = site.control.grant_own::<ViewBuilds>(&caller)?;
            let job = site.control.job(&grant, id).await?;
            Ok(Look { is_last: job.state.is_finished(), pulse: format!("{} {}", job.state, job.log_size) })
        })
    })
}
