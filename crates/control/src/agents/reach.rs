//! What becomes of agents that are connected when their token is taken back or narrowed.

use std::str::FromStr;

use countersign_domain::AgentState;
use countersign_domain::build::JobState;
use countersign_domain::id::AgentId;
use countersign_store::agents::sessions::{self, Ended};
use countersign_store::jobs::dispatch;
use countersign_store::jobs::progress::Ending;
use countersign_store::{Turn, Tx, agents, jobs};

use crate::builds::runner::Runner;
use crate::jobs::ending;
use crate::{Error, Result, Scene};

/// What becomes of the connected agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// They stay, and go on taking jobs.
    #[default]
    Keep,
    /// Each finishes its job and is then told to disconnect.
    Drain,
    /// Their sessions die at once and their jobs are canceled.
    Disconnect,
}

impl Reach {
    /// As the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "KEEP",
            Self::Drain => "DRAIN",
            Self::Disconnect => "DISCONNECT",
        }
    }
}

/// The text is no reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is none of KEEP, DRAIN and DISCONNECT")]
pub struct NotAReach;

impl FromStr for Reach {
    type Err = NotAReach;

    fn from_str(text: &str) -> std::result::Result<Self, NotAReach> {
        [Self::Keep, Self::Drain, Self::Disconnect]
            .into_iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(text))
            .ok_or(NotAReach)
    }
}

/// The most agents whose turns one transaction waits for: PostgreSQL has room for some thousands of such locks. Of a larger fleet the rows
/// alone are locked, and a call of an agent that is under way may be waited for.
const MAX_TURNS: usize = 2_000;

/// Waits for the turns of agents, in the order of their ids, before any of their rows is touched: their own calls take the turn first too,
/// so nobody waits in a circle, and what such a call did is seen.
pub(crate) async fn hold(tx: &mut Tx, who: &[AgentId]) -> Result<()> {
    if who.len() <= MAX_TURNS {
        for agent in who {
            tx.take_turn(*agent, Turn::Alone).await?;
        }
    }
    Ok(())
}

/// Applies a reach to agents of the scene's organization, whose turns are [held](hold); answers those that it touched.
pub(crate) async fn apply<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    reach: Reach,
    who: Vec<AgentId>,
    note: &str,
) -> Result<Vec<AgentId>> {
    let mut touched = Vec::new();
    for agent in who {
        let changed = match reach {
            Reach::Keep => false,
            Reach::Drain => {
                agents::request_stop(tx, scene.organization, agent, scene.caller.user(), false, note).await?
            }
            Reach::Disconnect => cut_off(tx, scene, agent, AgentState::Stopped, Ended::Revoked).await?,
        };
        if changed {
            scene.agent_changed(tx, agent);
            touched.push(agent);
        }
    }
    Ok(touched)
}

/// Ends an agent's sessions and job tokens at once, and the job that it has. False when it was gone.
pub(crate) async fn cut_off<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    agent: AgentId,
    state: AgentState,
    because: Ended,
) -> Result<bool> {
    let of = scene.organization;
    let ended =
        if because == Ended::Lost { agents::lose(tx, agent).await? } else { agents::end(tx, agent, state).await? };
    if !ended {
        return Ok(false);
    }
    scene.agent_changed(tx, agent);
    sessions::end_of_agent(tx, agent, because).await?;
    jobs::tokens::end_of_agent(tx, agent).await?;
    if let Some(job) = jobs::of_agent(tx, of, agent).await? {
        let mut runner = Runner::new(of);
        // What was offered and not taken goes back to its queue; what was taken cannot be reported any more.
        if job.accepted_at.is_none() {
            for it in dispatch::unassign_of_agent(tx, agent).await? {
                runner.job_waits(it.spot);
            }
        } else {
            let canceled = because == Ended::Revoked;
            let ending = Ending {
                state: if canceled { JobState::Canceled } else { job.state.finished() },
                exit_status: "-1".to_owned(),
                signal: None,
                signal_reason: Some(if canceled { "cancel" } else { "agent_stop" }.to_owned()),
                chunks_failed: 0,
            };
            ending::end(tx, scene, &mut runner, &job, &ending).await?;
        }
        runner.close(tx, scene).await?;
    }
    Ok(true)
}

/// One of the organization's agents, whose turn is held until the transaction ends.
pub(crate) async fn one<I: Sync>(tx: &mut Tx, scene: &Scene<I>, id: AgentId) -> Result<agents::Agent> {
    tx.take_turn(id, Turn::Alone).await?;
    agents::find_for_update(tx, scene.organization, id).await?.ok_or(Error::NotFound("agent"))
}
