//! People, as what they have made shows them.

use async_graphql::SimpleObject;
use countersign_control::access::actions::ViewOrganization;
use countersign_control::{Error, Result};
use countersign_domain::id::UserId;

use crate::call::Call;

/// A member of the organization.
#[derive(Debug, SimpleObject)]
pub(crate) struct DagsterCloudUser {
    /// Their number in the organization.
    user_id: i32,
    /// Their address.
    email: String,
    /// What they are called.
    name: Option<String>,
}

/// A member; none of somebody who is none any more, or never was.
///
/// # Errors
/// As [`countersign_control::Control::member`], but for one who is not found.
pub(crate) async fn person(call: &Call, user: Option<UserId>) -> Result<Option<DagsterCloudUser>> {
    let Some(user) = user else { return Ok(None) };
    let grant = call.control.grant_own::<ViewOrganization>(&call.caller)?;
    let member = match call.control.member(&grant, user).await {
        Ok(member) => member,
        Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let number = number_of(call, user).await?;
    Ok(number.map(|user_id| DagsterCloudUser { user_id, email: member.user.email, name: Some(member.user.name) }))
}

/// A member's number.
pub(crate) async fn number_of(call: &Call, user: UserId) -> Result<Option<i32>> {
    let grant = call.control.grant_own::<ViewOrganization>(&call.caller)?;
    let numbers = call.control.numbers(&grant, vec![user]).await?;
    numbers.get(&user).map(|number| int(*number)).transpose()
}

/// A number as their API has it.
///
/// # Errors
/// [`Error::Internal`] beyond 2^31 tokens, deployments and members of one organization.
pub(crate) fn int(number: i64) -> Result<i32> {
    i32::try_from(number).map_err(|_| Error::internal("a number of an organization is too large for their API"))
}
