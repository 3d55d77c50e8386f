//! Builds and jobs: the states they pass through, and which step may follow which.

/// The text is no state of a build or job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a known state")]
pub struct NotAState;

macro_rules! words {
    ($of:ident, $error:ident: $($name:ident = $word:literal),* $(,)?) => {
        impl $of {
            /// Every one, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word for programs and rows.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }
        }

        impl std::fmt::Display for $of {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $of {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($word => Ok(Self::$name),)* _ => Err($error) }
            }
        }
    };
}

pub(crate) use words;

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuildState {
    /// No job has started.
    Scheduled,
    /// A job has started and not every step has ended.
    Running,
    /// Nothing runs, and a person is waited for.
    Blocked,
    /// A job failed, and others go on.
    Failing,
    /// Every step ended well.
    Passed,
    /// Every step ended and one failed.
    Failed,
    /// Cancelled, while an agent still works on a job.
    Canceling,
    /// Cancelled, and nothing works on it any more.
    Canceled,
    /// It was not wanted. Not used by this server.
    Skipped,
    /// Conditions left every step out.
    NotRun,
}

words!(BuildState, NotAState:
    Scheduled = "scheduled", Running = "running", Blocked = "blocked", Failing = "failing", Passed = "passed", Failed = "failed",
    Canceling = "canceling", Canceled = "canceled", Skipped = "skipped", NotRun = "not_run",
);

impl BuildState {
    /// Whether nothing will change any more, unless a person runs a job again.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Passed | Self::Failed | Self::Canceled | Self::Skipped | Self::NotRun)
    }
}

/// Where a job stands. Those of commands pass through most of these; a wait, a block, an input and a trigger are shown as jobs too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// Made, and not looked at yet. Not used by this server.
    Pending,
    /// Waits for other steps.
    Waiting,
    /// Never ran: what it waited for failed.
    WaitingFailed,
    /// Waits for a person.
    Blocked,
    /// Never asked a person: what it waited for failed.
    BlockedFailed,
    /// A person has answered.
    Unblocked,
    /// Asks whether its concurrency group has room. Not used by this server, which knows at once.
    Limiting,
    /// Held back by its concurrency group.
    Limited,
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
    /// It ran too long; its agent has yet to say that it has stopped.
    TimingOut,
    /// It ran too long, and has ended.
    TimedOut,
    /// Ran to its end, or its agent was lost.
    Finished,
    /// Left out: by `skip`, or because an upload took its place.
    Skipped,
    /// A condition left it out.
    Broken,
    /// No agent took it for too long.
    Expired,
}

words!(JobState, NotAState:
    Pending = "pending", Waiting = "waiting", WaitingFailed = "waiting_failed", Blocked = "blocked", BlockedFailed = "blocked_failed",
    Unblocked = "unblocked", Limiting = "limiting", Limited = "limited", Scheduled = "scheduled", Assigned = "assigned",
    Accepted = "accepted", Running = "running", Canceling = "canceling", Canceled = "canceled", TimingOut = "timing_out",
    TimedOut = "timed_out", Finished = "finished", Skipped = "skipped", Broken = "broken", Expired = "expired",
);

impl JobState {
    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(
            self,
            Self::WaitingFailed
                | Self::BlockedFailed
                | Self::Unblocked
                | Self::Canceled
                | Self::TimedOut
                | Self::Finished
                | Self::Skipped
                | Self::Broken
                | Self::Expired
        )
    }

    /// Whether an agent holds it: it has been taken and has not ended.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Accepted | Self::Running | Self::Canceling | Self::TimingOut)
    }

    /// Whether its agent may say that the command begins. Saying so again is a repeat and changes nothing.
    #[must_use]
    pub const fn may_start(self) -> bool {
        matches!(self, Self::Accepted)
    }

    /// Where it stands once it ends: cancelled if it had been told to stop.
    #[must_use]
    pub const fn finished(self) -> Self {
        match self {
            Self::Canceling | Self::Canceled => Self::Canceled,
            Self::TimingOut | Self::TimedOut => Self::TimedOut,
            _ => Self::Finished,
        }
    }

    /// How it ended, from its state and the command's exit status; `None` while it has not, and for what never ran.
    #[must_use]
    pub const fn outcome(self, exit_status: Option<i32>) -> Option<JobOutcome> {
        match (self, exit_status) {
            (Self::Canceled, _) => Some(JobOutcome::Canceled),
            (Self::Finished, Some(0)) => Some(JobOutcome::Passed),
            (Self::Finished | Self::TimedOut | Self::Expired, _) => Some(JobOutcome::Failed),
            _ => None,
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobOutcome {
    /// Exit status 0.
    Passed,
    /// Any other exit status, a signal, a lost agent, or too much time.
    Failed,
    /// Cancelled.
    Canceled,
}

words!(JobOutcome, NotAState: Passed = "passed", Failed = "failed", Canceled = "canceled");

/// Why a build was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// By a call of the API, the command line's among them.
    Api,
    /// By somebody who is signed in, on a page.
    Ui,
    /// By a trigger step.
    TriggerJob,
}

words!(Source, NotAState: Api = "api", Ui = "ui", TriggerJob = "trigger_job");

/// Why a job is another one's successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetryType {
    /// Its step's rules say so.
    Automatic,
    /// A person asked for it.
    Manual,
}

words!(RetryType, NotAState: Automatic = "automatic", Manual = "manual");

#[cfg(test)]
mod tests {
    use super::{JobOutcome as O, JobState as J, *};

    #[test]
    fn words_read_back() {
        for state in BuildState::ALL {
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
            assert!(!state.may_start() && !state.is_held(), "{state}");
        }
        assert_eq!((J::Canceling.finished(), J::TimingOut.finished()), (J::Canceled, J::TimedOut));
        assert_eq!(J::Accepted.finished(), J::Finished);
    }

    #[test]
    fn only_exit_status_0_passes() {
        assert_eq!(J::Finished.outcome(Some(0)), Some(O::Passed));
        for status in [Some(1), Some(-1), None] {
            assert_eq!(J::Finished.outcome(status), Some(O::Failed));
        }
        assert_eq!(J::Canceled.outcome(Some(0)), Some(O::Canceled));
        assert_eq!((J::TimedOut.outcome(Some(0)), J::Skipped.outcome(None)), (Some(O::Failed), None));
        assert_eq!(J::Running.outcome(Some(0)), None);
    }
}
