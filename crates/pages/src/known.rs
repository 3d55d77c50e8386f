//! Who was found to look, kept for the page of whatever goes wrong afterwards: it has the same ways around it as any other. Of an organization it
//! says nothing to whoever is not in it: there one that exists and one that does not look the same.

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRef, FromRequestParts, OriginalUri};
use countersign_control::access::actions::ViewOrganization;
use countersign_control::organizations::Organization;
use countersign_control::{Caller, Error, Result};
use http::request::Parts;

use crate::frame::{Frame, Person, Place};
use crate::lost::ORGANIZATIONS;
use crate::person;
use crate::site::Site;
use crate::visit::CURRENT;

/// A place for it that a request carries along.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Arc<OnceLock<(Person, Option<Place>)>>);

impl Known {
    /// The place of this request.
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get().cloned().unwrap_or_default()
    }

    /// Keeps a person, and the organization that they were found to be in. What was kept first stays.
    pub(crate) fn keep(&self, caller: &Caller, organization: Option<&Organization>) {
        let Caller::User(user) = caller else { return };
        let person = Person { name: user.name.clone(), email: user.email.clone() };
        let place = organization.map(|it| Place { slug: it.slug.clone(), name: it.name.clone() });
        // A second find of the same request is no more than the first.
        let _ = self.0.set((person, place));
    }

    /// The frame with who was found.
    pub(crate) fn around(&self, frame: Frame) -> Frame {
        match self.0.get() {
            Some((person, place)) => Frame { person: Some(person.clone()), organization: place.clone(), ..frame },
            None => frame,
        }
    }
}

/// A call for what is not there: who calls is looked for all the same, and whatever comes of it is no other answer.
#[derive(Debug)]
pub(crate) struct Stray;

impl<S: Send + Sync> FromRequestParts<S> for Stray
where
    Site: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> std::result::Result<Self, Self::Rejection> {
        find(&Site::from_ref(state), parts).await;
        Ok(Self)
    }
}

/// Looks for who calls, and keeps what is found.
pub(crate) async fn find(site: &Site, parts: &Parts) {
    let known = Known::of(parts);
    if let Ok((caller, organization)) = look(site, parts).await {
        known.keep(&caller, organization.as_ref());
    }
}

/// Who calls, and the organization of the address where they are in it.
async fn look(site: &Site, parts: &Parts) -> Result<(Caller, Option<Organization>)> {
    let whole = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |it| &it.0);
    let Some(slug) = whole.path().strip_prefix(ORGANIZATIONS).and_then(|rest| rest.split('/').next()) else {
        return Ok((person::signed_in(&site.control, parts, None).await?, None));
    };
    let slug = Some(slug).filter(|slug| *slug != CURRENT);
    match person::signed_in(&site.control, parts, slug).await {
        Ok(caller @ Caller::User(_)) => {
            let grant = site.control.grant_own::<ViewOrganization>(&caller)?;
            let organization = site.control.organization(&grant).await?;
            Ok((caller, Some(organization)))
        }
        Err(Error::NotFound(_)) => Ok((person::signed_in(&site.control, parts, None).await?, None)),
        other => Ok((other?, None)),
    }
}
