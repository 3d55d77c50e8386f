//! Signing out in the browser that asks.

use countersign_store::Lane;
use countersign_store::sign_ins::{self, Ended};
use serde_json::json;

use crate::access::actions::EndSignIns;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

use super::of_call;

impl Control {
    /// Ends the sign-in that the call is made with. After the answer its value is refused, and no write with it commits.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for a call with a user token, which is no sign-in.
    pub async fn sign_out(&self, grant: &Grant<EndSignIns>) -> Result<()> {
        let user = grant.user()?;
        let input = (user.user, of_call(grant)?, user.public_id.clone());
        self.write(grant, Lane::Urgent, input, |tx, scene| {
            Box::pin(async move {
                let (user, id, public_id) = &scene.input;
                sign_ins::end(tx, *user, *id, Ended::SignedOut).await?;
                let subject = Subject::new("sign_in", *id, public_id.as_str());
                scene.audit(tx, "sign_in.ended", subject, json!({ "because": Ended::SignedOut.as_str() })).await
            })
        })
        .await
    }
}
