//! Branch deployments whose time has come, and what deleted deployments still hold.

use countersign_store::deployments;

use crate::{Control, Result};

/// How many deployments one round sees to at the most; the next round goes on. What else the round does waits for them.
const BATCH: i64 = 10;

impl Control {
    /// Removes branch deployments whose time has come. Answers how many.
    ///
    /// # Errors
    /// The first that was met; the others have been seen to all the same.
    pub(super) async fn expire_deployments(&self) -> Result<u64> {
        let found = self.store().read((), |tx, ()| Box::pin(deployments::expired(tx, BATCH))).await?;
        let (mut count, mut fault) = (0, Ok(()));
        for (of, id) in found {
            match self.expire_deployment(of, id).await {
                Ok(is_gone) => count += u64::from(is_gone),
                Err(error) => fault = fault.and(Err(error)),
            }
        }
        fault.map(|()| count)
    }

    /// Goes on with clearing deployments that were deleted. Answers for how many there was something to do.
    ///
    /// # Errors
    /// As [`Control::expire_deployments`].
    pub(super) async fn clear_deployments(&self) -> Result<u64> {
        let found = self.store().read((), |tx, ()| Box::pin(deployments::to_clear(tx, BATCH))).await?;
        let (count, mut fault) = (found.len() as u64, Ok(()));
        for (of, id) in found {
            fault = fault.and(self.clear_some(of, id).await.map(drop));
        }
        fault.map(|()| count)
    }
}
