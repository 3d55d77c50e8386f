//! Deleting a deployment. From the commit on nothing can be put into it; what it held is brought to an end behind that, see `clear`.

use std::collections::BTreeSet;

use countersign_domain::id::{DeploymentId, OrganizationId};
use countersign_store::{Lane, Tx, code_locations, deployment_roles, deployments, organizations, queues};
use serde_json::json;

use crate::access::actions::{DeleteDeployment, KeepHouse};
use crate::queues::MAX_QUEUES;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, deployment_roles as roles};

use super::{Deployment, Holds};

/// Which deployment is to go.
#[derive(Debug, Clone, Copy)]
pub struct Deletion {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Also when it holds work: its builds are then canceled, its agents told to leave once their job has ended, tokens that reach it alone
    /// revoked, and its branch deployments deleted with it.
    pub force: bool,
}

/// What a deletion did.
#[derive(Debug, Clone)]
pub struct Deleted {
    /// The deployment, as it was.
    pub deployment: Deployment,
    /// The branch deployments that went with it.
    pub branches: Vec<Deployment>,
    /// What they held together.
    pub held: Holds,
}

/// What goes with a deployment, and with its branch deployments, if it is deleted by force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// Its branch deployments.
    pub branches: usize,
    /// Work that ends, agents that leave, and tokens that reach nothing else.
    pub held: Holds,
    /// Queues.
    pub queues: usize,
    /// Code locations.
    pub code_locations: i64,
}

impl Effects {
    /// Whether it is deleted by force alone.
    #[must_use]
    pub fn need_force(&self) -> bool {
        has_work(self.held, self.branches)
    }
}

impl Control {
    /// What would go with a deployment now. Nothing is deleted.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`].
    pub async fn deployment_effects(
        &self,
        grant: &Grant<DeleteDeployment>,
        deployment: DeploymentId,
    ) -> Result<Effects> {
        self.read(grant, deployment, |tx, scene| {
            Box::pin(async move {
                let (of, id) = (scene.organization, scene.input);
                organizations::find_deployment(tx, of, id).await?.ok_or(Error::NotFound("deployment"))?;
                scene.may_in(tx, id).await?;
                let mut ids = vec![id];
                ids.extend(deployments::branches(tx, of, id).await?.into_iter().map(|it| it.id));
                let mut effects = Effects { branches: ids.len() - 1, ..Effects::default() };
                for id in ids {
                    add(&mut effects.held, deployments::holds(tx, of, id).await?);
                    effects.queues += queues::of_deployment(tx, of, id, MAX_QUEUES).await?.len();
                    effects.code_locations += code_locations::count(tx, of, id).await?;
                }
                Ok(effects)
            })
        })
        .await
    }

    /// Deletes a deployment. Its name is free at once. Builds, jobs and agents that were in it keep it as where they were.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for the default deployment, and without `force` for one that holds work.
    pub async fn delete_deployment(&self, grant: &Grant<DeleteDeployment>, deletion: Deletion) -> Result<Deleted> {
        let deleted = self
            .write(grant, Lane::Soon, deletion, |tx, scene| {
                let Deletion { deployment, force } = scene.input;
                Box::pin(delete(tx, scene, deployment, force, "deployment.deleted"))
            })
            .await?;
        for gone in deleted.branches.iter().chain([&deleted.deployment]) {
            self.clear_now(grant.organization(), gone.id).await;
        }
        Ok(deleted)
    }

    /// Removes a branch deployment whose time has come; false when somebody was faster, or has given it more time.
    pub(crate) async fn expire_deployment(&self, of: OrganizationId, id: DeploymentId) -> Result<bool> {
        let grant: Grant<KeepHouse> = self.system("the branch deployment's time has come", of)?;
        let is_gone = self.write(&grant, Lane::Normal, id, |tx, scene| {
            Box::pin(async move {
                let found = deployments::close(tx, scene.organization, scene.input).await?;
                if found.and_then(|it| it.expires_at).is_none_or(|at| tx.now() < at) {
                    return Ok(false);
                }
                delete(tx, scene, scene.input, true, "deployment.expired").await.map(|_| true)
            })
        });
        let is_gone = is_gone.await?;
        if is_gone {
            self.clear_now(of, id).await;
        }
        Ok(is_gone)
    }
}

