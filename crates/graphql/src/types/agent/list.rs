//! An organization's agents, and the filters over them.

use countersign_control::agents::{self, Wanted};
use countersign_control::{Error, MAX_PAGE, PageRequest, Result};

use crate::call::Call;
use crate::types::connection::Count;
use crate::types::page_info::{MAX_WALK, Window};

use super::{Agent, AgentConnection, job_of};

/// Which agents are wanted. What is `None` lets every agent through.
#[derive(Debug, Default)]
pub(crate) struct AgentFilter {
    pub is_running_job: Option<bool>,
    pub meta_data: Option<Vec<String>>,
    pub paused: Option<bool>,
    pub search: Option<String>,
}

/// The organization's agents. A search is made by the store; the other filters go through the agents that it leaves.
pub(crate) async fn list(call: &Call, filter: AgentFilter, window: Window) -> Result<AgentConnection> {
    let wanted = Wanted { search: filter.search.clone().filter(|text| !text.is_empty()), ..Wanted::default() };
    if filter.is_running_job.is_none() && filter.meta_data.is_none() && filter.paused.is_none() {
        let grant = &call.may()?;
        let slice = window.read(|page| call.control.agents(grant, wanted.clone(), page), |it| it.id).await?;
        return Ok(AgentConnection::new(slice, Agent, Count::Agents(wanted)));
    }
    let all = through(call, &filter, &wanted).await?;
    let count = Count::Known(all.len());
    Ok(AgentConnection::new(window.cut(all, |it| it.id)?, Agent, count))
}

async fn through(call: &Call, filter: &AgentFilter, wanted: &Wanted) -> Result<Vec<agents::Agent>> {
    let mut kept = Vec::new();
    let mut seen = 0;
    let mut page = PageRequest::first(MAX_PAGE);
    loop {
        let found = call.control.agents(&call.may()?, wanted.clone(), page).await?;
        seen += found.items.len();
        page.after = found.items.last().map(|agent| agent.id);
        for agent in found.items {
            if lets_through(call, filter, &agent).await? {
                kept.push(agent);
            }
        }
        if !found.has_more {
            return Ok(kept);
        }
        if seen >= MAX_WALK {
            let why = format!("is needed as well: there are more than {MAX_WALK} agents to go through");
            return Err(Error::invalid("search", why));
        }
    }
}

async fn lets_through(call: &Call, filter: &AgentFilter, agent: &agents::Agent) -> Result<bool> {
    let tagged = filter.meta_data.as_ref().is_none_or(|tags| tags.iter().all(|tag| agent.tags.contains(tag)));
    let paused = filter.paused.is_none_or(|wanted| agent.is_paused(call.control.now()) == wanted);
    if !tagged || !paused {
        return Ok(false);
    }
    match filter.is_running_job {
        None => Ok(true),
        // An agent that has left has no job; asking the store would find none.
        Some(wanted) if !agent.state.is_connected() => Ok(!wanted),
        Some(wanted) => Ok(job_of(call, agent.id).await?.is_some() == wanted),
    }
}
