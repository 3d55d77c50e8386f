//! News of an agent token: which agents are connected with it.

use axum::response::Response;
use countersign_control::access::actions::ViewAgentTokens;

use crate::failure::Failure;
use crate::streams::{Look, watch};
use crate::visit::{Anyone, Visit};

/// Agents by which news is noticed beside their number: as many as the page names.
const NAMED: usize = 50;

/// Tells when an agent has come or gone, until nobody can come any more.
pub(crate) async fn of_token(visit: Visit, anyone: Anyone) -> Result<Response, Failure> {
    let id = visit.agent_token().await?.token.id;
    watch(&visit, anyone, move |site, caller| {
        Box::pin(async move {
            let grant = site.control.grant_own::<ViewAgentTokens>(&caller)?;
            let token = site.control.agent_token(&grant, id).await?;
            let situation = site.control.agent_token_situation(&grant, id).await?;
            let agents: Vec<String> =
                situation.agents.iter().rev().take(NAMED).map(|agent| agent.agent.to_string()).collect();
            let pulse = format!(
                "{} {agents:?} {:?} {}",
                situation.agents.len(),
                situation.dagster_agents,
                token.token.revoked_at.is_some(),
            );
            let is_over = !token.is_live(site.control.now());
            Ok(Look { is_last: is_over && situation.agents.is_empty() && situation.dagster_agents.is_empty(), pulse })
        })
    })
}
