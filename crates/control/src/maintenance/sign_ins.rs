//! Removing sign-ins, links and answers that ended long ago. Where somebody signed in from is theirs: it is kept no longer than somebody asks for it.

use countersign_domain::Timestamp;
use countersign_domain::id::Id;
use countersign_store::Lane;
use countersign_store::sign_ins::{self, answers, links};

use crate::access::actions::KeepHouse;
use crate::{Control, Grant, Result};

use super::ROWS_AT_ONCE;

impl Control {
    /// Removes sign-ins, links and answers that ended before a time, so many in one round; answers how many. That they were is in the audit log.
    pub(super) async fn remove_sign_ins(&self, before: Timestamp) -> Result<u64> {
        // Looking is a read; only when there is something to do does it wait for the writer.
        let is_there = self
            .store()
            .read(before, |tx, before| {
                Box::pin(async move {
                    let is_there = sign_ins::has_old(tx, *before).await?
                        || links::has_old(tx, *before).await?
                        || answers::has_old(tx, *before).await?;
                    Ok::<_, crate::Error>(is_there)
                })
            })
            .await?;
        if !is_there {
            return Ok(0);
        }
        let grant: Grant<KeepHouse> = self.system("kept long enough", Id::nil())?;
        self.write(&grant, Lane::Normal, before, |tx, scene| {
            Box::pin(async move {
                let ended = sign_ins::drop_old(tx, scene.input, ROWS_AT_ONCE).await?;
                let links = links::drop_old(tx, scene.input, ROWS_AT_ONCE).await?;
                Ok(ended + links + answers::drop_old(tx, scene.input, ROWS_AT_ONCE).await?)
            })
        })
        .await
    }
}
