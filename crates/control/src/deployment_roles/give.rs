//! Giving a member or a team a role in a deployment.

use countersign_domain::DeploymentRole;
use countersign_domain::id::RoleGrantId;
use countersign_store::{Lane, Tx, deployment_roles, teams};
use serde_json::json;

use crate::access::actions::GrantDeploymentRole;
use crate::{Control, Error, Grant, Result, Scene};

use super::{
    Held, Holder, HolderReference, MAX_ROLES_AT_PLACE, MAX_ROLES_BY_OTHERS, MAX_ROLES_OF_HOLDER, Place, RoleGrant,
    UNKNOWN, enter, given_before, resolve,
};

/// Who is to hold what.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Who.
    pub holder: HolderReference,
    /// Where.
    pub place: Place,
    /// Which role; it takes the place of the one that they were given there before.
    pub role: DeploymentRole,
    /// Whether an Admin manages the agent tokens that reach nothing else.
    pub tokens: bool,
}

impl Control {
    /// Gives a role, from the next call of its holders on. The same again changes nothing. The most permissive of what somebody holds counts, so
    /// a role that is less than what they hold otherwise takes nothing away.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the holder and the deployment; [`Error::Invalid`] at `manageAgentTokens`; [`Error::Conflict`] for more than
    /// [`MAX_ROLES_OF_HOLDER`] and [`MAX_ROLES_AT_PLACE`], and [`MAX_ROLES_BY_OTHERS`] where no Organization Admin gives it;
    /// [`Error::Denied`] for what the caller cannot give there, for what they would give to themself or to a team that they are in, and for
    /// a service user that is no Organization Admin.
    pub async fn give_deployment_role(&self, grant: &Grant<GrantDeploymentRole>, new: NewRole) -> Result<RoleGrant> {
        if new.tokens && new.role != DeploymentRole::Admin {
            let message = "comes with the role admin alone; give that role, or leave it out";
            return Err(Error::invalid("manageAgentTokens", message));
        }
        let id: RoleGrantId = self.fresh_id();
        self.write(grant, Lane::Normal, (new, id), |tx, scene| Box::pin(give(tx, scene))).await
    }
}

async fn give(tx: &mut Tx, scene: &Scene<(NewRole, RoleGrantId)>) -> Result<RoleGrant> {
    let (NewRole { holder, place, role, tokens }, id) = &scene.input;
    let (of, place, held) = (scene.organization, *place, Held { role: *role, tokens: *tokens });
    scene.may_at(tx, place).await?;
    if held.manages_tokens() {
        scene.for_admins_alone()?;
    }
    let (holder, subject) = resolve(tx, scene, holder).await?;
    if is_own(tx, scene, holder).await? || scene.caller.is_service() {
        // What they hold by one way would outlast the end of that way. A service user would be that way for whoever has its token.
        scene.for_admins_alone()?;
    }
    // Roles are given and taken one at a time in an organization: what is seen here stays, and what changes nothing keeps nobody waiting.
    let before = given_before(tx, scene, holder, place).await?;
    match before {
        Some((before, true)) if before.held == held => return Ok(before),
        Some(_) => {}
        None => must_have_room(tx, scene, holder, place).await?,
    }
    // Before the turn at the deployment, which what they have begun may wait for.
    deployment_roles::touch(tx, of, Some(holder)).await?;
    let where_to = enter(tx, scene, place).await?;
    if let Some((before, _)) = before {
        deployment_roles::delete(tx, of, before.id).await?;
    }
    let new = RoleGrant { id: *id, holder, place, held, created_at: tx.now(), created_by: scene.caller.user() };
    deployment_roles::insert(tx, of, &new).await?;
    let detail = json!({
        "deployment": where_to,
        "from": before.map(|(it, is_known)| if is_known { it.held.role.as_str() } else { UNKNOWN }),
        "to": role.as_str(),
        "manages_agent_tokens": tokens,
    });
    scene.audit(tx, "deployment_role.given", subject, detail).await?;
    Ok(new)
}

/// Whether a role is for whoever gives it, themself or by a team that they are in.
async fn is_own<I: Sync>(tx: &mut Tx, scene: &Scene<I>, holder: Holder) -> Result<bool> {
    let Some(user) = scene.by_roles_of() else { return Ok(false) };
    Ok(match holder {
        Holder::Member(id) => id == user,
        Holder::Team(id) => teams::has_member(tx, scene.organization, id, user).await?,
    })
}

/// Whether one more may be given. Those who are counted are all there are.
async fn must_have_room<I: Sync>(tx: &mut Tx, scene: &Scene<I>, holder: Holder, place: Place) -> Result<()> {
    let count = deployment_roles::count_of_holder(tx, scene.organization, holder).await?;
    if count >= MAX_ROLES_OF_HOLDER {
        return Err(Error::Conflict(format!(
            "They have {MAX_ROLES_OF_HOLDER} roles in deployments, the most there may be; take one away, or give a role to a team of theirs."
        )));
    }
    if count >= MAX_ROLES_BY_OTHERS && scene.by_roles_of().is_some() {
        return Err(Error::Conflict(format!(
            "They have {count} roles in deployments, and from {MAX_ROLES_BY_OTHERS} on an Organization Admin alone gives one more; ask one, take one \
             away, or give a role to a team of theirs."
        )));
    }
    if deployment_roles::count_at(tx, scene.organization, place).await? >= MAX_ROLES_AT_PLACE {
        return Err(Error::Conflict(format!(
            "{MAX_ROLES_AT_PLACE} roles were given there, the most there may be; take some away, or give one to a team."
        )));
    }
    Ok(())
}
