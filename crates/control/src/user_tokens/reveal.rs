//! Revealing one's own user token. Another person's can be revealed by nobody.

use countersign_domain::TokenSecret;
use countersign_store::Lane;
use serde_json::json;

use crate::access::actions::RevealUserToken;
use crate::scene::Subject;
use crate::{Control, Grant, Result, revealing};

use super::{UserTokenReference, own};

impl Control {
    /// The value of one of the caller's own user tokens. The audit row is committed before the value leaves.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] with the reason when the reveal policy does not allow it any more;
    /// [`crate::Error::Denied`] for a service user.
    pub async fn reveal_user_token(
        &self,
        grant: &Grant<RevealUserToken>,
        token: UserTokenReference,
    ) -> Result<TokenSecret> {
        self.write(grant, Lane::Normal, token, |tx, scene| {
            Box::pin(async move {
                let token = own(tx, scene, &scene.input).await?;
                scene.must_be_proved_or_have_made(tx, token.id).await?;
                let secret = revealing::open(tx, &scene.keys, &token).await?;
                let subject = Subject::new("user_token", token.id, token.public_id.as_str());
                scene.audit(tx, "user_token.revealed", subject, json!({})).await?;
                Ok(secret)
            })
        })
        .await
    }
}
