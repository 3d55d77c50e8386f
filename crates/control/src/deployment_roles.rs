//! Roles in deployments: giving them to members and teams, taking them away, and seeing who holds which.
//!
//! What a role lets its holder do is in the table of actions; whether somebody holds enough is decided in [`crate::access`]. Nobody gives what
//! they do not hold: an Admin of a deployment gives roles in it and nowhere else, and agent tokens come from an Organization Admin alone.

mod everywhere;
mod give;
mod list;
mod own;
mod take;

pub use countersign_domain::deployment_role::{Held, Place};
pub use countersign_store::deployment_roles::{Holder, RoleGrant};
pub use give::NewRole;
pub use own::OwnRoles;
pub use take::RoleRemoval;

use countersign_store::{Tx, deployment_roles, deployments};
use serde_json::{Value, json};

use crate::members::{self, MemberReference};
use crate::scene::Subject;
use crate::teams::{self, TeamReference};
use crate::{Error, Result, Scene};

/// Most roles that were given to one member, or to one team, each in a deployment or for all branch deployments. All that somebody holds is read
/// with each of their calls.
pub const MAX_ROLES_OF_HOLDER: usize = 100;
/// Most of them that a member or a team has when somebody who is no Organization Admin gives one more: nobody takes all the room that
/// Organization Admins have to give.
pub const MAX_ROLES_BY_OTHERS: usize = 50;
/// Most roles that were given in one deployment, or for all branch deployments: a list of them is read as a whole. Teams hold them for more.
pub const MAX_ROLES_AT_PLACE: i64 = 1_000;

/// What an audit row calls a role whose word is not known.
const UNKNOWN: &str = "unknown";

/// Roles that end with what they were given to or given in, for its audit row: with the ids of who had which, and where.
pub(crate) fn in_words(ended: &[RoleGrant]) -> Value {
    let one = |it: &RoleGrant| {
        let (holder, id) = match it.holder {
            Holder::Member(id) => ("member", id.to_string()),
            Holder::Team(id) => ("team", id.to_string()),
        };
        let deployment = match it.place {
            Place::Deployment(id) => id.to_string(),
            Place::AllBranches => ALL_BRANCHES.to_owned(),
        };
        json!({
            holder: id,
            "deployment": deployment,
            "role": it.held.role.as_str(),
            "manages_agent_tokens": it.held.manages_tokens(),
        })
    };
    ended.iter().map(one).collect()
}

/// All branch deployments as a place, in an audit row.
const ALL_BRANCHES: &str = "all branch deployments";

/// How a caller names who is to hold a role.
#[derive(Debug, Clone)]
pub enum HolderReference {
    /// A member, person or service user.
    Member(MemberReference),
    /// A team.
    Team(TeamReference),
}

/// Who is meant, and what an audit row is about.
async fn resolve<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &HolderReference) -> Result<(Holder, Subject)> {
    match reference {
        HolderReference::Member(reference) => {
            let member = members::resolve(tx, scene, reference).await?;
            Ok((Holder::Member(member.user.id), members::subject(&member)))
        }
        HolderReference::Team(reference) => {
            let team = teams::resolve(tx, scene, reference).await?;
            Ok((Holder::Team(team.id), Subject::new("team", team.id, team.name)))
        }
    }
}

/// What a holder was given at a place, and whether its word is known. Whoever takes away what brings agent tokens, or what nobody knows, is an
/// Organization Admin: nobody else could give it back.
async fn given_before<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    holder: Holder,
    place: Place,
) -> Result<Option<(RoleGrant, bool)>> {
    let before = deployment_roles::given_at(tx, scene.organization, holder, place).await?;
    if before.is_some_and(|(it, is_known)| !is_known || it.held.manages_tokens()) {
        scene.for_admins_alone()?;
    }
    Ok(before)
}

/// A place in words, for an audit row; one deployment stays there until the transaction ends.
async fn enter<I: Sync>(tx: &mut Tx, scene: &Scene<I>, place: Place) -> Result<String> {
    match place {
        Place::AllBranches => Ok(ALL_BRANCHES.to_owned()),
        Place::Deployment(id) => {
            let found = deployments::enter(tx, scene.organization, id).await?;
            Ok(found.ok_or(Error::NotFound("deployment"))?.name)
        }
    }
}
