//! The role that all members have in all deployments.

use countersign_domain::DeploymentRole;
use countersign_store::{Lane, deployment_roles, organizations};
use serde_json::json;

use crate::access::actions::{ChangeMembersRole, ViewDeploymentRoles};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

impl Control {
    /// What every member has in every deployment without being given anything: a Launcher, unless an Organization Admin has said otherwise.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn members_role(&self, grant: &Grant<ViewDeploymentRoles>) -> Result<DeploymentRole> {
        self.read(grant, (), |tx, scene| {
            Box::pin(async move { Ok(deployment_roles::everywhere(tx, scene.organization).await?) })
        })
        .await
    }

    /// Gives all members another role in all deployments, from their next call on. The same again changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `role` for an Admin: whoever had been one for a moment could have given roles that stay.
    pub async fn change_members_role(&self, grant: &Grant<ChangeMembersRole>, role: DeploymentRole) -> Result<()> {
        if role == DeploymentRole::Admin {
            let message =
                "admin is for single members and teams: give it to them, and viewer, launcher or editor to all";
            return Err(Error::invalid("role", message));
        }
        self.write(grant, Lane::Urgent, role, |tx, scene| {
            Box::pin(async move {
                let (of, role) = (scene.organization, scene.input);
                let before = deployment_roles::everywhere(tx, of).await?;
                if before == role {
                    return Ok(());
                }
                deployment_roles::touch(tx, of, None).await?;
                deployment_roles::set_everywhere(tx, of, role).await?;
                let organization = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
                let subject = Subject::new("organization", of, organization.slug);
                let detail = json!({ "from": before.as_str(), "to": role.as_str() });
                scene.audit(tx, "organization.members_role_changed", subject, detail).await
            })
        })
        .await
    }
}
