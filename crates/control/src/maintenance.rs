//! Keeping house: what the server does by itself, with a reason that its audit rows carry.

mod abandoned_artifacts;
mod blobs;
mod dagster;
mod dagster_runs;
mod deployments;
mod expired_jobs;
mod flush;
mod gone_agents;
mod held_back;
mod lost_agents;
mod metrics;
mod retention;
mod sign_ins;
mod timeouts;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::id::Id;
use countersign_store::Lane;
use countersign_store::jobs::dispatch;

use crate::access::actions::KeepHouse;
use crate::builds::wake;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

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
    /// Branch deployments that were removed because their time had come.
    pub deployments_expired: u64,
    /// Deleted deployments of which something was left.
    pub deployments_cleared: u64,
    /// Jobs that no agent took in time.
    pub jobs_expired: u64,
    /// Requests to Dagster+ agents that were over without an answer.
    pub requests_ended: u64,
    /// Snapshots that nothing was loaded with.
    pub snapshots_removed: u64,
    /// Runs of which nothing more is heard.
    pub runs_lost: u64,
    /// Runs that were kept long enough.
    pub runs_removed: u64,
    /// Concurrency groups that held jobs back although they had room.
    pub groups_freed: u64,
    /// What was kept long enough.
    pub removed: Removed,
    /// Builds for which something was left to do.
    pub builds_seen_to: u64,
    /// Rows of the audit log that were sealed.
    pub audit_sealed: u64,
}

/// What a part did, or that it did nothing for a reason that is kept.
fn kept<T: Default>(outcome: Result<T>, faults: &mut Vec<Error>) -> T {
    outcome.unwrap_or_else(|fault| {
        faults.push(fault);
        T::default()
    })
}

impl Control {
    /// One round of housekeeping. Each part can be stopped at any point and run again, and one that fails keeps no other from its work: a store of
    /// artifacts that is away must not keep the audit log from being sealed.
    ///
    /// # Errors
    /// The first that a part met; the others are done all the same.
    pub async fn sweep(&self) -> Result<Swept> {
        let mut faults = Vec::new();
        let swept = Swept {
            windows_closed: kept(self.close_windows().await, &mut faults),
            agents_lost: kept(self.give_up_silent_agents().await, &mut faults),
            jobs_returned: kept(self.return_jobs().await, &mut faults),
            artifacts_abandoned: kept(self.abandon_artifacts().await, &mut faults),
            artifacts_emptied: kept(self.remove_failed_artifacts().await, &mut faults),
            jobs_overdue: kept(self.end_overdue_jobs().await, &mut faults),
            deployments_expired: kept(self.expire_deployments().await, &mut faults),
            deployments_cleared: kept(self.clear_deployments().await, &mut faults),
            jobs_expired: kept(self.expire_jobs().await, &mut faults),
            requests_ended: kept(self.end_dagster_requests().await, &mut faults),
            snapshots_removed: kept(self.remove_unused_snapshots().await, &mut faults),
            runs_lost: kept(self.lose_unheard_runs().await, &mut faults),
            runs_removed: kept(self.remove_old_runs().await, &mut faults),
            builds_seen_to: kept(self.see_to_builds(None).await, &mut faults),
            groups_freed: kept(self.free_groups().await, &mut faults),
            removed: kept(self.remove_expired_in_turn().await, &mut faults),
            audit_sealed: kept(self.seal_audit().await, &mut faults),
        };
        faults.into_iter().next().map_or(Ok(swept), Err)
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
                    let subject = Subject::new("job", it.job, it.name.as_str());
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
