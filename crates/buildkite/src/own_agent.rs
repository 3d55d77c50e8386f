//! What a job asks of the agent that runs it.

use axum::extract::State;
use countersign_control::Control;
use countersign_control::access::actions::ControlOwnAgent;
use countersign_http as face;
use countersign_wire::buildkite::{PauseRequest, StopRequest};

use crate::{ByJob, Done, Failure};

/// `POST /stop`
pub(crate) async fn stop(
    State(control): State<Control>,
    ByJob(grant): ByJob<ControlOwnAgent>,
    face::Json(request): face::Json<StopRequest>,
) -> Result<Done, Failure> {
    control.stop_own_agent(&grant, request.force).await?;
    Ok(Done {})
}

/// `POST /pause`. Zero minutes are no limit, as when none are given.
pub(crate) async fn pause(
    State(control): State<Control>,
    ByJob(grant): ByJob<ControlOwnAgent>,
    face::Json(request): face::Json<PauseRequest>,
) -> Result<Done, Failure> {
    let minutes = request.timeout_in_minutes.filter(|minutes| *minutes > 0);
    control.pause_own_agent(&grant, request.note, minutes).await?;
    Ok(Done {})
}

/// `POST /resume`
pub(crate) async fn resume(
    State(control): State<Control>,
    ByJob(grant): ByJob<ControlOwnAgent>,
) -> Result<Done, Failure> {
    control.resume_own_agent(&grant).await?;
    Ok(Done {})
}
