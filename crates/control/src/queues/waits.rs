//! How long jobs wait for an agent, by queue.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_domain::id::DeploymentId;
use countersign_store::queue_counts;

use crate::access::actions::ViewQueues;
use crate::{Control, Grant, Result};

/// How far back is looked.
pub const WAITS_SINCE: Duration = Duration::from_secs(24 * 3600);
/// The most jobs that are looked at: the last ones that began.
const MAX_JOBS: i64 = 5_000;

/// How long the jobs of a queue waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// The queue's deployment.
    pub deployment: DeploymentId,
    /// The queue.
    pub queue: String,
    /// How many jobs that is known of.
    pub jobs: usize,
    /// Half of them waited no longer.
    pub p50: Duration,
    /// Of twenty, nineteen waited no longer.
    pub p95: Duration,
}

/// The value that `percent` of sorted ones are not above.
fn percentile(sorted: &[i64], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    let micros = sorted.get(place).copied().unwrap_or(0);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

impl Control {
    /// How long the organization's jobs waited for an agent that began within [`WAITS_SINCE`], by deployment and queue. Of many, the last 5,000 count.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn queue_waits(&self, grant: &Grant<ViewQueues>) -> Result<Vec<Waits>> {
        self.read(grant, (), |tx, scene| {
            Box::pin(async move {
                let since = tx.now().minus(WAITS_SINCE);
                let mut all: BTreeMap<(DeploymentId, String), Vec<i64>> = BTreeMap::new();
                for it in queue_counts::waits(tx, scene.organization, since, MAX_JOBS).await? {
                    all.entry((it.deployment, it.queue)).or_default().push(it.micros);
                }
                let waits = all.into_iter().map(|((deployment, queue), mut waited)| {
                    waited.sort_unstable();
                    let (p50, p95) = (percentile(&waited, 50), percentile(&waited, 95));
                    Waits { deployment, queue, jobs: waited.len(), p50, p95 }
                });
                Ok(waits.collect())
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_hundred_are_not_above() {
        let micros = |percent, sorted: &[i64]| percentile(sorted, percent).as_micros();
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!((micros(50, &hundred), micros(95, &hundred)), (50, 95));
        assert_eq!((micros(50, &[7]), micros(95, &[7])), (7, 7));
        assert_eq!((micros(50, &[1, 9]), micros(95, &[1, 9])), (1, 9));
        assert_eq!(micros(95, &[]), 0);
        assert_eq!(micros(50, &[-3]), 0, "a clock that was set back");
    }
}
