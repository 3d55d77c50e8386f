//! Where a call of a person stands: what its address and its headers say of organization and deployment.
//!
//! ```text
//! /dagster/graphql             dagster-cloud, with the deployment in a header or nowhere
//! /dagster/DEPLOYMENT/graphql  dagster-cloud, with `url` as its documentation has it
//! /dagster/ORGANIZATION/graphql  dg, which says so in a header too
//! ```

use countersign_control::access::actions::ViewOrganization;
use countersign_control::{Caller, Control, Error};
use countersign_wire::dagster::{DEPLOYMENT_HEADER, ORGANIZATION_HEADER};
use http::{HeaderMap, HeaderValue};

use crate::failure::Failure;

/// What a call says of where it stands.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// What stands in the address before `graphql`: a deployment or an organization.
    first: Option<String>,
    organization: Option<String>,
    deployment: Option<String>,
}

impl Place {
    /// # Errors
    /// [`Error::Invalid`] for a header that cannot be read: it is not taken for none, for then something else would stand in for it.
    pub(crate) fn of(headers: &HeaderMap, first: Option<String>) -> Result<Self, Failure> {
        let text = |name: &'static str| {
            let mut lines = headers.get_all(name).iter();
            match (lines.next().map(HeaderValue::to_str), lines.next()) {
                (None, _) => Ok(None),
                (Some(Ok(text)), None) => Ok(Some(text.to_owned())),
                _ => Err(Error::invalid(name, "must be one header with a name")),
            }
        };
        Ok(Self { first, organization: text(ORGANIZATION_HEADER)?, deployment: text(DEPLOYMENT_HEADER)? })
    }

    /// The deployment that the call is about, when it names one. An agent's address says nothing, as what stands before its token does not: a
    /// token is of one organization, and agents name deployments in their variables.
    ///
    /// # Errors
    /// For a person, [`Failure::Person`]: another organization, and a name that is neither a deployment's nor the organization's.
    pub(crate) async fn deployment(self, control: &Control, caller: &Caller) -> Result<Option<String>, Failure> {
        let Self { first, organization, deployment } = self;
        if caller.user().is_none() || (first.is_none() && organization.is_none()) {
            return Ok(deployment);
        }
        let grant = control.grant_own::<ViewOrganization>(caller).map_err(Failure::Person)?;
        let slug = control.organization(&grant).await.map_err(Failure::Person)?.slug;
        if organization.as_ref().is_some_and(|named| *named != slug) {
            return Err(Failure::Person(Error::NotFound("organization of the name that the call gives")));
        }
        let Some(first) = first else { return Ok(deployment) };
        // A deployment may have the organization's name.
        if first == slug && organization.is_some() {
            return Ok(deployment);
        }
        let all = control.deployments(&grant).await.map_err(Failure::Person)?;
        if !all.iter().any(|it| it.name == first) {
            let what = "deployment or organization of the name that stands in the address";
            return if first == slug { Ok(deployment) } else { Err(Failure::Person(Error::NotFound(what))) };
        }
        match deployment {
            Some(other) if other != first => {
                let why = "names another deployment than the address; leave one of them out";
                Err(Failure::Person(Error::invalid(DEPLOYMENT_HEADER, why)))
            }
            _ => Ok(Some(first)),
        }
    }
}
