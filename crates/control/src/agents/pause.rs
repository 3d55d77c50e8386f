//! Keeping jobs from an agent, and letting it take them again.

use std::time::Duration;

use countersign_domain::id::AgentId;
use countersign_domain::text::Reason;
use countersign_store::agents::{self, Agent};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::{ControlOwnAgent, PauseAgent};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::reach;

/// The longest pause that can be asked for, in minutes: a day, as Buildkite's agent has it.
pub const MAX_PAUSE_MINUTES: u32 = 24 * 60;

/// Which agent, why, and for how many minutes.
struct Asked {
    agent: AgentId,
    note: Option<String>,
    minutes: Option<u32>,
}

fn asked(agent: AgentId, note: Option<String>, minutes: Option<u32>) -> Result<Asked> {
    if let Some(note) = note.as_deref().filter(|note| !note.is_empty()) {
        input::field("note", Reason::parse(note))?;
    }
    if minutes.is_some_and(|minutes| minutes == 0 || minutes > MAX_PAUSE_MINUTES) {
        return Err(Error::invalid("timeoutInMinutes", format!("must be from 1 to {MAX_PAUSE_MINUTES}")));
    }
    Ok(Asked { agent, note: note.filter(|note| !note.is_empty()), minutes })
}

impl Control {
    /// Keeps jobs from an agent, for some minutes or until it is resumed.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `note` or `timeoutInMinutes`.
    pub async fn pause_agent(
        &self,
        grant: &Grant<PauseAgent>,
        agent: AgentId,
        note: Option<String>,
        minutes: Option<u32>,
    ) -> Result<Agent> {
        let asked = asked(agent, note, minutes)?;
        self.write(grant, Lane::Normal, asked, |tx, scene| Box::pin(pause(tx, scene))).await
    }

    /// Lets an agent take jobs again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn resume_agent(&self, grant: &Grant<PauseAgent>, agent: AgentId) -> Result<Agent> {
        self.write(grant, Lane::Normal, agent, |tx, scene| Box::pin(resume(tx, scene))).await
    }

    /// [`Control::pause_agent`], asked by the job that the agent runs.
    ///
    /// # Errors
    /// As there.
    pub async fn pause_own_agent(
        &self,
        grant: &Grant<ControlOwnAgent>,
        note: Option<String>,
        minutes: Option<u32>,
    ) -> Result<Agent> {
        let asked = asked(grant.job()?.agent, note, minutes)?;
        self.write(grant, Lane::Normal, asked, |tx, scene| Box::pin(pause(tx, scene))).await
    }

    /// [`Control::resume_agent`], asked by the job that the agent runs.
    ///
    /// # Errors
    /// As there.
    pub async fn resume_own_agent(&self, grant: &Grant<ControlOwnAgent>) -> Result<Agent> {
        let agent = grant.job()?.agent;
        self.write(grant, Lane::Normal, agent, |tx, scene| Box::pin(resume(tx, scene))).await
    }
}

async fn pause(tx: &mut Tx, scene: &Scene<Asked>) -> Result<Agent> {
    let Asked { agent: id, note, minutes } = &scene.input;
    let agent = reach::one(tx, scene, *id).await?;
    scene.may_in(tx, agent.deployment).await?;
    let until = minutes.map(|minutes| tx.now().plus(Duration::from_secs(u64::from(minutes) * 60)));
    scene.agent_changed(tx, *id);
    agents::pause(tx, scene.organization, *id, scene.caller.user(), note.as_deref(), until).await?;
    let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", *id, agent.name);
    scene.audit(tx, "agent.paused", subject, json!({ "note": note, "minutes": minutes })).await?;
    agents::find(tx, scene.organization, *id).await?.ok_or(Error::NotFound("agent"))
}

async fn resume(tx: &mut Tx, scene: &Scene<AgentId>) -> Result<Agent> {
    let id = scene.input;
    let agent = reach::one(tx, scene, id).await?;
    scene.may_in(tx, agent.deployment).await?;
    scene.agent_changed(tx, id);
    agents::resume(tx, scene.organization, id).await?;
    let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", id, agent.name);
    scene.audit(tx, "agent.resumed", subject, json!({})).await?;
    agents::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("agent"))
}
