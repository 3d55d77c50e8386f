//! Agents: seeing, stopping, pausing and resuming them.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::{PauseAgent, StopAgent, ViewAgents};
use countersign_control::agents::{Agent, Wanted};
use countersign_control::organizations::Organization;
use countersign_control::{Control, Error};
use countersign_domain::Timestamp;
use countersign_domain::id::AgentId;
use countersign_http as face;
use countersign_http::global_id::{self, Sort};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::shapes::{Addresses, Head, Time};
use super::{InOrganization, page};
use crate::Failure;

/// An agent. `job` is there while it has one.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    name: String,
    connection_state: &'static str,
    hostname: Option<String>,
    ip_address: String,
    user_agent: Option<String>,
    version: Option<String>,
    os: Option<String>,
    arch: Option<String>,
    queue: String,
    creator: Option<()>,
    created_at: Time,
    connected_at: Option<Time>,
    disconnected_at: Option<Time>,
    lost_at: Option<Time>,
    stopped_at: Option<Time>,
    job: Option<OfJob>,
    priority: Option<i64>,
    meta_data: Vec<String>,
    paused: bool,
    paused_at: Option<Time>,
    paused_note: Option<String>,
    paused_timeout_in_minutes: Option<u64>,
}

/// The job that an agent has.
#[derive(Serialize)]
struct OfJob {
    id: String,
    graphql_id: String,
    state: &'static str,
    build_id: String,
}

/// Filters of a list; each lets through what is equal to it.
#[derive(Default, Deserialize)]
pub(crate) struct Filters {
    name: Option<String>,
    hostname: Option<String>,
    version: Option<String>,
    queue: Option<String>,
}

impl Filters {
    fn keeps(&self, agent: &Agent) -> bool {
        let equal = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().filter(|text| !text.is_empty()).is_none_or(|wanted| found == Some(wanted))
        };
        equal(&self.name, Some(&agent.name))
            && equal(&self.hostname, agent.hostname.as_deref())
            && equal(&self.version, agent.version.as_deref())
            && equal(&self.queue, Some(&agent.queue))
    }
}

#[derive(Deserialize)]
pub(crate) struct StopBody {
    #[serde(default = "yes")]
    force: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
pub(crate) struct PauseBody {
    note: Option<String>,
    timeout_in_minutes: Option<u32>,
}

/// `GET …/agents`: those that are connected.
pub(crate) async fn list(
    State(control): State<Control>,
    call: InOrganization<ViewAgents>,
    wanted: page::Wanted,
    page::Filter(filters): page::Filter<Filters>,
    uri: http::Uri,
) -> Result<Response, Failure> {
    let which = Wanted { live_only: true, ..Wanted::default() };
    let found = wanted
        .read_from(
            |asked| control.agents(&call.grant, which.clone(), asked),
            |agent: &Agent| agent.id,
            |agent| filters.keeps(agent),
        )
        .await?;
    let mut shown = Vec::with_capacity(found.items.len());
    for agent in &found.items {
        shown.push(show_one(&control, &call, agent.clone()).await?);
    }
    let path = format!("/organizations/{}/agents", call.organization.slug);
    Ok(found.answer(shown, &call.addresses, &path, &page::filters(&uri)))
}

/// `GET …/agents/{agent}`, whatever its state.
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewAgents>,
) -> Result<Json<Shown>, Failure> {
    let agent = control.agent(&call.grant, call.named.id("agent")?).await?;
    Ok(Json(show_one(&control, &call, agent).await?))
}

/// `PUT …/agents/{agent}/stop`: with `force`, as when nothing is said, its job is canceled; without, it finishes it.
pub(crate) async fn stop(
    State(control): State<Control>,
    call: InOrganization<StopAgent>,
    face::Json(body): face::Json<StopBody>,
) -> Result<Response, Failure> {
    let agent = seen(&control, &call).await?;
    if !agent.state.is_connected() {
        return Ok(face::message(StatusCode::BAD_REQUEST, "Can only stop connected agents"));
    }
    control.stop_agent(&call.grant, agent.id, body.force).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PUT …/agents/{agent}/pause`
pub(crate) async fn pause(
    State(control): State<Control>,
    call: InOrganization<PauseAgent>,
    face::Json(body): face::Json<PauseBody>,
) -> Result<StatusCode, Failure> {
    let agent = seen(&control, &call).await?;
    if !agent.state.is_connected() {
        return Err(Error::Conflict("Only connected agents may be paused".to_owned()).into());
    }
    if agent.is_paused(control.now()) {
        return Err(Error::Conflict("Agent is already paused".to_owned()).into());
    }
    control.pause_agent(&call.grant, agent.id, body.note, body.timeout_in_minutes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT …/agents/{agent}/resume`
pub(crate) async fn resume(
    State(control): State<Control>,
    call: InOrganization<PauseAgent>,
) -> Result<StatusCode, Failure> {
    let agent = seen(&control, &call).await?;
    if !agent.is_paused(control.now()) {
        return Err(Error::Conflict("Agent is not paused".to_owned()).into());
    }
    control.resume_agent(&call.grant, agent.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The agent that the address names, as it is now. What is asked of it is asked again inside the change, where it is no fault to ask twice.
async fn seen<A: countersign_control::Action>(control: &Control, call: &InOrganization<A>) -> Result<Agent, Error> {
    let id: AgentId = call.named.id("agent")?;
    control.agent(&call.may::<ViewAgents>()?, id).await
}

async fn show_one(control: &Control, call: &InOrganization<ViewAgents>, agent: Agent) -> Result<Shown, Error> {
    // An agent that has left has no job; asking the store would find none.
    let job = if agent.state.is_connected() { control.agent_job(&call.grant, agent.id).await? } else { None };
    let job = job.map(|job| OfJob {
        id: job.id.to_string(),
        graphql_id: global_id::encode(Sort::Job, job.id),
        state: job.state.as_str(),
        build_id: job.build.to_string(),
    });
    let mut shown = shown(agent, &call.organization, &call.addresses, control.now());
    shown.job = job;
    Ok(shown)
}

/// An agent without the job that it may have.
pub(super) fn shown(agent: Agent, organization: &Organization, addresses: &Addresses, now: Timestamp) -> Shown {
    let paused = agent.is_paused(now);
    let pause = |until: Timestamp, since: Timestamp| until.since(since).as_secs() / 60;
    let path = format!("/agents/{}", agent.id);
    let page = addresses.page(&format!("/organizations/{}{path}", organization.slug));
    Shown {
        head: Head::new(Sort::Agent, agent.id, addresses.of(organization, &path), page),
        name: agent.name,
        connection_state: agent.state.as_str(),
        hostname: agent.hostname,
        ip_address: agent.ip,
        user_agent: agent.user_agent,
        version: agent.version,
        os: agent.operating_system,
        arch: agent.arch,
        queue: agent.queue,
        creator: None,
        created_at: Time(agent.created_at),
        connected_at: agent.connected_at.map(Time),
        disconnected_at: agent.disconnected_at.map(Time),
        lost_at: agent.lost_at.map(Time),
        stopped_at: agent.stop_requested_at.map(Time),
        job: None,
        priority: agent.priority,
        meta_data: agent.tags,
        paused,
        paused_at: agent.paused_at.filter(|_| paused).map(Time),
        paused_note: agent.paused_note.filter(|_| paused),
        paused_timeout_in_minutes: agent
            .paused_until
            .zip(agent.paused_at)
            .filter(|_| paused)
            .map(|(until, since)| pause(until, since)),
    }
}
