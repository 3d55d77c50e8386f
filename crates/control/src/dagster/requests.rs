//! What there is to do for an agent, asked twice a second.

use crate::access::actions::TakeDagsterRequests;
use crate::{Control, Grant, Result};

use super::{Reached, Wanted};

impl Control {
    /// From which deployments of these the agent may take requests. Nothing is written, and nothing is taken: requests are about code locations,
    /// of which there is none yet.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `deployments` or `agentQueues` for too many.
    pub async fn take_dagster_requests(&self, grant: &Grant<TakeDagsterRequests>, wanted: Wanted) -> Result<Reached> {
        self.reached(grant, wanted).await
    }
}
