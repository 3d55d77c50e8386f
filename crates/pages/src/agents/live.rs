//! News of an organization's agents.

use axum::response::Response;
use countersign_control::PageRequest;
use countersign_control::access::actions::{ViewAgents, ViewQueues};
use countersign_control::agents::Wanted;

use crate::failure::Failure;
use crate::streams::{Look, watch};
use crate::visit::{Anyone, Visit};

/// Agents and queues by which news is noticed: those that are first on the page.
const FIRST: u32 = 40;

/// Tells when an agent has come or gone, was paused or stopped, or has begun or ended a job.
pub(crate) async fn of_organization(visit: Visit, anyone: Anyone) -> Result<Response, Failure> {
    visit.may::<ViewAgents>()?;
    watch(&visit, anyone, move |site, caller| {
        Box::pin(async move {
            let (control, live) = (&site.control, || Wanted { live_only: true, ..Wanted::default() });
            let grant = control.grant_own::<ViewAgents>(&caller)?;
            let count = control.count_agents(&grant, live()).await?;
            let agents = control.agents(&grant, live(), PageRequest::first(FIRST)).await?;
            let agents: Vec<_> = agents.items.iter().map(|it| (it.id, it.state, it.paused_at)).collect();
            let dagster = control.dagster_agents(&grant, true, PageRequest::first(FIRST)).await?;
            let dagster: Vec<_> = dagster.items.iter().map(|it| (it.id, it.error_count)).collect();
            let queues = control.grant_own::<ViewQueues>(&caller)?;
            let queues = control.queues(&queues, PageRequest::first(FIRST)).await?;
            let busy: Vec<_> = queues.items.iter().map(|it| it.counts.agents_busy).collect();
            Ok(Look { is_last: false, pulse: format!("{count} {agents:?} {dagster:?} {busy:?}") })
        })
    })
}
