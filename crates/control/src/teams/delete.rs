//! Deleting a team.

use countersign_store::deployment_roles::{self, Holder};
use countersign_store::{Lane, teams};
use serde_json::json;

use crate::access::actions::DeleteTeam;
use crate::{Control, Grant, Result};

use super::{Team, TeamReference, resolve, subject};

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
                let roles = deployment_roles::of_holder(tx, of, holder).await?.len();
                teams::delete(tx, of, team.id).await?;
                let detail = json!({ "members": members, "roles": roles });
                scene.audit(tx, "team.deleted", subject(&team), detail).await?;
                Ok(DeletedTeam { team, members, roles })
            })
        })
        .await
    }
}
