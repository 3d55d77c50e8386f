//! Revoking an agent token, with a chosen reach.

use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::AgentId;
use countersign_store::dagster_agents::{self, AgentName};
use countersign_store::{Lane, tokens};
use serde_json::json;

use crate::access::actions::RevokeAgentToken;
use crate::agents::Reach;
use crate::agents::reach;
use crate::scene::Subject;
use crate::{Control, Error, Grant, MAX_PAGE, Result, dagster_runs, input};

use super::list::with_scope;
use super::reference::resolve;
use super::{AgentToken, Situation, TokenReference, situation};

/// Which token is taken back, why, and what becomes of the agents that are connected with it.
#[derive(Debug)]
pub struct Revocation {
    /// Which token.
    pub token: TokenReference,
    /// Why; kept with the token and in the audit log.
    pub reason: String,
    /// What becomes of connected agents.
    pub connected_agents: Reach,
    /// What hung on the token when whoever revokes it saw it: [`Situation::digest`]. When something else hangs on it by now, nothing is done.
    /// None revokes it whatever hangs on it.
    pub expected: Option<String>,
}

/// What a revocation did.
#[derive(Debug)]
pub struct Revoked {
    /// The token as it is now.
    pub token: AgentToken,
    /// The connected agents that were told to leave, or cut off.
    pub touched: Vec<AgentId>,
    /// The Dagster+ agents that run with it, newest first, at most [`MAX_PAGE`]. They show the token itself with each call, so whatever was
    /// chosen they are refused at the next.
    pub dagster_agents: Vec<AgentName>,
}

/// Goes on only when what hangs on the token is what was seen.
fn as_expected(expected: &str, found: &Situation) -> Result<()> {
    if found.digest() == expected {
        return Ok(());
    }
    Err(Error::Conflict(match found.revoked_at {
        None => "What hangs on the token has changed since it was shown. Look at it again, and confirm.".to_owned(),
        Some(at) => format!(
            "The token is revoked already, since {at}, and what hangs on it has changed since it was shown. Nothing more was done."
        ),
    }))
}

impl Control {
    /// Takes an agent token back. A token that was taken back before keeps its first reason; the reach is applied all the same, so
    /// that a revocation that kept the connected agents can be followed by one that does not.
    ///
    /// After the answer no call with the token is accepted, on any node.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `reason`; [`Error::Conflict`] when something else than `expected` hangs on the token.
    pub async fn revoke_agent_token(&self, grant: &Grant<RevokeAgentToken>, revocation: Revocation) -> Result<Revoked> {
        let reason = input::reason(&revocation.reason)?;
        let by = grant.user()?.user;
        let input = (revocation.token, reason, revocation.connected_agents, by, revocation.expected);
        self.write(grant, Lane::Urgent, input, |tx, scene| {
            Box::pin(async move {
                let (reference, reason, reach, by, expected) = &scene.input;
                let token = resolve(tx, scene, reference).await?;
                let of = scene.organization;
                let first = tokens::revoke(tx, of, token.id, Some(*by), Some(reason)).await?;
                let runs_lost = dagster_runs::lose_of_token(tx, scene, token.id).await?;
                let agents = match reach {
                    Reach::Keep => Vec::new(),
                    Reach::Drain | Reach::Disconnect => {
                        countersign_store::agents::with_session_of_token(tx, of, token.id).await?
                    }
                };
                reach::hold(tx, &agents).await?;
                // From here on no agent joins and, where agents are told anything, none of them takes or ends a job.
                if let Some(expected) = expected {
                    // The token as it was before this: somebody else may have revoked it meanwhile.
                    as_expected(expected, &situation::find(tx, scene, token.id, token.revoked_at).await?)?;
                }
                let note = format!("The agent token {} was revoked: {reason}", token.public_id);
                let touched = reach::apply(tx, scene, *reach, agents, &note).await?;
                let subject = Subject::new("agent_token", token.id, token.public_id.as_str());
                let since = tx.now().minus(RUNNING_FOR);
                let running = dagster_agents::count_heard_of_token(tx, token.id, since).await?;
                let dagster_agents =
                    dagster_agents::names_of_token(tx, of, token.id, since, i64::from(MAX_PAGE)).await?;
                let detail = json!({
                    "reason": reason,
                    "dagster_agents": running,
                    "connected_agents": reach.as_str(),
                    "agents_touched": touched.len(),
                    "was_revoked_before": !first,
                    "dagster_runs_lost": runs_lost,
                });
                scene.audit(tx, "agent_token.revoked", subject, detail).await?;
                let token = tokens::find(tx, of, token.id).await?.ok_or(Error::NotFound("agent token"))?;
                Ok(Revoked { token: with_scope(tx, scene, token).await?, touched, dagster_agents })
            })
        })
        .await
    }
}
