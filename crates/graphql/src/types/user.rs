//! People.

use async_graphql::{ID, Object, SimpleObject};
use countersign_control::Result;
use countersign_control::organizations;
use countersign_domain::id::UserId;

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, found};

/// A person's picture.
#[derive(SimpleObject)]
pub(crate) struct Avatar {
    /// Empty: this server keeps no pictures and asks no one else for them.
    url: String,
}

pub(crate) struct User(pub organizations::User);

/// A person.
#[Object]
impl User {
    /// Their picture.
    async fn avatar(&self) -> Avatar {
        Avatar { url: String::new() }
    }

    /// Whether this is an account of a program.
    async fn bot(&self) -> bool {
        self.0.is_service
    }

    /// Their e-mail address. That of a service user is nobody's.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        global_id::encode(Sort::User, self.0.id)
    }

    /// Whether this is an account of a machine.
    async fn machine_user(&self) -> bool {
        self.0.is_service
    }

    /// What they are called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The uuid.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }
}

/// A member of the caller's organization.
pub(crate) async fn member(call: &Call, id: UserId) -> Result<User> {
    Ok(User(call.control.member(&call.may()?, id).await?.user))
}

/// The person in a column that may be empty, and who may have left.
pub(crate) async fn person(call: &Call, id: Option<UserId>) -> Nullable<User> {
    match id {
        Some(id) => found(member(call, id).await.map(Some)),
        None => None,
    }
}
