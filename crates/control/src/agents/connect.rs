//! Saying that an agent is there, still there, and gone.

use countersign_domain::AgentState;
use countersign_domain::Timestamp;
use countersign_store::agents::sessions::Ended;
use countersign_store::{Lane, agents};
use serde_json::json;

use crate::access::actions::{ConnectAgent, DisconnectAgent, Heartbeat};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::reach;

impl Control {
    /// The agent is there and can take jobs. Saying it again is allowed.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the agent was told to leave meanwhile.
    pub async fn connect_agent(&self, grant: &Grant<ConnectAgent>) -> Result<()> {
        let agent = grant.session()?.agent;
        self.write(grant, Lane::Normal, agent, |tx, scene| {
            Box::pin(async move {
                let agent = reach::one(tx, scene, scene.input).await?;
                match agent.state {
                    AgentState::Connected | AgentState::Stopping => return Ok(()),
                    _ if agents::connect(tx, agent.id).await? => {}
                    _ => return Err(Error::Conflict("The agent has left; register again.".to_owned())),
                }
                let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", agent.id, agent.name);
                scene.audit(tx, "agent.connected", subject, json!({})).await
            })
        })
        .await
    }

    /// The agent is still there. Nothing is written on the way.
    ///
    /// # Errors
    /// Only those of the grant.
    pub fn heartbeat(&self, grant: &Grant<Heartbeat>) -> Result<Timestamp> {
        let now = self.now();
        self.usage().heartbeat(grant.session()?.agent, now);
        Ok(now)
    }

    /// The agent leaves; its session ends. Saying it again changes nothing and is no error: the first answer can get lost.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn disconnect_agent(&self, grant: &Grant<DisconnectAgent>) -> Result<AgentState> {
        let agent = grant.session()?.agent;
        self.write(grant, Lane::Normal, agent, |tx, scene| {
            Box::pin(async move {
                let agent = reach::one(tx, scene, scene.input).await?;
                let state = agent.state.left();
                if !reach::cut_off(tx, scene, agent.id, state, Ended::Disconnected).await? {
                    return Ok(agent.state);
                }
                let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", agent.id, agent.name);
                scene.audit(tx, "agent.disconnected", subject, json!({ "state": state.as_str() })).await?;
                Ok(state)
            })
        })
        .await
    }
}
