//! Calling a passkey something else.

use countersign_domain::id::PasskeyId;
use countersign_store::{Lane, passkeys};
use serde_json::json;

use crate::access::actions::RenamePasskey;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::{OwnPasskey, name};

impl Control {
    /// Calls one of the caller's passkeys something else.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name`; [`Error::NotFound`] for one that is not there, and for another person's.
    pub async fn rename_passkey(
        &self,
        grant: &Grant<RenamePasskey>,
        passkey: PasskeyId,
        called: &str,
    ) -> Result<OwnPasskey> {
        let input = (grant.user()?.user, passkey, name(Some(called))?);
        self.write(grant, Lane::Normal, input, |tx, scene| {
            Box::pin(async move {
                let (user, id, name) = &scene.input;
                let not_found = || Error::NotFound("passkey");
                let before = passkeys::find(tx, *user, *id).await?.ok_or_else(not_found)?;
                if before.name == *name {
                    // Nothing is different: there is nothing to tell.
                    return Ok(before.into());
                }
                if !passkeys::rename(tx, *user, *id, name).await? {
                    return Err(not_found());
                }
                let subject = Subject::new("passkey", *id, name.as_str());
                scene.audit(tx, "passkey.renamed", subject, json!({ "before": before.name })).await?;
                Ok(OwnPasskey { name: name.clone(), ..before.into() })
            })
        })
        .await
    }
}
