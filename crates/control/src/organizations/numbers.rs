//! The numbers by which Dagster's API names tokens, deployments and members.

use std::collections::BTreeMap;

use countersign_domain::id::Id;
use countersign_store::numbers;

use crate::access::actions::ViewOrganization;
use crate::{Control, Grant, Result};

impl Control {
    /// The numbers of some of the organization's tokens, deployments or members. Of what has none, or is another organization's, there is none.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn numbers<T: 'static>(
        &self,
        grant: &Grant<ViewOrganization>,
        ids: Vec<Id<T>>,
    ) -> Result<BTreeMap<Id<T>, i64>> {
        self.read(grant, ids, |tx, scene| {
            Box::pin(async move { Ok(numbers::of(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }
}
