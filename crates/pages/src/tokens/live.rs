//! News of an agent token: which agents are connected with it.

use axum::response::Response;
use countersign_control::PageRequest;
use countersign_control::access::actions::{ViewAgentTokens, ViewAgents};

use crate::failure::Failure;
use crate::streams::{Look, watch};
use crate::visit::{Anyone, Visit};

/// Agents by which news is noticed beside their number: the newest.
const NAMED: u32 = 50;

/// Tells when an agent has come or gone, until nobody can come any more and all have gone.
pub(crate) async fn of_token(visit: Visit, anyone: Anyone) -> Result<Response, Failure> {
    let id = visit.agent_token().await?.token.id;
    watch(&visit, anyone, move |site, caller| {
        Box::pin(async move {
            let control = &site.control;
            let grant = control.grant_own::<ViewAgentTokens>(&caller)?;
            let token = control.agent_token(&grant, id).await?;
            let count = control.count_agent_token_agents(&grant, id).await?;
            let agents = control.agent_token_agents(&grant, id, PageRequest::first(NAMED)).await?;
            let agents: Vec<_> = agents.items.iter().map(|agent| agent.id).collect();
            let of_all = control.grant_own::<ViewAgents>(&caller)?;
            let dagster = control.dagster_agents(&of_all, true, PageRequest::first(NAMED)).await?;
            let dagster: Vec<_> = dagster.items.iter().filter(|it| it.token == id).map(|it| it.id).collect();
            let is_over = !token.is_live(control.now()) && count == 0 && dagster.is_empty();
            let pulse = format!("{count} {agents:?} {dagster:?} {}", token.token.revoked_at.is_some());
            Ok(Look { is_last: is_over, pulse })
        })
    })
}
