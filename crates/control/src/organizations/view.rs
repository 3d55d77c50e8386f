//! Seeing an organization: itself, its deployments, its people.

use countersign_domain::id::{DeploymentId, UserId};
use countersign_store::organizations::{self, Deployment, Organization};
use countersign_store::users::{self, Member};

use crate::access::actions::ViewOrganization;
use crate::{Control, Error, Grant, Result};

impl Control {
    /// The grant's organization.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is gone.
    pub async fn organization(&self, grant: &Grant<ViewOrganization>) -> Result<Organization> {
        self.read(grant, (), |tx, scene| {
            Box::pin(async move {
                organizations::find(tx, scene.organization).await?.ok_or(Error::NotFound("organization"))
            })
        })
        .await
    }

    /// The organization's deployments, by name.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn deployments(&self, grant: &Grant<ViewOrganization>) -> Result<Vec<Deployment>> {
        self.read(grant, (), |tx, scene| {
            Box::pin(async move { Ok(organizations::deployments(tx, scene.organization).await?) })
        })
        .await
    }

    /// One of the organization's deployments; none when it is not there.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn deployment(&self, grant: &Grant<ViewOrganization>, id: DeploymentId) -> Result<Option<Deployment>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move { Ok(organizations::find_deployment(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// One of the organization's members.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn member(&self, grant: &Grant<ViewOrganization>, user: UserId) -> Result<Member> {
        self.read(grant, user, |tx, scene| {
            Box::pin(async move {
                users::find_member(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("member"))
            })
        })
        .await
    }
}
