//! Changing a team's name, and what it is for.

use countersign_store::{Lane, teams};
use serde_json::{Map, json};

use crate::access::actions::UpdateTeam;
use crate::{Control, Grant, Result};

use super::{Team, TeamReference, description, name, not_taken, resolve, subject};

/// What is to be different. What is `None` stays.
#[derive(Debug, Clone)]
pub struct TeamChange {
    /// Which team.
    pub team: TeamReference,
    /// Another name.
    pub name: Option<String>,
    /// `Some(None)` takes the description away.
    pub description: Option<Option<String>>,
}

impl Control {
    /// Changes a team. Its members and roles stay.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Invalid`] at `name` or `description`; [`crate::Error::Conflict`] when the name is taken.
    pub async fn update_team(&self, grant: &Grant<UpdateTeam>, mut change: TeamChange) -> Result<Team> {
        change.name = change.name.as_deref().map(name).transpose()?;
        change.description = change.description.map(description).transpose()?;
        self.write(grant, Lane::Normal, change, |tx, scene| {
            Box::pin(async move {
                let (of, change) = (scene.organization, &scene.input);
                let before = resolve(tx, scene, &change.team).await?;
                let after = Team {
                    name: change.name.clone().unwrap_or_else(|| before.name.clone()),
                    description: change.description.clone().unwrap_or_else(|| before.description.clone()),
                    ..before.clone()
                };
                let mut detail = Map::new();
                if after.name != before.name {
                    not_taken(tx, of, &after.name, after.id).await?;
                    detail.insert("name".to_owned(), json!({ "from": before.name, "to": after.name }));
                }
                if after.description != before.description {
                    let what = json!({ "from": before.description, "to": after.description });
                    detail.insert("description".to_owned(), what);
                }
                if detail.is_empty() {
                    return Ok(after);
                }
                teams::update(tx, of, &after).await?;
                scene.audit(tx, "team.updated", subject(&after), detail.into()).await?;
                Ok(after)
            })
        })
        .await
    }
}
