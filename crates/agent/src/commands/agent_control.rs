//! `stop`, `pause`, `resume`: what a job asks of the agent that runs it, by way of the server.

use countersign_wire::buildkite::{PauseRequest, StopRequest};

use super::JobAccess;
use crate::{AgentError, api::Retry};

/// The agent is to leave after this job; with `force` the job is cancelled too.
///
/// # Errors
/// The server refuses or cannot be reached.
pub async fn stop(access: &JobAccess, force: bool) -> Result<(), AgentError> {
    Ok(access.call(Retry::ANNOTATE, || access.api.stop_agent(StopRequest { force })).await?)
}

/// The agent is to take no further job, until it is resumed or `timeout_in_minutes` are over.
///
/// # Errors
/// The server refuses or cannot be reached.
pub async fn pause(
    access: &JobAccess,
    note: Option<String>,
    timeout_in_minutes: Option<u32>,
) -> Result<(), AgentError> {
    let request = PauseRequest { note: note.map(|note| access.redact(&note)), timeout_in_minutes };
    Ok(access.call(Retry::ANNOTATE, || access.api.pause_agent(&request)).await?)
}

/// The agent is to take jobs again.
///
/// # Errors
/// The server refuses or cannot be reached.
pub async fn resume(access: &JobAccess) -> Result<(), AgentError> {
    Ok(access.call(Retry::ANNOTATE, || access.api.resume_agent()).await?)
}
