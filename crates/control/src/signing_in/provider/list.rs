//! Seeing by what providers one is meant.

use countersign_store::identities;

use crate::access::actions::ViewSignIns;
use crate::{Control, Grant, Result};

use super::Identity;

impl Control {
    /// By what providers mean the caller: the one that people sign in by here, and those that were that before.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn list_identities(&self, grant: &Grant<ViewSignIns>) -> Result<Vec<Identity>> {
        let user = grant.user()?.user;
        self.read(grant, user, |tx, scene| Box::pin(async move { Ok(identities::of_user(tx, scene.input).await?) }))
            .await
    }
}
