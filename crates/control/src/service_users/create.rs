//! Making a service user.

use countersign_domain::Role;
use countersign_domain::id::UserId;
use countersign_domain::text::SERVICE_USER_DOMAIN;
use countersign_store::Lane;
use countersign_store::users::{self, User};
use serde_json::json;

use crate::access::actions::CreateServiceUser;
use crate::members::{Member, room_for_one};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input};

use super::{name, not_taken};

/// What a new service user is to be.
#[derive(Debug, Clone)]
pub struct NewServiceUser {
    /// Its name, unique among those of the organization.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it may do.
    pub role: Role,
}

impl Control {
    /// Makes a service user, without any token.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name` or `description`; [`Error::Conflict`] when the name is taken or there are [`crate::members::MAX_MEMBERS`].
    pub async fn create_service_user(&self, grant: &Grant<CreateServiceUser>, new: NewServiceUser) -> Result<Member> {
        let id: UserId = self.fresh_id();
        let user = User {
            id,
            // Nobody has it; it is there because everybody has one.
            email: format!("{id}@{SERVICE_USER_DOMAIN}"),
            name: name(&new.name)?,
            is_service: true,
            description: input::description(new.description.as_deref())?,
            created_at: self.now(),
        };
        self.write(grant, Lane::Normal, (user, new.role), |tx, scene| {
            Box::pin(async move {
                let (user, role) = &scene.input;
                let of = scene.organization;
                room_for_one(tx, of).await?;
                not_taken(tx, scene, &user.name, user.id).await?;
                users::insert(tx, &User { created_at: tx.now(), ..user.clone() }).await?;
                users::insert_member(tx, of, user.id, *role).await?;
                let subject = Subject::new("service_user", user.id, user.name.as_str());
                let detail = json!({ "role": role.as_str(), "description": user.description });
                scene.audit(tx, "service_user.created", subject, detail).await?;
                users::find_member(tx, of, user.id).await?.ok_or(Error::NotFound("service user"))
            })
        })
        .await
    }
}
