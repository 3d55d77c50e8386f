//! Runs of which nothing more is heard, and runs that were kept long enough.

use countersign_domain::dagster::RUN_KEPT;
use countersign_domain::id::Id;
use countersign_store::{Lane, dagster_runs};

use crate::access::actions::KeepHouse;
use crate::dagster_runs::lose;
use crate::{Control, Grant, Result};

/// How many runs one round sees to at the most; the next round goes on.
const BATCH: i64 = 50;
/// How many events one transaction removes at the most.
const EVENTS: i64 = 1_000;

impl Control {
    /// Ends runs whose token is gone, and those that no agent started in time. Answers how many.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub(super) async fn lose_unheard_runs(&self) -> Result<u64> {
        let found = self.store().read((), |tx, ()| Box::pin(dagster_runs::unheard(tx, BATCH))).await?;
        let mut lost = 0;
        for (of, id, why, at) in found {
            let grant: Grant<KeepHouse> = self.system("nothing more is heard of this run", of)?;
            let is_lost = self
                .write(&grant, Lane::Normal, (id, why, at), |tx, scene| {
                    Box::pin(async move {
                        let (id, why, at) = scene.input;
                        match dagster_runs::lock(tx, scene.organization, id).await? {
                            Some(run) if !run.status.is_over() => lose(tx, scene, run, why, at).await.map(|()| true),
                            _ => Ok(false),
                        }
                    })
                })
                .await?;
            lost += u64::from(is_lost);
        }
        Ok(lost)
    }

    /// Removes runs that ended long ago, with what was told of them. Answers how many.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub(super) async fn remove_old_runs(&self) -> Result<u64> {
        let before = self.now().minus(RUN_KEPT);
        let found = self.store().read(before, |tx, before| Box::pin(dagster_runs::old(tx, *before, BATCH))).await?;
        let mut removed = 0;
        for it in found {
            let grant: Grant<KeepHouse> = self.system("these runs were kept long enough", Id::nil())?;
            let is_gone = self
                .write(&grant, Lane::Normal, (it, before), |tx, scene| {
                    Box::pin(async move {
                        let (it, before) = scene.input;
                        Ok(dagster_runs::remove(tx, it, before, EVENTS).await?)
                    })
                })
                .await?;
            removed += u64::from(is_gone);
        }
        Ok(removed)
    }
}
