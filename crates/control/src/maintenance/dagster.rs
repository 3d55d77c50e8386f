//! Requests to Dagster+ agents whose time has run out, or that were offered and never answered; snapshots that nothing is loaded with.

use countersign_domain::id::Id;
use countersign_store::dagster_snapshots::{self, Unused};
use countersign_store::{Lane, dagster_requests};

use crate::access::actions::KeepHouse;
use crate::dagster::{ANNOUNCED_KEPT, KEPT, UNUSED_KEPT};
use crate::{Control, Grant, Result};

/// How many one round ends, and how many it removes, at the most; the next round goes on.
const BATCH: i64 = 200;

impl Control {
    /// Ends requests that nobody will answer any more, which their state then says, and removes those that ended long ago. Answers how many were
    /// ended.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub(super) async fn end_dagster_requests(&self) -> Result<u64> {
        let before = self.now().minus(KEPT);
        let (over, has_old) = self
            .store()
            .read(before, |tx, before| {
                Box::pin(async move {
                    let over = dagster_requests::over(tx, BATCH).await?;
                    Ok::<_, countersign_store::StoreError>((over, dagster_requests::has_old(tx, *before).await?))
                })
            })
            .await?;
        if over.is_empty() && !has_old {
            return Ok(0);
        }
        let grant: Grant<KeepHouse> = self.system("nobody answers these requests any more", Id::nil())?;
        self.write(&grant, Lane::Normal, (over, before), |tx, scene| {
            Box::pin(async move {
                let (over, before) = &scene.input;
                let mut ended = 0;
                for (of, id) in over {
                    ended += u64::from(dagster_requests::end(tx, *of, *id).await?);
                }
                dagster_requests::forget(tx, *before, BATCH).await?;
                Ok(ended)
            })
        })
        .await
    }

    /// Removes snapshots that no code location was loaded with and that nobody asked for lately; their bytes go after the commit. Answers how many.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub(super) async fn remove_unused_snapshots(&self) -> Result<u64> {
        let before = Unused { stored: self.now().minus(UNUSED_KEPT), announced: self.now().minus(ANNOUNCED_KEPT) };
        let found =
            self.store().read(before, |tx, before| Box::pin(dagster_snapshots::unused(tx, *before, BATCH))).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let grant: Grant<KeepHouse> = self.system("nothing is loaded with these snapshots", Id::nil())?;
        self.write(&grant, Lane::Normal, (found, before), |tx, scene| {
            Box::pin(async move {
                let (found, before) = &scene.input;
                let mut removed = 0;
                for it in found {
                    removed += u64::from(dagster_snapshots::remove(tx, it, *before).await?);
                }
                Ok(removed)
            })
        })
        .await
    }
}
