//! Seeing roles in deployments.

use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentRole, Role};
use countersign_store::{deployment_roles, deployments};

use crate::access::actions::ViewDeploymentRoles;
use crate::members::{self, MemberReference};
use crate::{Control, Error, Grant, Result};

use super::{Held, HolderReference, RoleGrant, resolve};

impl Control {
    /// What was given to a member, or to a team, the oldest first; of a member without what they hold by their teams.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn deployment_roles_of(
        &self,
        grant: &Grant<ViewDeploymentRoles>,
        holder: HolderReference,
    ) -> Result<Vec<RoleGrant>> {
        self.read(grant, holder, |tx, scene| {
            Box::pin(async move {
                let (holder, _) = resolve(tx, scene, &scene.input).await?;
                Ok(deployment_roles::of_holder(tx, scene.organization, holder).await?)
            })
        })
        .await
    }

    /// What was given in one deployment, the oldest first; without what is given for all branch deployments.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`]; another organization's deployment has none.
    pub async fn deployment_roles_in(
        &self,
        grant: &Grant<ViewDeploymentRoles>,
        deployment: DeploymentId,
    ) -> Result<Vec<RoleGrant>> {
        self.read(grant, deployment, |tx, scene| {
            Box::pin(async move { Ok(deployment_roles::in_deployment(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// What a member holds in a deployment, of all that they hold the most permissive.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the member and the deployment.
    pub async fn held_in(
        &self,
        grant: &Grant<ViewDeploymentRoles>,
        member: MemberReference,
        deployment: DeploymentId,
    ) -> Result<Held> {
        self.read(grant, (member, deployment), |tx, scene| {
            Box::pin(async move {
                let (of, (member, deployment)) = (scene.organization, &scene.input);
                let member = members::resolve(tx, scene, member).await?;
                let found = deployments::find(tx, of, *deployment).await?.ok_or(Error::NotFound("deployment"))?;
                if member.role == Role::Admin {
                    return Ok(Held { role: DeploymentRole::Admin, tokens: true });
                }
                let rights = deployment_roles::rights_in(tx, of, member.user.id, found.id).await?;
                Ok(rights.within(found.id, found.parent.is_some()))
            })
        })
        .await
    }
}
