//! Signing out in a browser by another.

use countersign_domain::PublicId;
use countersign_store::Lane;
use countersign_store::sign_ins::{self, Ended};
use serde_json::json;

use crate::access::actions::EndSignIns;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

impl Control {
    /// Ends one of the caller's own sign-ins; it may be the very one that the call is made with.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that has ended and for another person's.
    pub async fn end_sign_in(&self, grant: &Grant<EndSignIns>, sign_in: PublicId) -> Result<()> {
        let user = grant.user()?.user;
        self.write(grant, Lane::Urgent, (user, sign_in), |tx, scene| {
            Box::pin(async move {
                let (user, public_id) = &scene.input;
                let not_found = || Error::NotFound("sign-in");
                let found = sign_ins::credential_by_public_id(tx, public_id).await?;
                let found = found.map(|it| it.sign_in).filter(|it| it.user == *user).ok_or_else(not_found)?;
                if !sign_ins::end(tx, *user, found.id, Ended::SignedOut).await? {
                    return Err(not_found());
                }
                let subject = Subject::new("sign_in", found.id, public_id.as_str());
                scene.audit(tx, "sign_in.ended", subject, json!({ "because": Ended::SignedOut.as_str() })).await
            })
        })
        .await
    }
}
