//! Concurrency groups that hold jobs back although they have room: whoever ended the last job in the way was to say so, and did not.

use countersign_domain::graph::{MAX_LIMIT, admit};
use countersign_domain::id::OrganizationId;
use countersign_store::jobs::groups;
use countersign_store::{Lane, StoreError, Tx};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::builds::runner::Runner;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

/// How many groups one round looks at at the most; the next round goes on.
const BATCH: i64 = 100;

impl Control {
    /// Lets jobs of concurrency groups go that nothing holds back any more. Answers in how many groups some were; that is a fault of this
    /// server's, which is mended here and told in its log.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn free_groups(&self) -> Result<u64> {
        let stuck = self.store().read((), |tx, ()| Box::pin(stuck(tx))).await?;
        let mut count = 0;
        for (of, group) in stuck {
            let grant: Grant<KeepHouse> = self.system("a concurrency group had room", of)?;
            let freeing = self.write(&grant, Lane::Normal, group, |tx, scene| {
                Box::pin(async move {
                    let mut runner = Runner::new(scene.organization);
                    let freed = runner.admit(tx, &scene.input).await?;
                    runner.close(tx, scene).await?;
                    if freed > 0 {
                        let subject = Subject::new("organization", scene.organization, scene.input.as_str());
                        scene.audit(tx, "concurrency_group.freed", subject, json!({ "jobs": freed })).await?;
                    }
                    Ok(freed)
                })
            });
            let freed = freeing.await?;
            if freed > 0 {
                tracing::warn!(organization = %of, jobs = freed, "a concurrency group held jobs back although it had room");
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Groups of which a job would be let go now. Those with room whose next job waits for other steps are not.
async fn stuck(tx: &mut Tx) -> std::result::Result<Vec<(OrganizationId, String)>, StoreError> {
    let mut stuck = Vec::new();
    for (of, group) in groups::holding(tx, BATCH).await? {
        let admitted = groups::admitted(tx, of, &group).await?;
        for only_eager in [false, true] {
            let first = groups::first(tx, of, &group, i64::from(MAX_LIMIT), only_eager).await?;
            let contenders: Vec<_> = first.into_iter().map(|(_, contender)| contender).collect();
            if !admit(&contenders, admitted).is_empty() {
                stuck.push((of, group));
                break;
            }
        }
    }
    Ok(stuck)
}
