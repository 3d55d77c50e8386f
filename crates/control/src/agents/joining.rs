//! Which deployment an agent joins, of either protocol.

use countersign_domain::id::{DeploymentId, OrganizationId};
use countersign_domain::text::DeploymentName;
use countersign_domain::{DeploymentScope, Scope};
use countersign_store::{Tx, deployments, organizations};

use crate::Result;

/// The deployment that an agent asks for.
pub(crate) struct Joined {
    pub id: DeploymentId,
    /// Whether it is the organization's default one, which is never deleted.
    pub is_default: bool,
}

/// The one that it names; when it names none, that which its token means: its only one; else the organization's default, if that is in scope;
/// else the only full one that the scope names. None when no deployment has that name, and when the token means no one of several.
pub(crate) async fn wanted(
    tx: &mut Tx,
    of: OrganizationId,
    scope: &Scope,
    name: Option<&DeploymentName>,
) -> Result<Option<Joined>> {
    if let Some(name) = name {
        let found = deployments::find_by_name(tx, of, name.as_str()).await?;
        return Ok(found.map(|it| Joined { id: it.id, is_default: false }));
    }
    if let Some(id) = scope.deployments.only_one() {
        return Ok(Some(Joined { id, is_default: false }));
    }
    let Some(organization) = organizations::find(tx, of).await? else { return Ok(None) };
    let default = organization.default_deployment;
    let named = match &scope.deployments {
        DeploymentScope::Only { deployments, .. } if !deployments.contains(&default) => deployments,
        DeploymentScope::Every | DeploymentScope::Only { .. } => {
            return Ok(Some(Joined { id: default, is_default: true }));
        }
    };
    let mut only = None;
    for id in named {
        let is_full = deployments::find(tx, of, *id).await?.is_some_and(|it| it.parent.is_none());
        if is_full && only.replace(*id).is_some() {
            return Ok(None);
        }
    }
    Ok(only.map(|id| Joined { id, is_default: false }))
}
