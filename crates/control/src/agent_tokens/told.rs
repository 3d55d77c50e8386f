//! Values that were told to whoever manages agent tokens by a role in deployments. They keep what they know when their role ends, and when the
//! token is no longer theirs to see: so a token whose value they know never comes to reach more than they were let to.

use countersign_domain::{DeploymentScope, PublicId};
use countersign_store::Tx;
use countersign_store::tokens::{Token, scopes, secrets};

use crate::{Error, Result, Scene};

/// Notes that the caller is told a value, unless they are an Organization Admin.
pub(super) async fn note<I: Sync>(tx: &mut Tx, scene: &Scene<I>, secret: &PublicId) -> Result<()> {
    if scene.by_roles_of().is_some() {
        secrets::tell(tx, secret).await?;
    }
    Ok(())
}

/// Refuses a scope that reaches deployments which the token did not reach, while such a value of it is valid. The token is kept still.
pub(super) async fn refuse_wider<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    token: &Token,
    after: &DeploymentScope,
) -> Result<()> {
    let Some(told) = secrets::told(tx, token.id).await? else { return Ok(()) };
    let before = scopes::find(tx, scene.organization, token.id).await?.ok_or(Error::NotFound("agent token"))?;
    let mut branches = Vec::new();
    if let DeploymentScope::Only { deployments, .. } = after {
        for id in deployments {
            if scene.is_branch(tx, *id).await? {
                branches.push(*id);
            }
        }
    }
    if before.deployments.contains(after, |id| branches.contains(&id)) {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "The token's value {told} was told to somebody who is no Organization Admin, and would reach more deployments than they were let to. \
         Have an Organization Admin rotate the token first, and end the old values; or create another token."
    )))
}
