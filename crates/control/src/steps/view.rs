//! Seeing steps: where each stands, in the words of jobs, and what it was written as.

use countersign_domain::build::JobState;
use countersign_domain::graph::{Kind, Outcome, StepState};
use countersign_domain::id::{BuildId, StepId};
use countersign_domain::plan::PlannedStep;
use countersign_store::builds;
use countersign_store::steps::{self, StepRow, texts};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, MAX_PAGE, Result};

/// Where a wait, a block, an input or a trigger stands as a job. A group or a command as a whole has no such state; theirs is that of
/// what is beneath.
#[must_use]
pub fn job_state(row: &StepRow) -> JobState {
    let asks = matches!(row.step.kind, Kind::Block | Kind::Input);
    match (row.step.state, row.step.outcome) {
        (StepState::Waiting, _) => JobState::Waiting,
        (StepState::Asking, _) => JobState::Blocked,
        (StepState::Open, _) if row.step.kind == Kind::Trigger && row.child_build.is_none() => JobState::Scheduled,
        (StepState::Open, _) => JobState::Running,
        (StepState::Ended, Some(Outcome::Passed)) if asks => JobState::Unblocked,
        (StepState::Ended, Some(Outcome::Broken)) if asks => JobState::BlockedFailed,
        (StepState::Ended, Some(Outcome::Broken)) => JobState::WaitingFailed,
        (StepState::Ended, Some(Outcome::Canceled)) => JobState::Canceled,
        (StepState::Ended, Some(Outcome::Skipped | Outcome::Dropped)) => JobState::Skipped,
        (StepState::Ended, Some(Outcome::Omitted)) => JobState::Broken,
        (StepState::Ended, Some(Outcome::Passed | Outcome::SoftFailed | Outcome::Failed) | None) => JobState::Finished,
    }
}

impl Control {
    /// At most [`MAX_PAGE`] steps of one of the organization's builds, in the order of the text, behind the one that `after` sorts.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_steps(
        &self,
        grant: &Grant<ViewBuilds>,
        build: BuildId,
        after: Option<String>,
    ) -> Result<Vec<StepRow>> {
        self.read(grant, (build, after.unwrap_or_default()), |tx, scene| {
            Box::pin(async move {
                let (build, after) = &scene.input;
                builds::find(tx, scene.organization, *build).await?.ok_or(Error::NotFound("build"))?;
                Ok(steps::page(tx, scene.organization, *build, after, i64::from(MAX_PAGE)).await?)
            })
        })
        .await
    }

    /// One of the organization's steps.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn step(&self, grant: &Grant<ViewBuilds>, id: StepId) -> Result<StepRow> {
        self.read(grant, id, |tx, scene| {
            Box::pin(
                async move { steps::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("step")) },
            )
        })
        .await
    }

    /// What one of the organization's steps was written as; a command's without its jobs.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn step_text(&self, grant: &Grant<ViewBuilds>, id: StepId) -> Result<PlannedStep> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let step = steps::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("step"))?;
                Ok(texts::find(tx, step.id).await?)
            })
        })
        .await
    }
}
