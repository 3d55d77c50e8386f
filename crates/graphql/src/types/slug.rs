//! Addresses such as `organization/uuid`. They name things of the caller's own organization; every other one names nothing.

use countersign_control::organizations::Organization;
use countersign_control::{Error, Result};
use countersign_domain::Id;

use crate::call::Call;
use crate::global_id::parse_uuid;

/// The caller's organization, if that is its slug.
pub(crate) async fn own_organization(call: &Call, slug: &str) -> Result<Option<Organization>> {
    let organization = call.control.organization(&call.may()?).await?;
    Ok((organization.slug == slug).then_some(organization))
}

/// The id behind `organization/uuid`.
///
/// # Errors
/// [`Error::NotFound`] for another organization's slug and for every other text.
pub(crate) async fn id_of<T>(call: &Call, slug: &str, what: &'static str) -> Result<Id<T>> {
    let (organization, uuid) = slug.split_once('/').ok_or(Error::NotFound(what))?;
    let id = parse_uuid(uuid).ok_or(Error::NotFound(what))?;
    match own_organization(call, organization).await? {
        Some(_) => Ok(id),
        None => Err(Error::NotFound(what)),
    }
}
