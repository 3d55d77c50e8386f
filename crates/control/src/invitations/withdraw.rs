//! Taking an invitation back.

use countersign_store::{Lane, invitations};
use serde_json::json;

use crate::access::actions::WithdrawInvitation;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::reference::resolve;
use super::{Invitation, InvitationReference, State};

impl Control {
    /// Takes an invitation back: after the answer nobody becomes a member by it. One that was taken back before stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for one that was accepted.
    pub async fn withdraw_invitation(
        &self,
        grant: &Grant<WithdrawInvitation>,
        wanted: InvitationReference,
    ) -> Result<Invitation> {
        let by = grant.user()?.user;
        self.write(grant, Lane::Urgent, (wanted, by), |tx, scene| {
            Box::pin(async move {
                let (reference, by) = &scene.input;
                let of = scene.organization;
                let id = resolve(tx, scene, reference).await?.id;
                let not_found = || Error::NotFound("invitation");
                let found = invitations::find_for_update(tx, of, id).await?.ok_or_else(not_found)?;
                if found.state(tx.now()) == State::Accepted {
                    let email = &found.email;
                    return Err(Error::Conflict(format!(
                        "{email} has accepted it already; remove the member instead."
                    )));
                }
                let first = invitations::withdraw(tx, of, id, *by).await?;
                let subject = Subject::new("invitation", id, found.email.as_str());
                let detail = json!({ "public_id": found.public_id.as_str(), "was_withdrawn_before": !first });
                scene.audit(tx, "invitation.withdrawn", subject, detail).await?;
                invitations::find(tx, of, id).await?.ok_or_else(not_found)
            })
        })
        .await
    }
}
