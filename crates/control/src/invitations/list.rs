//! Seeing invitations.

use countersign_domain::id::InvitationId;
use countersign_store::invitations;

use crate::access::actions::ViewInvitations;
use crate::{Control, Grant, Page, PageRequest, Result};

use super::reference::resolve;
use super::{Invitation, InvitationReference};

impl Control {
    /// A page of the organization's invitations, newest first. `pending`: only those that can be accepted, or only the others.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn list_invitations(
        &self,
        grant: &Grant<ViewInvitations>,
        pending: Option<bool>,
        page: PageRequest<InvitationId>,
    ) -> Result<Page<Invitation>> {
        let rows = self
            .read(grant, (pending, page), |tx, scene| {
                Box::pin(async move {
                    let (pending, page) = scene.input;
                    Ok(invitations::page(tx, scene.organization, pending, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How many invitations there are of those.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn count_invitations(&self, grant: &Grant<ViewInvitations>, pending: Option<bool>) -> Result<i64> {
        self.read(grant, pending, |tx, scene| {
            Box::pin(async move { Ok(invitations::count(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// One of the organization's invitations.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn invitation(&self, grant: &Grant<ViewInvitations>, wanted: InvitationReference) -> Result<Invitation> {
        self.read(grant, wanted, |tx, scene| Box::pin(resolve(tx, scene, &scene.input))).await
    }
}
