//! Asking an agent to leave.

use countersign_domain::id::AgentId;
use countersign_store::agents::{self, Agent};
use countersign_store::jobs::{self, dispatch};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::{ControlOwnAgent, StopAgent};
use crate::builds::runner::Runner;
use crate::jobs::ending;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::reach;

impl Control {
    /// Asks an agent to leave: after its job, or with `force` at once, its job being canceled. Asking again, and asking one that has
    /// left, changes nothing and is no error.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn stop_agent(&self, grant: &Grant<StopAgent>, agent: AgentId, force: bool) -> Result<Agent> {
        self.write(grant, Lane::Soon, (agent, force), |tx, scene| {
            let (agent, force) = scene.input;
            Box::pin(stop(tx, scene, agent, force))
        })
        .await
    }

    /// The same, asked by the job that the agent runs.
    ///
    /// # Errors
    /// As [`Control::stop_agent`].
    pub async fn stop_own_agent(&self, grant: &Grant<ControlOwnAgent>, force: bool) -> Result<Agent> {
        let agent = grant.job()?.agent;
        self.write(grant, Lane::Soon, (agent, force), |tx, scene| {
            let (agent, force) = scene.input;
            Box::pin(stop(tx, scene, agent, force))
        })
        .await
    }
}

async fn stop<I: Sync>(tx: &mut Tx, scene: &Scene<I>, id: AgentId, force: bool) -> Result<Agent> {
    let of = scene.organization;
    let agent = reach::one(tx, scene, id).await?;
    scene.may_in(tx, agent.deployment).await?;
    let note = if force { "The agent was stopped." } else { "The agent was asked to stop." };
    if agents::request_stop(tx, of, id, scene.caller.user(), force, note).await? {
        scene.agent_changed(tx, id);
        if force && let Some(job) = jobs::of_agent(tx, of, id).await? {
            let mut runner = Runner::new(of);
            if job.accepted_at.is_none() {
                for it in dispatch::unassign_of_agent(tx, id).await? {
                    runner.job_waits(it.spot);
                }
            } else {
                runner.open(tx, job.build).await?;
                ending::cancel(tx, &mut runner, &job, ending::STOP_WITHIN).await?;
            }
            runner.close(tx, scene).await?;
        }
        let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", id, agent.name);
        scene.audit(tx, "agent.stop_requested", subject, json!({ "force": force })).await?;
    }
    agents::find(tx, of, id).await?.ok_or(Error::NotFound("agent"))
}
