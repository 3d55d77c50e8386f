//! Deleting a team.

use countersign_domain::id::UserId;
use countersign_store::deployment_roles::{self, Holder};
use countersign_store::{Lane, teams};
use serde_json::json;

use crate::access::actions::DeleteTeam;
use crate::{Control, Grant, Result, deployment_roles as roles_of};

use super::{Team, TeamReference, resolve, subject};

/// How many members the audit row of a deletion names at the most; all are counted.
const MAX_TOLD: i64 = 500;

/// A team that is gone.
#[derive(Debug, Clone)]
pub struct DeletedTeam {
    /// The team, as it was.
    pub team: Team,
    /// How many members it had.
    pub members: i64,
    /// How many roles they held by it.
    pub roles: usize,
}

impl Control {
    /// Deletes a team, and with it what its members hold by it: what they have begun ends before that. The members stay in the organization.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn delete_team(&self, grant: &Grant<DeleteTeam>, team: TeamReference) -> Result<DeletedTeam> {
        self.write(grant, Lane::Urgent, team, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let team = resolve(tx, scene, &scene.input).await?;
                let holder = Holder::Team(team.id);
                deployment_roles::touch(tx, of, Some(holder)).await?;
                let members = teams::count_members(tx, of, team.id).await?;
                let roles = deployment_roles::of_holder(tx, of, holder).await?;
                let named = teams::members(tx, of, team.id, UserId::last(), MAX_TOLD).await?;
                teams::delete(tx, of, team.id).await?;
                let detail = json!({
                    "members": members,
                    "roles": roles.len(),
                    "deployment_roles": roles_of::in_words(&roles),
                    "member_ids": named.iter().map(|it| it.user.id.to_string()).collect::<Vec<_>>(),
                });
                scene.audit(tx, "team.deleted", subject(&team), detail).await?;
                Ok(DeletedTeam { team, members, roles: roles.len() })
            })
        })
        .await
    }
}
