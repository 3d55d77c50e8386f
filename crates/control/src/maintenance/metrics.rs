//! Figures for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_domain::Refusal;
use countersign_store::{agents, audit, jobs};

use super::Removed;
use crate::{Control, Result};

/// What is counted in memory since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    refusals: [AtomicU64; Refusal::ALL.len()],
    removed: [AtomicU64; REMOVED.len()],
}

/// What is removed once it was kept long enough, in the order of the counts.
const REMOVED: [&str; 6] = ["builds", "logs", "artifacts", "agents", "sign_ins", "files"];

impl Counts {
    pub(crate) fn removed(&self, of: &Removed) {
        let Removed { builds, logs, artifacts, agents, sign_ins, files } = of;
        for (count, more) in self.removed.iter().zip([builds, logs, artifacts, agents, sign_ins, files]) {
            count.fetch_add(*more, Ordering::Relaxed);
        }
    }

    pub(crate) fn refused(&self, reason: Refusal) {
        let at = Refusal::ALL.iter().position(|it| *it == reason);
        if let Some(count) = at.and_then(|at| self.refusals.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What `/metrics` shows of the system's state.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// Agents by state, of those that are not gone.
    pub agents: Vec<(String, i64)>,
    /// Jobs by state, of those that have not ended.
    pub jobs: Vec<(String, i64)>,
    /// Refused credentials by reason, since the start.
    pub refusals: Vec<(Refusal, u64)>,
    /// Rows of the audit log that are not sealed yet, of all organizations. It grows only when sealing does not come after.
    pub audit_unsealed: i64,
    /// What was removed because it was kept long enough, by kind, since the start.
    pub removed: Vec<(&'static str, u64)>,
    /// How many attempts at operations were undone because two waited for each other in the database, since the start.
    pub collisions: u64,
}

impl Control {
    /// How the system is doing. Counts across organizations; no name of anything in one.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn gauges(&self) -> Result<Gauges> {
        let (agents, jobs, audit_unsealed) = self
            .store()
            .read((), |tx, ()| {
                Box::pin(async move {
                    let agents = agents::count_by_state(tx).await?;
                    let jobs = jobs::count_by_state(tx).await?;
                    let unsealed = audit::count_all_unsealed(tx).await?;
                    Ok::<_, countersign_store::StoreError>((agents, jobs, unsealed))
                })
            })
            .await?;
        let counts = self.counts().refusals.iter().map(|count| count.load(Ordering::Relaxed));
        let refusals = Refusal::ALL.into_iter().zip(counts).collect();
        let counts = self.counts().removed.iter().map(|count| count.load(Ordering::Relaxed));
        let removed = REMOVED.into_iter().zip(counts).collect();
        Ok(Gauges { agents, jobs, refusals, audit_unsealed, removed, collisions: self.store().collisions() })
    }
}
