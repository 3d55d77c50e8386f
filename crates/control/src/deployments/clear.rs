//! What a deleted deployment held is brought to an end, in batches: its builds are canceled, its agents told to leave once their job has
//! ended, and tokens that reach nothing else revoked. Whatever stops on the way, the next round of housekeeping goes on.

use countersign_domain::id::{AgentId, BuildId, DeploymentId, OrganizationId, TokenId};
use countersign_domain::{DeploymentScope, Kind};
use countersign_store::builds::tally::Chore;
use countersign_store::tokens::{self, scopes};
use countersign_store::{Lane, Tx, agents, deployments};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::agents::{Reach, reach};
use crate::builds::cancel;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, dagster_runs};

/// How many builds, agents and tokens one round sees to at the most; a build takes several transactions.
const BATCH: i64 = 50;
/// How many tokens one row of the audit log names at the most.
const MAX_TOLD: i64 = 1_000;
/// How many rounds whoever deletes one waits for; what is then left, house-keeping does.
const INLINE: u32 = 5;

impl Control {
    /// Clears a deployment as far as its deleter waits for it. A fault is for the log: the next round tries again.
    pub(super) async fn clear_now(&self, of: OrganizationId, id: DeploymentId) {
        for _ in 0..INLINE {
            match self.clear_some(of, id).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "what a deleted deployment held is left for the next round");
                    return;
                }
            }
        }
    }

    /// One round for one deployment; whether there was something to do.
    pub(crate) async fn clear_some(&self, of: OrganizationId, id: DeploymentId) -> Result<bool> {
        let grant: Grant<KeepHouse> = self.system("the deployment was deleted", of)?;
        let (builds, agents, tokens) = self.store().read((of, id), |tx, (of, id)| Box::pin(left(tx, *of, *id))).await?;
        let is_full = [builds.len(), agents.len(), tokens.len()].iter().any(|count| *count as i64 == BATCH);
        // Whoever is told takes no job any more, so agents come before what they could take.
        self.write(&grant, Lane::Soon, (id, agents), |tx, scene| Box::pin(tell(tx, scene))).await?;
        for build in builds {
            self.write(&grant, Lane::Soon, build, |tx, scene| Box::pin(cancel::begin(tx, scene, scene.input))).await?;
            self.do_chore(of, build, Chore::Cancel).await?;
        }
        for token in tokens {
            self.write(&grant, Lane::Urgent, (id, token), |tx, scene| Box::pin(revoke(tx, scene))).await?;
        }
        if !is_full {
            self.write(&grant, Lane::Normal, id, |tx, scene| Box::pin(settle(tx, scene))).await?;
        }
        Ok(is_full)
    }
}

type Left = (Vec<BuildId>, Vec<AgentId>, Vec<TokenId>);

async fn left(
    tx: &mut Tx,
    of: OrganizationId,
    id: DeploymentId,
) -> std::result::Result<Left, countersign_store::StoreError> {
    let builds = deployments::open_builds(tx, of, id, BATCH).await?;
    let agents = agents::untold_of_deployment(tx, of, id, BATCH).await?;
    let tokens = deployments::sole_tokens(tx, of, id, BATCH).await?;
    Ok((builds, agents, tokens.into_iter().map(|(token, _)| token).collect()))
}

async fn name_of(tx: &mut Tx, of: OrganizationId, id: DeploymentId) -> Result<String> {
    Ok(deployments::find_any(tx, of, id).await?.ok_or(Error::NotFound("deployment"))?.name)
}

/// Notes that it is looked at, ends its runs, and tells agents to leave once their job has ended.
async fn tell(tx: &mut Tx, scene: &Scene<(DeploymentId, Vec<AgentId>)>) -> Result<()> {
    let (id, who) = &scene.input;
    deployments::look(tx, scene.organization, *id).await?;
    dagster_runs::lose_of_deployment(tx, scene, *id).await?;
    if who.is_empty() {
        return Ok(());
    }
    reach::hold(tx, who).await?;
    let note = format!("The deployment {} was deleted.", name_of(tx, scene.organization, *id).await?);
    for agent in reach::apply(tx, scene, Reach::Drain, who.clone(), &note).await? {
        let Some(agent) = agents::find(tx, scene.organization, agent).await? else { continue };
        let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", agent.id, agent.name);
        scene.audit(tx, "agent.stop_requested", subject, json!({ "force": false, "note": note })).await?;
    }
    Ok(())
}

/// A token that could be used for nothing any more is taken back, unless it was given something else meanwhile.
async fn revoke(tx: &mut Tx, scene: &Scene<(DeploymentId, TokenId)>) -> Result<()> {
    let (of, (id, token)) = (scene.organization, scene.input);
    let Some(token) = tokens::find_for_update(tx, of, token).await?.filter(|it| it.kind == Kind::AgentToken) else {
        return Ok(());
    };
    let Some(scope) = scopes::find(tx, of, token.id).await? else { return Ok(()) };
    let DeploymentScope::Only { deployments: named, all_branches: false } = scope.deployments else { return Ok(()) };
    for other in named {
        if deployments::find(tx, of, other).await?.is_some() {
            return Ok(());
        }
    }
    let reason = format!("No deployment that it reached is left: {} was deleted.", name_of(tx, of, id).await?);
    if tokens::revoke(tx, of, token.id, None, Some(&reason)).await? {
        let subject = Subject::new("agent_token", token.id, token.public_id.as_str());
        let detail = json!({ "reason": reason, "connected_agents": Reach::Keep.as_str() });
        scene.audit(tx, "agent_token.revoked", subject, detail).await?;
    }
    Ok(())
}

/// Looks at the deployment no more once nothing of it is left. Tokens that reach others too do not name it any more, which is kept in the audit
/// log.
async fn settle(tx: &mut Tx, scene: &Scene<DeploymentId>) -> Result<()> {
    let (of, id) = (scene.organization, scene.input);
    let tokens = deployments::named_by(tx, of, id, MAX_TOLD).await?;
    deployments::settle(tx, of, id).await?;
    if !tokens.is_empty() {
        let subject = Subject::new("deployment", id, name_of(tx, of, id).await?);
        scene.audit(tx, "deployment.left_scopes", subject, json!({ "agent_tokens": tokens })).await?;
    }
    Ok(())
}
