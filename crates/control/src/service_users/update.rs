//! Changing a service user's name, and what it is for.

use countersign_store::{Lane, members, users};
use serde_json::json;

use crate::access::actions::UpdateServiceUser;
use crate::members::{Member, MemberReference};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input};

use super::{name, not_taken, service_user};

/// What is to be different. What is `None` stays.
#[derive(Debug, Clone)]
pub struct ServiceUserChange {
    /// Which service user.
    pub service_user: MemberReference,
    /// Another name.
    pub name: Option<String>,
    /// `Some(None)` takes the description away.
    pub description: Option<Option<String>>,
}

impl Control {
    /// Changes a service user.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `name` or `description`; [`Error::Conflict`] when the name is taken.
    pub async fn update_service_user(
        &self,
        grant: &Grant<UpdateServiceUser>,
        mut change: ServiceUserChange,
    ) -> Result<Member> {
        change.name = change.name.as_deref().map(name).transpose()?;
        if let Some(description) = &change.description {
            change.description = Some(input::description(description.as_deref())?);
        }
        self.write(grant, Lane::Normal, change, |tx, scene| {
            Box::pin(async move {
                let change = &scene.input;
                let before = service_user(tx, scene, &change.service_user).await?.user;
                let name = change.name.as_ref().unwrap_or(&before.name);
                let description = change.description.as_ref().unwrap_or(&before.description);
                if *name != before.name {
                    not_taken(tx, scene, name, before.id).await?;
                }
                if *name == before.name && *description == before.description {
                    // Nothing is different: there is nothing to tell.
                    return users::find_member(tx, scene.organization, before.id)
                        .await?
                        .ok_or(Error::NotFound("service user"));
                }
                members::describe(tx, before.id, name, description.as_deref()).await?;
                let subject = Subject::new("service_user", before.id, name.as_str());
                let detail = json!({ "name_before": before.name, "description": description });
                scene.audit(tx, "service_user.updated", subject, detail).await?;
                let after = users::find_member(tx, scene.organization, before.id).await?;
                after.ok_or(Error::NotFound("service user"))
            })
        })
        .await
    }
}
