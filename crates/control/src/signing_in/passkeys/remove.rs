//! Taking a passkey away.

use countersign_domain::id::PasskeyId;
use countersign_store::{Lane, passkeys};
use serde_json::json;

use crate::access::actions::RemovePasskey;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

impl Control {
    /// Takes one of the caller's passkeys away: after the answer nobody signs in or proves anything by it. Sign-ins that were begun by it stay,
    /// as they are listed; so does the key in its authenticator, which is worth nothing here any more.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there, and for another person's.
    pub async fn remove_passkey(&self, grant: &Grant<RemovePasskey>, passkey: PasskeyId) -> Result<()> {
        let user = grant.user()?.user;
        self.write(grant, Lane::Urgent, (user, passkey), |tx, scene| {
            Box::pin(async move {
                let (user, id) = scene.input;
                let not_found = || Error::NotFound("passkey");
                let before = passkeys::find(tx, user, id).await?.ok_or_else(not_found)?;
                if !passkeys::remove(tx, user, id).await? {
                    return Err(not_found());
                }
                scene.audit(tx, "passkey.removed", Subject::new("passkey", id, before.name), json!({})).await
            })
        })
        .await
    }
}
