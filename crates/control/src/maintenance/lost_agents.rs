//! Giving up agents that have not been heard for too long.

use countersign_domain::AgentState;
use countersign_domain::agent::LOST_AFTER;
use countersign_domain::id::{AgentId, OrganizationId};
use countersign_store::agents::sessions::Ended;
use countersign_store::{Lane, agents};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::agents::reach;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

/// How many agents one round gives up at the most; the next round goes on.
const BATCH: i64 = 500;

impl Control {
    /// Gives up agents that were not heard for [`LOST_AFTER`]: their sessions end, and the job that one had with them. Nobody is given
    /// up for silence while this server was not there to listen.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn give_up_silent_agents(&self) -> Result<u64> {
        let before = self.now().minus(LOST_AFTER);
        if self.started_at() > before {
            return Ok(0);
        }
        let silent = self.store().read(before, |tx, before| Box::pin(agents::silent(tx, *before, BATCH))).await?;
        let mut lost = 0;
        for (of, agent) in silent {
            // What was heard and is not written yet counts.
            let heard = self.usage().heard(agent).is_some_and(|heard| heard.seen >= before);
            if !heard && self.give_up(of, agent).await? {
                lost += 1;
            }
        }
        Ok(lost)
    }

    async fn give_up(&self, of: OrganizationId, agent: AgentId) -> Result<bool> {
        let grant: Grant<KeepHouse> = self.system("not heard for too long", of)?;
        self.write(&grant, Lane::Normal, agent, |tx, scene| {
            Box::pin(async move {
                let agent = reach::one(tx, scene, scene.input).await?;
                if !reach::cut_off(tx, scene, agent.id, AgentState::Lost, Ended::Lost).await? {
                    return Ok(false);
                }
                let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", agent.id, agent.name);
                scene.audit(tx, "agent.lost", subject, json!({})).await?;
                Ok(true)
            })
        })
        .await
    }
}
