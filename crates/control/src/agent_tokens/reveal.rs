//! Revealing an agent token's value.

use countersign_domain::TokenSecret;
use countersign_store::Lane;
use serde_json::json;

use crate::access::actions::RevealAgentToken;
use crate::scene::Subject;
use crate::{Control, Grant, Result, revealing};

use super::reference::resolve;
use super::{TokenReference, told};

impl Control {
    /// The token's newest value. The audit row is committed before the value leaves.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] with the reason when the reveal policy does not allow it any more.
    pub async fn reveal_agent_token(
        &self,
        grant: &Grant<RevealAgentToken>,
        token: TokenReference,
    ) -> Result<TokenSecret> {
        self.write(grant, Lane::Normal, token, |tx, scene| {
            Box::pin(async move {
                let token = resolve(tx, scene, &scene.input).await?;
                scene.must_be_proved_or_have_made(tx, token.id).await?;
                let secret = revealing::open(tx, &scene.keys, &token).await?;
                told::note(tx, scene, secret.public_id()).await?;
                let subject = Subject::new("agent_token", token.id, token.public_id.as_str());
                let detail = json!({ "secret": secret.public_id().as_str() });
                scene.audit(tx, "agent_token.revealed", subject, detail).await?;
                Ok(secret)
            })
        })
        .await
    }
}
