//! Making a deployment, full or branch.

use countersign_domain::Timestamp;
use countersign_domain::id::{DeploymentId, Id};
use countersign_store::{Lane, Turn, Tx, deployments};
use serde_json::json;

use crate::access::actions::CreateDeployment;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, issuing};

use super::{Deployment, MAX_BRANCHES_OF_MEMBERS, MAX_DEPLOYMENTS, color, description, emoji, name, not_taken};

/// What a new deployment is to be.
#[derive(Debug, Clone, Default)]
pub struct NewDeployment {
    /// Its name, unique in the organization.
    pub name: String,
    /// The full deployment that it belongs to, for a branch deployment.
    pub parent: Option<DeploymentId>,
    /// What it is for.
    pub description: Option<String>,
    /// What stands before its name.
    pub emoji: Option<String>,
    /// Its colour, such as `#0B79CE`.
    pub color: Option<String>,
    /// From when on it is removed: for branch deployments alone.
    pub expires_at: Option<Timestamp>,
}

impl Control {
    /// Makes a deployment; a branch deployment also by an Editor of all branch deployments.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name`, `parent`, `description`, `emoji`, `color` or `expiresAt`; [`Error::Conflict`] when the name is taken, was
    /// a full deployment's and the caller is no Organization Admin, there are [`MAX_DEPLOYMENTS`], or
    /// [`MAX_BRANCHES_OF_MEMBERS`] branch deployments and the caller is no Organization Admin.
    pub async fn create_deployment(&self, grant: &Grant<CreateDeployment>, new: NewDeployment) -> Result<Deployment> {
        issuing::check_expiry(new.expires_at, self.now())?;
        if new.parent.is_none() && new.expires_at.is_some() {
            return Err(Error::invalid(
                "expiresAt",
                "is for branch deployments: name the deployment that this one belongs to, or leave the time out",
            ));
        }
        let deployment = Deployment {
            parent: new.parent,
            description: description(new.description)?,
            emoji: emoji(new.emoji)?,
            color: color(new.color)?,
            created_by: Some(grant.user()?.user),
            expires_at: new.expires_at,
            ..Deployment::named(self.fresh_id(), name(&new.name)?, self.now())
        };
        self.write(grant, Lane::Normal, deployment, |tx, scene| Box::pin(create(tx, scene))).await
    }
}

async fn create(tx: &mut Tx, scene: &Scene<Deployment>) -> Result<Deployment> {
    let of = scene.organization;
    // Those who make one at the same time are counted one after the other.
    tx.take_turn(of, Turn::Alone).await?;
    if deployments::count(tx, of).await? >= MAX_DEPLOYMENTS {
        return Err(Error::Conflict(format!(
            "The organization has {MAX_DEPLOYMENTS} deployments, the most there may be; delete some."
        )));
    }
    let deployment = Deployment { created_at: tx.now(), ..scene.input.clone() };
    match deployment.parent {
        Some(_) => scene.may_in_all_branches(tx).await?,
        None => scene.for_admins_alone()?,
    }
    if scene.by_roles_of().is_some() && deployments::count_branches(tx, of).await? >= MAX_BRANCHES_OF_MEMBERS {
        return Err(Error::Conflict(format!(
            "The organization has {MAX_BRANCHES_OF_MEMBERS} branch deployments, the most there may be when no Organization Admin makes \
             another; delete some, or let them expire."
        )));
    }
    if let Some(parent) = deployment.parent {
        let parent = deployments::enter(tx, of, parent).await?;
        let parent = parent.ok_or_else(|| {
            Error::invalid(
                "parent",
                "names none of the organization's deployments; it may be deleted meanwhile: choose another",
            )
        })?;
        if parent.parent.is_some() {
            return Err(Error::invalid(
                "parent",
                format!("is {}, which is a branch deployment itself; name a full one", parent.name),
            ));
        }
    }
    not_taken(tx, of, &deployment.name, deployment.id).await?;
    if scene.by_roles_of().is_some() && deployments::was_full(tx, of, &deployment.name).await? {
        return Err(Error::Conflict(format!(
            "A full deployment had the name {}, and agents and builds may still name it. Choose another name, or have an Organization Admin \
             make the branch deployment.",
            deployment.name
        )));
    }
    deployments::insert(tx, of, &deployment).await?;
    let subject = Subject::new("deployment", deployment.id, deployment.name.as_str());
    let detail = json!({
        "parent": deployment.parent.as_ref().map(Id::to_string),
        "description": deployment.description,
        "expires_at": deployment.expires_at.map(|at| at.to_string()),
    });
    scene.audit(tx, "deployment.created", subject, detail).await?;
    Ok(deployment)
}
