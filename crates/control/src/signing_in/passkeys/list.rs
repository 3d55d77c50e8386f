//! Seeing one's own passkeys.

use countersign_store::passkeys;

use crate::access::actions::ViewPasskeys;
use crate::{Control, Grant, Result};

use super::OwnPasskey;

impl Control {
    /// The caller's passkeys, newest first; at most [`super::MAX_PASSKEYS`].
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn list_passkeys(&self, grant: &Grant<ViewPasskeys>) -> Result<Vec<OwnPasskey>> {
        let user = grant.user()?.user;
        self.read(grant, user, |tx, scene| {
            Box::pin(async move {
                let own = passkeys::of_user(tx, scene.input).await?;
                Ok(own.into_iter().map(OwnPasskey::from).collect())
            })
        })
        .await
    }
}
