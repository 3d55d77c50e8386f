//! Making a team.

use countersign_store::{Lane, teams};
use serde_json::json;

use crate::access::actions::CreateTeam;
use crate::{Control, Error, Grant, Result};

use super::{MAX_TEAMS, Team, description, name, not_taken, subject};

/// What a new team is to be.
#[derive(Debug, Clone, Default)]
pub struct NewTeam {
    /// Its name, unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

impl Control {
    /// Makes a team, without members and roles.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name` or `description`; [`Error::Conflict`] when the name is taken or there are [`MAX_TEAMS`].
    pub async fn create_team(&self, grant: &Grant<CreateTeam>, new: NewTeam) -> Result<Team> {
        let team = Team {
            id: self.fresh_id(),
            name: name(&new.name)?,
            description: description(new.description)?,
            created_at: self.now(),
            created_by: Some(grant.user()?.user),
        };
        self.write(grant, Lane::Normal, team, |tx, scene| {
            Box::pin(async move {
                let of = scene.organization;
                let new = Team { created_at: tx.now(), ..scene.input.clone() };
                not_taken(tx, of, &new.name, new.id).await?;
                if teams::count(tx, of).await? >= MAX_TEAMS {
                    return Err(Error::Conflict(format!(
                        "The organization has {MAX_TEAMS} teams, the most there may be; delete some."
                    )));
                }
                teams::insert(tx, of, &new).await?;
                scene.audit(tx, "team.created", subject(&new), json!({ "description": new.description })).await?;
                Ok(new)
            })
        })
        .await
    }
}
