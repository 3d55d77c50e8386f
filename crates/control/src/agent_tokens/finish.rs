//! Finishing a rotation: everybody has the new value, and the old ones end before their time.

use countersign_domain::PublicId;
use countersign_store::Lane;
use countersign_store::tokens::secrets;
use serde_json::json;

use crate::access::actions::RotateAgentToken;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::TokenReference;
use super::reference::resolve;

impl Control {
    /// Ends the older values of a token now, and leaves the newest; answers with the public ids of those that were valid.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a token that has no older value that is valid.
    pub async fn finish_agent_token_rotation(
        &self,
        grant: &Grant<RotateAgentToken>,
        token: TokenReference,
    ) -> Result<Vec<PublicId>> {
        self.write(grant, Lane::Urgent, token, |tx, scene| {
            Box::pin(async move {
                let now = tx.now();
                let token = resolve(tx, scene, &scene.input).await?;
                let known = secrets::of_token(tx, token.id).await?;
                let newest = known.first().map_or(1, |newest| newest.generation);
                let is_old =
                    |it: &&secrets::Secret| it.generation < newest && it.valid_until.is_none_or(|until| now < until);
                let ended: Vec<PublicId> = known.iter().filter(is_old).map(|it| it.public_id.clone()).collect();
                if token.revoked_at.is_some() || ended.is_empty() {
                    return Err(Error::Conflict("No older value of the token is valid.".to_owned()));
                }
                secrets::end_older(tx, token.id, newest, now).await?;
                let subject = Subject::new("agent_token", token.id, token.public_id.as_str());
                let ids: Vec<_> = ended.iter().map(PublicId::as_str).collect();
                scene.audit(tx, "agent_token.rotation_finished", subject, json!({ "ended_secrets": ids })).await?;
                Ok(ended)
            })
        })
        .await
    }
}
