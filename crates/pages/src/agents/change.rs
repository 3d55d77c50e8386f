//! Pausing, resuming and stopping an agent.

use countersign_control::Error;
use countersign_control::access::actions::{PauseAgent, StopAgent};
use countersign_domain::id::AgentId;

use crate::failure::Failure;
use crate::form::Posted;
use crate::frame::Answer;
use crate::notice::{Notice, then};
use crate::visit::Visit;

fn agent(visit: &Visit) -> Result<AgentId, Failure> {
    Ok(visit.param("agent").parse().map_err(|_| Error::NotFound("agent"))?)
}

/// Keeps jobs from an agent, until it is resumed; with a note why.
pub(crate) async fn pause(visit: Visit, form: Posted) -> Answer {
    let note = form.said("note").map(str::to_owned);
    visit.control().pause_agent(&visit.may::<PauseAgent>()?, agent(&visit)?, note, None).await?;
    Ok(then(&visit.site, &visit.seen.page, Notice::AgentPaused))
}

/// Lets an agent take jobs again.
pub(crate) async fn resume(visit: Visit) -> Answer {
    visit.control().resume_agent(&visit.may::<PauseAgent>()?, agent(&visit)?).await?;
    Ok(then(&visit.site, &visit.seen.page, Notice::AgentResumed))
}

/// Has an agent leave when its job has ended, or at once.
pub(crate) async fn stop(visit: Visit, form: Posted) -> Answer {
    visit.control().stop_agent(&visit.may::<StopAgent>()?, agent(&visit)?, form.is_ticked("force")).await?;
    Ok(then(&visit.site, &visit.seen.page, Notice::AgentStopped))
}
