//! What whoever calls holds themselves, in every deployment at once: for a list of which they may do something to one row and not to another.

use countersign_domain::deployment_role::Rights;
use countersign_domain::id::DeploymentId;
use countersign_store::deployment_roles;

use crate::access::actions::ViewDeploymentRoles;
use crate::{Action, Control, Grant, Result};

/// What a caller holds in the deployments of their organization. Nothing is decided by it but what is offered: an operation asks itself.
#[derive(Debug, Clone)]
pub struct OwnRoles(Option<Rights>);

impl OwnRoles {
    /// Whether what is held in this deployment, full or branch, is enough for the action. Of an action that needs no role it is.
    #[must_use]
    pub fn are_enough_for<A: Action>(&self, deployment: DeploymentId, is_branch: bool) -> bool {
        match (&self.0, A::WITHIN) {
            (Some(rights), Some(need)) => need.is_met_by(rights.within(deployment, is_branch)),
            _ => true,
        }
    }

    /// The same of what is held in all branch deployments, also in those made later.
    #[must_use]
    pub fn are_enough_in_all_branches<A: Action>(&self) -> bool {
        match (&self.0, A::WITHIN) {
            (Some(rights), Some(need)) => need.is_met_by(rights.within_all_branches()),
            _ => true,
        }
    }
}

impl Control {
    /// What the grant's caller holds. An Organization Admin needs no role.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn own_deployment_roles(&self, grant: &Grant<ViewDeploymentRoles>) -> Result<OwnRoles> {
        let user = grant.user()?;
        if user.role.0 == countersign_domain::Role::Admin {
            return Ok(OwnRoles(None));
        }
        self.read(grant, user.user, |tx, scene| {
            Box::pin(
                async move { Ok(OwnRoles(Some(deployment_roles::rights(tx, scene.organization, scene.input).await?))) },
            )
        })
        .await
    }
}
