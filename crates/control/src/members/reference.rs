//! The ways to name a member: by id, by number, by address, a service user by its name.

use countersign_domain::id::UserId;
use countersign_domain::text::{Email, ServiceUserName};
use countersign_store::{Tx, members, numbers, users};

use crate::{Error, Result, Scene};

use super::Member;

/// How a caller names a member of their organization.
#[derive(Debug, Clone)]
pub enum MemberReference {
    /// By id.
    Id(UserId),
    /// By number, as Dagster's API has it.
    Number(i64),
    /// A person by their address.
    Email(Email),
    /// A service user by its name.
    ServiceUser(ServiceUserName),
}

impl MemberReference {
    /// Reads a UUID, an address or the name of a service user. Global ids are the face's to decode.
    ///
    /// # Errors
    /// [`Error::NotFound`] for anything else, as for a member who is not there.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let read = if text.contains('@') {
            Email::parse(text).map(Self::Email)
        } else {
            ServiceUserName::parse(text).map(Self::ServiceUser)
        };
        read.map_err(|_| Error::NotFound("member"))
    }
}

/// The organization's member of that name.
pub(crate) async fn resolve<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &MemberReference) -> Result<Member> {
    let of = scene.organization;
    let found = match reference {
        MemberReference::Id(id) => users::find_member(tx, of, *id).await?,
        MemberReference::Number(number) => match numbers::subject(tx, of, *number).await? {
            Some(id) => users::find_member(tx, of, id).await?,
            None => None,
        },
        MemberReference::Email(email) => members::find_by_email(tx, of, email.as_str()).await?,
        MemberReference::ServiceUser(name) => members::find_service_user(tx, of, name.as_str()).await?,
    };
    found.ok_or(Error::NotFound("member"))
}
