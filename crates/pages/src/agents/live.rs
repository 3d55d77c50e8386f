//! News of an organization's agents.

use axum::response::Response;
use countersign_control::PageRequest;
use countersign_control::access::actions::{ViewAgents, ViewQueues};
use countersign_control::agents::{AnyAgent, Sought, Wanted};

use crate::failure::Failure;
use crate::streams::{Look, watch};
use crate::visit::{Anyone, Visit};

/// Agents and queues by which news is noticed: those that are first on the page.
const FIRST: u32 = 40;

/// What of an agent is news.
fn stands(it: &AnyAgent) -> String {
    match it {
        AnyAgent::Registered(it) => format!("{} {:?} {:?}", it.id, it.state, it.paused_at),
        AnyAgent::Dagster(it) => format!("{} {} {:?}", it.id, it.error_count, it.token_revoked_at),
    }
}

/// Tells when an agent has come or gone, was paused or stopped, or has begun or ended a job.
pub(crate) async fn of_organization(visit: Visit, anyone: Anyone) -> Result<Response, Failure> {
    visit.may::<ViewAgents>()?;
    watch(&visit, anyone, move |site, caller| {
        Box::pin(async move {
            let control = &site.control;
            let grant = control.grant_own::<ViewAgents>(&caller)?;
            let live = Wanted { live_only: true, ..Wanted::default() };
            let counts = (control.count_agents(&grant, live).await?, control.count_dagster_agents(&grant, true).await?);
            let agents = control.every_agent(&grant, Sought::default(), None, PageRequest::first(FIRST)).await?;
            let agents: Vec<_> = agents.items.iter().map(stands).collect();
            let queues = control.grant_own::<ViewQueues>(&caller)?;
            let queues = control.queues(&queues, PageRequest::first(FIRST)).await?;
            let busy: Vec<_> = queues.items.iter().map(|it| it.counts.agents_busy).collect();
            Ok(Look { is_last: false, pulse: format!("{counts:?} {agents:?} {busy:?}") })
        })
    })
}
