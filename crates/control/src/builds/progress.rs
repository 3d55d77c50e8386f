//! Where a build stands, from where its jobs stand: worked out anew in each transaction that changes a job.

use countersign_domain::build::{BuildState, JobState};
use countersign_domain::id::{BuildId, OrganizationId};
use countersign_store::{Tx, builds, jobs};

use crate::Result;

/// Writes where a build stands now.
pub(crate) async fn update(tx: &mut Tx, of: OrganizationId, build: BuildId) -> Result<()> {
    // The build is kept still first, so that of two jobs that end at once the later one sees both.
    let Some(before) = builds::lock(tx, of, build).await? else { return Ok(()) };
    let jobs = jobs::of_build(tx, of, build).await?;
    let state = BuildState::from_jobs(jobs.iter().map(|job| {
        let exit_status = job.exit_status.as_deref().and_then(|text| text.parse().ok());
        (job.state, job.state.outcome(exit_status))
    }));
    if state == before {
        return Ok(());
    }
    let now = tx.now();
    let has_started = jobs.iter().any(|job| job.started_at.is_some() || job.state == JobState::Running);
    let is_canceled = matches!(state, BuildState::Canceling | BuildState::Canceled);
    builds::set_state(
        tx,
        of,
        build,
        state,
        has_started.then_some(now),
        state.is_finished().then_some(now),
        is_canceled.then_some(now),
    )
    .await?;
    Ok(())
}
