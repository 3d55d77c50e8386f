//! Signing out in every browser.

use countersign_store::Lane;
use countersign_store::sign_ins::{self, Ended};
use serde_json::json;

use crate::access::actions::EndSignIns;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

impl Control {
    /// Ends every sign-in of the caller, the one that the call is made with among them; answers how many. User tokens stay.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`], and that of a credential that has ended.
    pub async fn sign_out_everywhere(&self, grant: &Grant<EndSignIns>) -> Result<u64> {
        let user = grant.user()?;
        self.write(grant, Lane::Urgent, (user.user, user.email.clone()), |tx, scene| {
            Box::pin(async move {
                let (user, email) = &scene.input;
                let count = sign_ins::end_others(tx, *user, None, Ended::SignedOut).await?;
                let subject = Subject::new("user", *user, email.as_str());
                let detail = json!({ "because": Ended::SignedOut.as_str(), "count": count });
                scene.audit(tx, "sign_in.all_ended", subject, detail).await?;
                Ok(count)
            })
        })
        .await
    }
}
