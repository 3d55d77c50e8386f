//! Keeping house: what the server does by itself, with a reason that its audit rows carry.

mod abandoned_artifacts;
mod blobs;
mod expired_jobs;
mod flush;
mod gone_agents;
mod held_back;
mod lost_agents;
mod metrics;
mod retention;
mod timeouts;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::id::Id;
use countersign_store::Lane;
use countersign_store::jobs::dispatch;

use crate::access::actions::KeepHouse;
use crate::builds::wake;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

pub use blobs::TRY_AGAIN;
pub(crate) use metrics::Counts;
pub use metrics::Gauges;
pub(crate) use retention::Pace;
pub use retention::{BUILDS_AT_ONCE, ROWS_AT_ONCE, Removed};

/// What one round of housekeeping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Tokens whose sealed copies were destroyed.
    pub windows_closed: u64,
    /// Agents that were given up.
    pub agents_lost: u64,
    /// Jobs that went back to their queue because their agent did not take them.
    pub jobs_returned: u64,
    /// Artifacts that were given up because nobody brings their bytes any more.
    pub artifacts_abandoned: u64,
    /// Failed uploads whose bytes were removed.
    pub artifacts_emptied: u64,
    /// Jobs that ran too long, or did not stop when they were told to.
    pub jobs_overdue: u64,
    /// Jobs that no agent took in time.
    pub jobs_expired: u64,
    /// Concurrency groups that held jobs back although they had room.
    pub groups_freed: u64,
    /// What was kept long enough.
    pub removed: Removed,
    /// Builds for which something was left to do.
    pub builds_seen_to: u64,
    /// Rows of the audit log that were sealed.
    pub audit_sealed: u64,
}

impl Control {
    /// One round of housekeeping. Each part can be stopped at any point and run again.
    ///
    /// # Errors
    /// The first that a part met; the parts before it are done.
    pub async fn sweep(&self) -> Result<Swept> {
        let windows_closed = self.close_windows().await?;
        let agents_lost = self.give_up_silent_agents().await?;
        let jobs_returned = self.return_jobs().await?;
        let artifacts_abandoned = self.abandon_artifacts().await?;
        let artifacts_emptied = self.remove_failed_artifacts().await?;
        let jobs_overdue = self.end_overdue_jobs().await?;
        let jobs_expired = self.expire_jobs().await?;
        let builds_seen_to = self.see_to_builds(None).await?;
        let groups_freed = self.free_groups().await?;
        let removed = self.remove_expired_in_turn().await?;
        let audit_sealed = self.seal_audit().await?;
        Ok(Swept {
            windows_closed,
            agents_lost,
            jobs_returned,
            artifacts_abandoned,
            artifacts_emptied,
            jobs_overdue,
            jobs_expired,
            groups_freed,
            removed,
            builds_seen_to,
            audit_sealed,
        })
    }

    /// Puts jobs back that their agent did not take in time.
    async fn return_jobs(&self) -> Result<u64> {
        let before = self.now().minus(self.settings().assignment_timeout);
        let waiting =
            self.store().read(before, |tx, before| Box::pin(dispatch::has_assigned_before(tx, *before))).await?;
        if !waiting {
            return Ok(0);
        }
        let grant: Grant<KeepHouse> = self.system("return jobs that were not taken", Id::nil())?;
        self.write(&grant, Lane::Normal, before, |tx, scene| {
            Box::pin(async move {
                let returned = dispatch::unassign_before(tx, scene.input).await?;
                let mut waiting: BTreeMap<_, BTreeMap<_, usize>> = BTreeMap::new();
                for it in &returned {
                    let subject = Subject::new("job", it.job, "");
                    scene.audit_in(tx, it.organization, "job.returned", subject, serde_json::json!({})).await?;
                    *waiting.entry(it.organization).or_default().entry(it.spot.clone()).or_default() += 1;
                }
                for (of, waiting) in waiting {
                    wake(tx, scene, of, waiting, BTreeSet::new());
                }
                Ok(returned.len() as u64)
            })
        })
        .await
    }
}
