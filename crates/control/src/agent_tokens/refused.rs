//! Who was refused, whatever token they showed.

use countersign_store::refusals::{self, Summed};

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Grant, MAX_PAGE, Result, SEARCHED};

impl Control {
    /// The organization's refused attempts, summed up by token and reason, the newest first; at most `limit`, and [`MAX_PAGE`], among [`SEARCHED`]
    /// that are counted apart by value and address. For Organization
    /// Admins alone: whoever holds agent tokens of a deployment sees those of each token.
    ///
    /// # Errors
    /// [`crate::Error::Denied`].
    pub async fn refused_attempts(&self, grant: &Grant<ViewAgentTokens>, limit: u32) -> Result<Vec<Summed>> {
        // What was counted and not written yet is what one looks for.
        self.flush_usage().await?;
        self.read(grant, limit.min(MAX_PAGE), |tx, scene| {
            Box::pin(async move {
                scene.for_admins_alone()?;
                Ok(refusals::newest(tx, scene.organization, SEARCHED, i64::from(scene.input)).await?)
            })
        })
        .await
    }
}
