//! Builds and jobs: the states they pass through, and which step may follow which.

use std::{fmt, str::FromStr};

/// The text is no state of a build or job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a known state")]
pub struct NotAState;

macro_rules! words {
    ($of:ident: $($name:ident = $word:literal),* $(,)?) => {
        impl $of {
            /// Every one, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word for programs, as Buildkite writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }
        }

        impl fmt::Display for $of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $of {
            type Err = NotAState;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($word => Ok(Self::$name),)* _ => Err(NotAState) }
            }
        }
    };
}

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuildState {
    /// No job has started.
    Scheduled,
    /// A job has started and not every job has finished.
    Running,
    /// Every job passed.
    Passed,
    /// Every job finished and one failed.
    Failed,
    /// Cancelled, while an agent still works on a job.
    Canceling,
    /// Cancelled, and nothing works on it any more.
    Canceled,
}

words!(BuildState:
    Scheduled = "scheduled", Running = "running", Passed = "passed", Failed = "failed", Canceling = "canceling",
    Canceled = "canceled",
);

impl BuildState {
    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Passed | Self::Failed | Self::Canceled)
    }

    /// What its jobs make of a build. A build without jobs has passed; a finished job without an outcome counts as failed.
    #[must_use]
    pub fn from_jobs(jobs: impl IntoIterator<Item = (JobState, Option<JobOutcome>)>) -> Self {
        let (mut open, mut started, mut failed, mut canceling, mut canceled) = (false, false, false, false, false);
        for (state, outcome) in jobs {
            open |= !state.is_finished();
            // A job that has ended shows that the build has begun, even while the rest still waits.
            started |= state.has_started();
            failed |= state == JobState::Finished && outcome != Some(JobOutcome::Passed);
            canceling |= state == JobState::Canceling;
            canceled |= state == JobState::Canceled;
        }
        match (canceling, open) {
            (true, _) => Self::Canceling,
            (false, true) if started => Self::Running,
            (false, true) => Self::Scheduled,
            (false, false) if canceled => Self::Canceled,
            (false, false) if failed => Self::Failed,
            (false, false) => Self::Passed,
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// Waits for an agent.
    Scheduled,
    /// Offered to one agent at each of its pings.
    Assigned,
    /// That agent has taken it and prepares to run it.
    Accepted,
    /// Its command runs.
    Running,
    /// Cancelled; its agent has yet to say that it has stopped.
    Canceling,
    /// Cancelled and stopped, or cancelled before any agent took it.
    Canceled,
    /// Ran to its end, or its agent was lost.
    Finished,
}

words!(JobState:
    Scheduled = "scheduled", Assigned = "assigned", Accepted = "accepted", Running = "running",
    Canceling = "canceling", Canceled = "canceled", Finished = "finished",
);

impl JobState {
    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Canceled | Self::Finished)
    }

    /// Whether its command has begun, or could have.
    #[must_use]
    pub const fn has_started(self) -> bool {
        matches!(self, Self::Running | Self::Canceling | Self::Finished)
    }

    /// Whether an agent holds it: it has been taken and has not ended.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Accepted | Self::Running | Self::Canceling)
    }

    /// Whether it may be offered to an agent.
    #[must_use]
    pub const fn may_assign(self) -> bool {
        matches!(self, Self::Scheduled)
    }

    /// Whether the agent that it was offered to may take it. Taking again what it already took is a repeat and changes nothing.
    #[must_use]
    pub const fn may_accept(self) -> bool {
        matches!(self, Self::Assigned)
    }

    /// Whether its agent may say that the command begins. Saying so again is a repeat and changes nothing.
    #[must_use]
    pub const fn may_start(self) -> bool {
        matches!(self, Self::Accepted)
    }

    /// Whether its agent may say that it has ended; also without having started it, and also after it was cancelled.
    #[must_use]
    pub const fn may_finish(self) -> bool {
        self.is_held()
    }

    /// Where it stands once it ends: cancelled if it had been told to stop.
    #[must_use]
    pub const fn finished(self) -> Self {
        if matches!(self, Self::Canceling | Self::Canceled) { Self::Canceled } else { Self::Finished }
    }

    /// Where cancelling takes it: what an agent holds must first stop; what has ended stays as it is.
    #[must_use]
    pub const fn canceled(self) -> Self {
        match self {
            Self::Scheduled | Self::Assigned | Self::Canceled => Self::Canceled,
            Self::Accepted | Self::Running | Self::Canceling => Self::Canceling,
            Self::Finished => Self::Finished,
        }
    }

    /// Where it goes when its agent is gone: back to the queue if nothing of it has run, else to its end.
    #[must_use]
    pub const fn abandoned(self) -> Self {
        match self {
            Self::Assigned => Self::Scheduled,
            Self::Accepted | Self::Running => Self::Finished,
            Self::Canceling => Self::Canceled,
            Self::Scheduled | Self::Canceled | Self::Finished => self,
        }
    }

    /// How it ended, from its state and the command's exit status; `None` while it has not.
    #[must_use]
    pub const fn outcome(self, exit_status: Option<i32>) -> Option<JobOutcome> {
        match (self, exit_status) {
            (Self::Canceled, _) => Some(JobOutcome::Canceled),
            (Self::Finished, Some(0)) => Some(JobOutcome::Passed),
            (Self::Finished, _) => Some(JobOutcome::Failed),
            _ => None,
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobOutcome {
    /// Exit status 0.
    Passed,
    /// Any other exit status, a signal, or a lost agent.
    Failed,
    /// Cancelled.
    Canceled,
}

words!(JobOutcome: Passed = "passed", Failed = "failed", Canceled = "canceled");

#[cfg(test)]
mod tests {
    use super::{BuildState as B, JobOutcome as O, JobState as J, *};

    fn build(jobs: &[(J, Option<O>)]) -> B {
        B::from_jobs(jobs.iter().copied())
    }

    #[test]
    fn a_build_is_what_its_jobs_are() {
        let (passed, failed) = ((J::Finished, Some(O::Passed)), (J::Finished, Some(O::Failed)));
        let canceled = (J::Canceled, Some(O::Canceled));
        assert_eq!(build(&[]), B::Passed);
        assert_eq!(build(&[(J::Scheduled, None), (J::Assigned, None), (J::Accepted, None)]), B::Scheduled);
        assert_eq!(build(&[(J::Scheduled, None), (J::Running, None)]), B::Running);
        assert_eq!(build(&[(J::Scheduled, None), passed]), B::Running);
        assert_eq!(build(&[(J::Scheduled, None), canceled]), B::Scheduled);
        assert_eq!(build(&[passed, passed]), B::Passed);
        assert_eq!(build(&[passed, failed]), B::Failed);
        assert_eq!(build(&[passed, (J::Finished, None)]), B::Failed);
        assert_eq!(build(&[failed, canceled]), B::Canceled);
        assert_eq!(build(&[(J::Canceling, None), failed]), B::Canceling);
    }

    #[test]
    fn words_read_back() {
        for state in B::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for state in J::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for outcome in O::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(*outcome));
        }
        assert_eq!("cancelled".parse::<J>(), Err(NotAState));
    }

    #[test]
    fn a_job_goes_forward_only() {
        for state in J::ALL.iter().copied().filter(|state| state.is_finished()) {
            assert!(!state.may_assign() && !state.may_accept() && !state.may_start() && !state.may_finish(), "{state}");
            assert_eq!((state.canceled(), state.abandoned(), state.finished()), (state, state, state));
        }
        assert!(J::Accepted.may_finish(), "an agent that cannot start a job still has to be able to end it");
        assert_eq!(J::Canceling.finished(), J::Canceled);
        assert_eq!(J::Assigned.canceled(), J::Canceled);
        assert_eq!(J::Running.canceled(), J::Canceling);
        assert_eq!(J::Assigned.abandoned(), J::Scheduled);
        assert_eq!(J::Running.abandoned(), J::Finished);
    }

    #[test]
    fn only_exit_status_0_passes() {
        assert_eq!(J::Finished.outcome(Some(0)), Some(O::Passed));
        for status in [Some(1), Some(-1), None] {
            assert_eq!(J::Finished.outcome(status), Some(O::Failed));
        }
        assert_eq!(J::Canceled.outcome(Some(0)), Some(O::Canceled));
        assert_eq!(J::Running.outcome(Some(0)), None);
    }
}
