//! What is done with an agent token: registering, and asking what it is.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use countersign_control::Control;
use countersign_control::access::actions::{IdentifyAgentToken, RegisterAgent};
use countersign_control::agents::Registration;
use countersign_http as face;
use countersign_wire::SecretText;
use countersign_wire::buildkite::{Positive, RegisterRequest, RegisterResponse, TokenIdentity};

use crate::{Failure, Granted};

/// `POST /register`
pub(crate) async fn register(
    State(control): State<Control>,
    Granted(grant): Granted<RegisterAgent>,
    face::Json(request): face::Json<RegisterRequest>,
) -> Result<Json<RegisterResponse>, Failure> {
    let new = Registration {
        name: request.name,
        hostname: Some(request.hostname),
        operating_system: Some(request.os),
        arch: Some(request.arch),
        version: Some(request.version),
        build: Some(request.build),
        tags: request.tags,
        priority: request.priority,
        pid: request.pid,
        ignore_in_dispatches: request.ignore_in_dispatches,
    };
    let registered = control.register_agent(&grant, new).await?;
    let settings = control.settings();
    Ok(Json(RegisterResponse {
        id: registered.agent.id.to_string(),
        name: registered.agent.name,
        access_token: SecretText::new(registered.session.reveal()),
        ping_interval: seconds(settings.ping_interval),
        job_status_interval: seconds(settings.job_status_interval),
        heartbeat_interval: seconds(settings.heartbeat_interval),
        tags: registered.agent.tags,
        endpoint: None,
        request_headers: None,
    }))
}

/// Whole seconds, at least 1: an agent's process dies of a zero.
fn seconds(interval: Duration) -> Positive {
    Positive::new(u32::try_from(interval.as_secs()).unwrap_or(u32::MAX))
}

/// `GET /token`
pub(crate) async fn identify(
    State(control): State<Control>,
    Granted(grant): Granted<IdentifyAgentToken>,
) -> Result<Json<TokenIdentity>, Failure> {
    let it = control.identify_agent_token(&grant).await?;
    let (cluster_uuid, cluster_name) = it.deployment.map(|it| (it.id.to_string(), it.name)).unwrap_or_default();
    Ok(Json(TokenIdentity {
        uuid: it.token.id.to_string(),
        description: it.token.description.unwrap_or_default(),
        token_type: it.token.family,
        organization_slug: it.organization.slug,
        organization_uuid: it.organization.id.to_string(),
        cluster_uuid,
        cluster_name,
        // A token names its queue; a row with an id comes with the first job or pause of it, or never.
        organization_queue_uuid: String::new(),
        organization_queue_key: it.queue.unwrap_or_default(),
    }))
}
