//! What a build's steps come to, kept as sums: where the build stands is read from here, never from its steps.

use super::{Kind, Outcome, Step, StepState};
use crate::build::BuildState;

/// Sums over a build's steps, and what is said of the build as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Steps that have not ended.
    pub open: i64,
    /// Commands whose jobs may run, and triggers whose build is awaited.
    pub running: i64,
    /// Blocks and inputs that ask a person.
    pub asking: i64,
    /// Jobs, and triggered builds, that failed in a way that fails the build.
    pub failed: i64,
    /// Jobs and steps that were canceled.
    pub canceled: i64,
    /// Steps that do something and were left out neither by a condition nor by an upload.
    pub took_part: i64,
    /// Whether the build was canceled: nothing begins any more.
    pub is_canceled: bool,
    /// Whether a job has started.
    pub has_started: bool,
}

impl Tally {
    /// Counts a step that is put into the build.
    pub fn add(&mut self, step: &Step) {
        self.count(step, 1);
    }

    /// Counts a step as it is now in place of what it was.
    pub fn replace(&mut self, before: &Step, after: &Step) {
        self.count(before, -1);
        self.count(after, 1);
    }

    fn count(&mut self, step: &Step, times: i64) {
        let is_open = step.state == StepState::Open;
        let works = matches!(step.kind, Kind::Command | Kind::Trigger);
        let left_out = matches!(step.outcome, Some(Outcome::Omitted | Outcome::Dropped));
        let takes_part = !left_out && !matches!(step.kind, Kind::Wait | Kind::Group);
        // A group and a wait say of others that they were canceled; those are counted themselves.
        let canceled = match step.outcome {
            Some(Outcome::Canceled) if takes_part => step.jobs.canceled.max(1),
            _ => step.jobs.canceled,
        };
        self.open += times * i64::from(step.state != StepState::Ended);
        self.running += times * i64::from(is_open && works);
        self.asking += times * i64::from(step.state == StepState::Asking);
        self.failed += times * step.jobs.failed;
        self.canceled += times * canceled;
        self.took_part += times * i64::from(takes_part);
    }

    /// Where the build stands.
    #[must_use]
    pub const fn state(&self) -> BuildState {
        if self.is_canceled {
            return if self.open > 0 { BuildState::Canceling } else { BuildState::Canceled };
        }
        if self.open == 0 {
            return if self.canceled > 0 {
                BuildState::Canceled
            } else if self.failed > 0 {
                BuildState::Failed
            } else if self.took_part == 0 {
                BuildState::NotRun
            } else {
                BuildState::Passed
            };
        }
        if self.running == 0 && self.asking > 0 {
            BuildState::Blocked
        } else if self.failed > 0 {
            BuildState::Failing
        } else if self.has_started {
            BuildState::Running
        } else {
            BuildState::Scheduled
        }
    }
}
