//! Revoking one's own user token; it may be the very one that the call is made with.

use countersign_store::Lane;
use countersign_store::tokens::{self, Token};
use serde_json::json;

use crate::access::actions::RevokeUserToken;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input};

use super::{UserTokenReference, own};

impl Control {
    /// Takes one of the caller's own user tokens back. After the answer no write of its holder commits.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `reason`.
    pub async fn revoke_user_token(
        &self,
        grant: &Grant<RevokeUserToken>,
        token: UserTokenReference,
        reason: Option<String>,
    ) -> Result<Token> {
        let reason = reason.as_deref().map(input::reason).transpose()?;
        let by = grant.user()?.user;
        self.write(grant, Lane::Urgent, (token, reason, by), |tx, scene| {
            Box::pin(async move {
                let (reference, reason, by) = &scene.input;
                let token = own(tx, scene, reference).await?;
                let first = tokens::revoke(tx, scene.organization, token.id, Some(*by), reason.as_deref()).await?;
                let subject = Subject::new("user_token", token.id, token.public_id.as_str());
                let detail = json!({ "reason": reason, "was_revoked_before": !first });
                scene.audit(tx, "user_token.revoked", subject, detail).await?;
                tokens::find(tx, scene.organization, token.id).await?.ok_or(Error::NotFound("user token"))
            })
        })
        .await
    }
}
