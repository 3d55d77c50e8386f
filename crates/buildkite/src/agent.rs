//! What a connected agent does for itself, with its session token.

use axum::Json;
use axum::extract::State;
use countersign_control::access::actions::{ConnectAgent, DisconnectAgent, Heartbeat, Ping};
use countersign_control::agents::Instruction;
use countersign_control::{Caller, Control};
use countersign_http as face;
use countersign_wire::buildkite::{
    DisconnectResponse, HeartbeatRequest, HeartbeatResponse, PingAction, PingJob, PingResponse,
};

use crate::{Done, Failure, Granted};

/// `POST /connect`
pub(crate) async fn connect(
    State(control): State<Control>,
    Granted(grant): Granted<ConnectAgent>,
) -> Result<Done, Failure> {
    control.connect_agent(&grant).await?;
    Ok(Done {})
}

/// `POST /heartbeat`
pub(crate) async fn heartbeat(
    State(control): State<Control>,
    Granted(grant): Granted<Heartbeat>,
    face::Json(request): face::Json<HeartbeatRequest>,
) -> Result<Json<HeartbeatResponse>, Failure> {
    let received_at = control.heartbeat(&grant)?;
    Ok(Json(HeartbeatResponse { sent_at: request.sent_at, received_at: Some(received_at.to_string()) }))
}

/// `GET /ping`, held open for a while when there is nothing to do
pub(crate) async fn ping(
    State(control): State<Control>,
    Granted(grant): Granted<Ping>,
) -> Result<Json<PingResponse>, Failure> {
    let told = PingResponse::default();
    Ok(Json(match control.held_ping(grant).await? {
        Instruction::Idle => told,
        Instruction::TakeJob(job) => PingResponse { job: Some(PingJob { id: job.to_string() }), ..told },
        Instruction::Pause(message) => PingResponse { action: Some(PingAction::Pause), message, ..told },
        Instruction::Disconnect(message) => PingResponse { action: Some(PingAction::Disconnect), message, ..told },
    }))
}

/// `POST /disconnect`
pub(crate) async fn disconnect(
    State(control): State<Control>,
    Granted(grant): Granted<DisconnectAgent>,
) -> Result<Json<DisconnectResponse>, Failure> {
    let state = control.disconnect_agent(&grant).await?;
    let id = match grant.caller() {
        Caller::Session(session) => session.agent.to_string(),
        _ => String::new(),
    };
    Ok(Json(DisconnectResponse { id, connection_state: state.as_str().to_owned() }))
}
