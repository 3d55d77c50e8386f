//! Seeing which organizations one sign-in reaches.

use countersign_domain::Role;
use countersign_store::organizations::{self, Organization};

use crate::access::actions::ViewSignIns;
use crate::{Control, Grant, Result};

impl Control {
    /// The organizations in which the caller can call as they do now, by name, with their role in each: for somebody who is signed in, all that
    /// they are a member of; for the holder of a user token, the token's own.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn own_organizations(&self, grant: &Grant<ViewSignIns>) -> Result<Vec<(Organization, Role)>> {
        let user = grant.user()?;
        let only = user.token().map(|_| user.organization);
        self.read(grant, (user.user, only), |tx, scene| {
            Box::pin(async move {
                let (user, only) = scene.input;
                let mut all = organizations::of_member(tx, user).await?;
                all.retain(|(it, _)| only.is_none_or(|only| it.id == only));
                Ok(all)
            })
        })
        .await
    }

    /// The one of those that has this slug, or had it before it took another; none for an organization that is not the caller's.
    ///
    /// # Errors
    /// As [`Control::own_organizations`].
    pub async fn own_organization_that_had(
        &self,
        grant: &Grant<ViewSignIns>,
        slug: &str,
    ) -> Result<Option<Organization>> {
        let user = grant.user()?;
        let only = user.token().map(|_| user.organization);
        self.read(grant, (user.user, only, slug.to_owned()), |tx, scene| {
            Box::pin(async move {
                let (user, only, slug) = &scene.input;
                let Some(owner) = organizations::owner_of_slug(tx, slug).await? else { return Ok(None) };
                let mut all = organizations::of_member(tx, *user).await?;
                all.retain(|(it, _)| it.id == owner && only.is_none_or(|only| it.id == only));
                Ok(all.pop().map(|(it, _)| it))
            })
        })
        .await
    }
}
