//! The permission as a handler's argument, below an organization's address.

use axum::extract::{FromRequestParts, RawPathParams};
use countersign_control::access::actions::ViewOrganization;
use countersign_control::organizations::Organization;
use countersign_control::{Action, Caller, Control, Error, Grant};
use countersign_domain::Id;
use countersign_http::authenticate;
use http::request::Parts;

use super::shapes::Addresses;
use crate::Failure;

/// What a person may do in the organization that the address names: their own.
pub(crate) struct InOrganization<A> {
    /// The permission.
    pub grant: Grant<A>,
    /// The organization.
    pub organization: Organization,
    /// What else the address names.
    pub named: Named,
    /// Where answers say things are.
    pub addresses: Addresses,
    caller: Caller,
    control: Control,
}

/// The segments of an address that name things.
pub(crate) struct Named(Vec<(String, String)>);

impl Named {
    /// The text of a segment.
    pub(crate) fn text(&self, segment: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == segment).map(|(_, value)| value.as_str())
    }

    /// The text of a segment that the route has.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it has none.
    pub(crate) fn word(&self, segment: &'static str) -> Result<&str, Error> {
        self.text(segment).ok_or(Error::NotFound(segment))
    }

    /// The id in the segment of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`] for everything that is no id, as for a thing that is not there.
    pub(crate) fn id<T>(&self, segment: &'static str) -> Result<Id<T>, Error> {
        self.text(segment).and_then(|text| text.parse().ok()).ok_or(Error::NotFound(segment))
    }
}

impl<A: Action> InOrganization<A> {
    /// Another permission of the same caller, for what belongs to the answer.
    ///
    /// # Errors
    /// As [`Control::grant_own`].
    pub(crate) fn may<B: Action>(&self) -> Result<Grant<B>, Error> {
        self.control.grant_own(&self.caller)
    }
}

impl<A: Action> FromRequestParts<Control> for InOrganization<A> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, control: &Control) -> Result<Self, Failure> {
        let caller = authenticate(control, parts).await?;
        // Whoever may not do this at all is told so before anything is said of the address.
        let grant = control.grant_own::<A>(&caller)?;
        let organization = control.organization(&control.grant_own::<ViewOrganization>(&caller)?).await?;
        let named = named(parts).await.ok_or(Error::NotFound("organization"))?;
        // An address that names none is about the caller's own.
        if named.text("organization").is_some_and(|slug| slug != organization.slug) {
            return Err(Error::NotFound("organization").into());
        }
        let addresses = Addresses::of_instance(control);
        Ok(Self { grant, organization, named, addresses, caller, control: control.clone() })
    }
}

/// What the address names; nothing for one that holds other bytes than text.
async fn named(parts: &mut Parts) -> Option<Named> {
    let found = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    Some(Named(found.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}