async fn delete<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    id: DeploymentId,
    force: bool,
    action: &'static str,
) -> Result<Deleted> {
    let of = scene.organization;
    let deployment = deployments::close(tx, of, id).await?.ok_or(Error::NotFound("deployment"))?;
    match deployment.parent {
        Some(_) => scene.may_in(tx, id).await?,
        None => scene.for_admins_alone()?,
    }
    let organization = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
    if organization.default_deployment == id {
        return Err(Error::Conflict(format!(
            "The deployment {} is the organization's default, where agents and builds go that name none; it cannot be deleted.",
            deployment.name
        )));
    }
    // Nobody makes another one meanwhile: that needs the turn of this one.
    let branches = deployments::branches(tx, of, id).await?;
    for branch in &branches {
        deployments::close(tx, of, branch.id).await?;
    }
    let mut held = Holds::default();
    for it in branches.iter().chain([&deployment]) {
        add(&mut held, deployments::holds(tx, of, it.id).await?);
    }
    if has_work(held, branches.len()) && !force {
        return Err(Error::Conflict(refusal(&deployment, held, branches.len())));
    }
    let mut ended = Vec::new();
    for it in branches.iter().chain([&deployment]) {
        deployments::delete(tx, of, it.id).await?;
        ended.push(roles::in_words(&deployment_roles::in_deployment(tx, of, it.id).await?));
        deployment_roles::delete_in(tx, of, it.id).await?;
    }
    // Counted again: one that named several of those that go has nothing left either, and one that has expired is revoked too.
    let mut tokens = BTreeSet::new();
    for it in branches.iter().chain([&deployment]) {
        tokens.extend(deployments::sole_tokens(tx, of, it.id, i64::MAX).await?.into_iter().map(|(id, _)| id));
    }
    held.tokens = i64::try_from(tokens.len()).unwrap_or(i64::MAX);
    let detail = json!({
        "deployment_roles": ended.pop(),
        "force": force,
        "branch_deployments": branches.len(),
        "held": { "builds": held.builds, "jobs": held.jobs, "agents": held.agents, "dagster_agents": held.dagster_agents, "agent_tokens": held.tokens },
    });
    for (branch, ended) in branches.iter().zip(ended) {
        let subject = Subject::new("deployment", branch.id, branch.name.as_str());
        let detail = json!({ "force": force, "with": deployment.name, "deployment_roles": ended });
        scene.audit(tx, action, subject, detail).await?;
    }
    let subject = Subject::new("deployment", deployment.id, deployment.name.as_str());
    scene.audit(tx, action, subject, detail).await?;
    Ok(Deleted { deployment, branches, held })
}

/// A token is no work: it is taken back when nothing is left that it reaches.
fn has_work(held: Holds, branches: usize) -> bool {
    Holds { tokens: 0, ..held } != Holds::default() || branches > 0
}

fn add(held: &mut Holds, more: Holds) {
    held.builds += more.builds;
    held.jobs += more.jobs;
    held.agents += more.agents;
    held.dagster_agents += more.dagster_agents;
    held.tokens += more.tokens;
}

/// Why one that holds work is not deleted, and what can be done.
fn refusal(deployment: &Deployment, held: Holds, branches: usize) -> String {
    let branches = i64::try_from(branches).unwrap_or(i64::MAX);
    let parts = [
        (held.builds, "build that has not ended", "builds that have not ended"),
        (held.jobs, "job that waits or runs", "jobs that wait or run"),
        (held.agents, "agent", "agents"),
        (held.dagster_agents, "Dagster+ agent that serves it", "Dagster+ agents that serve it"),
        (branches, "branch deployment", "branch deployments"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    format!(
        "The deployment {} holds active work: {}. End that first, or delete it by force.",
        deployment.name,
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use countersign_domain::id::Id;

    use super::*;

    #[test]
    fn a_refusal_counts_what_is_there_and_says_what_to_do() {
        let prod = Deployment::named(Id::nil(), "prod".to_owned(), countersign_domain::Timestamp::LATEST);
        let held = Holds { builds: 1, agents: 2, ..Holds::default() };
        assert_eq!(
            refusal(&prod, held, 1),
            "The deployment prod holds active work: 1 build that has not ended, 2 agents, 1 branch deployment. End that first, or delete it by force."
        );
    }
}
