//! Runs of which nothing more is heard, and runs that were kept long enough.

use std::time::Duration;

use countersign_domain::dagster::{LostBecause, RUN_KEPT, RUNNING_FOR};
use countersign_domain::id::Id;
use countersign_store::Lane;
use countersign_store::dagster_runs::{self, ends};

use crate::access::actions::KeepHouse;
use crate::dagster_runs::lose;
use crate::{Control, Grant, Result};

/// How many runs one round sees to at the most; the next round goes on.
const BATCH: i64 = 50;
/// How long a server must have been up before it takes silence for an end: agents that it could not hear come back meanwhile.
const HEARD_AGAIN: Duration = RUNNING_FOR.saturating_add(Duration::from_secs(60));
/// How many events one transaction removes at the most.
const EVENTS: i64 = 1_000;

impl Control {
    /// Ends runs whose token or deployment is gone, or that their token does not reach any more, and those that no agent started in time. Answers how many.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub(super) async fn lose_unheard_runs(&self) -> Result<u64> {
        let found = self.store().read((), |tx, ()| Box::pin(ends::unheard(tx, BATCH))).await?;
        let is_deaf = self.now().since(self.started_at()) < HEARD_AGAIN;
        let is_silence = |why| matches!(why, LostBecause::NotStarted | LostBecause::Silent);
        let mut lost = 0;
        for (of, id, ..) in found.into_iter().filter(|(_, _, why, _)| !is_deaf || !is_silence(*why)) {
            let grant: Grant<KeepHouse> = self.system("nothing more is heard of this run", of)?;
            let is_lost = self
                .write(&grant, Lane::Normal, id, |tx, scene| {
                    Box::pin(async move {
                        // Whoever tells something of it, or is given more to reach, may have been faster.
                        dagster_runs::lock(tx, scene.organization, scene.input).await?;
                        match ends::is_unheard(tx, scene.input).await? {
                            Some((of, id, why, at)) => lose(tx, scene, of, id, (why, at)).await,
                            None => Ok(false),
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
