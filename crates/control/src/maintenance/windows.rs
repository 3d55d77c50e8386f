//! Destroying the sealed copies whose window has closed.

use countersign_domain::id::Id;
use countersign_store::{Lane, tokens};

use crate::access::actions::KeepHouse;
use crate::{Control, Grant, Result};

/// How many tokens one transaction goes through at the most.
const BATCH: i64 = 200;

impl Control {
    /// Destroys the sealed copies that have outlived their window or their token. Answers how many tokens that were.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn close_windows(&self) -> Result<u64> {
        let grant: Grant<KeepHouse> = self.system("the time to reveal is over", Id::nil())?;
        let mut closed = 0;
        loop {
            // Looking is a read; only when there is something to do does it wait for the writer.
            let found = self.store().read((), |tx, ()| Box::pin(tokens::closed_windows(tx, BATCH))).await?;
            if found.is_empty() {
                return Ok(closed);
            }
            closed += found.len() as u64;
            self.write(&grant, Lane::Normal, found, |tx, scene| {
                Box::pin(async move {
                    for id in &scene.input {
                        tokens::drop_sealed(tx, *id).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
    }
}
