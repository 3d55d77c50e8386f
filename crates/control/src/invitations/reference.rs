//! The ways to name an invitation.

use countersign_domain::PublicId;
use countersign_domain::id::InvitationId;
use countersign_store::{Tx, invitations};

use crate::{Error, Result, Scene};

use super::Invitation;

/// How a caller names an invitation of their organization.
#[derive(Debug, Clone)]
pub enum InvitationReference {
    /// By its id.
    Id(InvitationId),
    /// By the public part of its value.
    PublicId(PublicId),
}

impl InvitationReference {
    /// Reads a UUID or a public id. Global ids are the face's to decode.
    ///
    /// # Errors
    /// [`Error::NotFound`] for anything else; the text, which may be a value, is never repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::PublicId).map_err(|_| Error::NotFound("invitation"))
    }
}

/// The organization's invitation of that name.
pub(super) async fn resolve<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    reference: &InvitationReference,
) -> Result<Invitation> {
    let found = match reference {
        InvitationReference::Id(id) => invitations::find(tx, scene.organization, *id).await?,
        InvitationReference::PublicId(id) => invitations::find_by_public_id(tx, scene.organization, id).await?,
    };
    found.ok_or(Error::NotFound("invitation"))
}
