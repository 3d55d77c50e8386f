//! News of a build and of a job.

use std::time::Duration;

use axum::response::Response;
use countersign_control::access::actions::ViewBuilds;

use crate::failure::Failure;
use crate::streams::{Look, watch};
use crate::visit::{Anyone, Visit};

/// How long after its end a job's log is followed: an agent sends the last pieces when it has told of the end.
const LATE: Duration = Duration::from_secs(6);

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
            let pulse = site.control.job_pulse(&grant, id).await?;
            let now = site.control.now();
            let is_last = pulse.state.is_finished() && pulse.finished_at.is_none_or(|at| at.plus(LATE) <= now);
            Ok(Look { is_last, pulse: format!("{pulse:?}") })
        })
    })
}
