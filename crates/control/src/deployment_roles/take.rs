//! Taking a role in a deployment away.

use countersign_store::{Tx, deployment_roles};
use serde_json::json;

use crate::access::actions::GrantDeploymentRole;
use crate::{Control, Error, Grant, Result, Scene};

use super::{HolderReference, Place, RoleGrant, UNKNOWN, enter, given_before, resolve};

/// Who is to hold nothing more of their own, and where.
#[derive(Debug, Clone)]
pub struct RoleRemoval {
    /// Who.
    pub holder: HolderReference,
    /// Where.
    pub place: Place,
}

impl Control {
    /// Takes away what somebody was given at a place. What they have begun ends before that, and what they begin later finds it gone. What they
    /// hold by their teams, and what all members have, stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the holder, the deployment, and where they were given nothing; [`Error::Denied`] for what the caller could not
    /// have given.
    pub async fn take_deployment_role(
        &self,
        grant: &Grant<GrantDeploymentRole>,
        removal: RoleRemoval,
    ) -> Result<RoleGrant> {
        self.write(grant, grant.lane_of_taking(), removal, |tx, scene| Box::pin(take(tx, scene))).await
    }
}

async fn take(tx: &mut Tx, scene: &Scene<RoleRemoval>) -> Result<RoleGrant> {
    let (of, place) = (scene.organization, scene.input.place);
    scene.may_at(tx, place).await?;
    let (holder, subject) = resolve(tx, scene, &scene.input.holder).await?;
    // Roles are given and taken one at a time in an organization: what is seen here stays, and what changes nothing keeps nobody waiting.
    let Some((before, is_known)) = given_before(tx, scene, holder, place).await? else {
        enter(tx, scene, place).await?;
        return Err(Error::NotFound("role in that deployment"));
    };
    deployment_roles::touch(tx, of, Some(holder)).await?;
    let where_to = enter(tx, scene, place).await?;
    deployment_roles::delete(tx, of, before.id).await?;
    let detail = json!({
        "deployment": where_to,
        "role": if is_known { before.held.role.as_str() } else { UNKNOWN },
        "managed_agent_tokens": before.held.manages_tokens(),
    });
    scene.audit(tx, "deployment_role.taken", subject, detail).await?;
    Ok(before)
}
