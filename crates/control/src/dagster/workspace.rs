//! What an agent is to load for each of its deployments, asked every five seconds.

use crate::access::actions::ReadDagsterWorkspace;
use crate::{Control, Grant, Result};

use super::{Reached, Wanted};

impl Control {
    /// The deployments of these that the agent may serve. One that is missing is dropped by the agent, with its code servers. None of them has a
    /// code location: there is nothing yet by which one is made.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `deployments` or `agentQueues` for too many.
    pub async fn read_dagster_workspace(&self, grant: &Grant<ReadDagsterWorkspace>, wanted: Wanted) -> Result<Reached> {
        self.reached(grant, wanted).await
    }
}
