//! Removing bytes that no row names any more: after the commit that gave them up, and again while the store fails.

use std::time::Duration;

use countersign_domain::id::{ArtifactId, Id};
use countersign_store::Lane;
use countersign_store::blobs::removals;
use futures_util::{StreamExt, stream};

use crate::access::actions::KeepHouse;
use crate::{Control, Grant, Result};

/// How many files one round removes at the most; the next round goes on.
pub const FILES_AT_ONCE: i64 = 200;
/// How many are being removed at one time: a store that is far away takes a while for each.
const AT_A_TIME: usize = 8;
/// How long a file that could not be removed is left alone, so that it keeps no other one waiting.
pub const TRY_AGAIN: Duration = Duration::from_secs(5 * 60);

impl Control {
    /// Removes the bytes of artifacts that were given up. What cannot be removed now is tried again after [`TRY_AGAIN`].
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn remove_blobs(&self) -> Result<u64> {
        let due = self.store().read((), |tx, ()| Box::pin(removals::due(tx, FILES_AT_ONCE))).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let blobs = self.blobs()?;
        let tried = stream::iter(due).map(|it| async move { (it.artifact, blobs.delete(&it.name).await) });
        let tried: Vec<(ArtifactId, _)> = tried.buffer_unordered(AT_A_TIME).collect().await;
        let mut failed = 0_u64;
        let mut ended = Vec::with_capacity(tried.len());
        for (artifact, outcome) in tried {
            if let Err(error) = &outcome {
                if failed == 0 {
                    tracing::warn!(%artifact, %error, "the bytes of an artifact could not be removed; it is tried again");
                }
                failed += 1;
            }
            ended.push((artifact, outcome.is_ok()));
        }
        let count = ended.len() as u64 - failed;
        let grant: Grant<KeepHouse> = self.system("bytes that no artifact names", Id::nil())?;
        self.write(&grant, Lane::Normal, ended, |tx, scene| {
            Box::pin(async move {
                for (artifact, is_gone) in &scene.input {
                    match is_gone {
                        true => removals::done(tx, *artifact).await?,
                        false => removals::put_off(tx, *artifact, TRY_AGAIN).await?,
                    }
                }
                Ok(())
            })
        })
        .await?;
        Ok(count)
    }
}
