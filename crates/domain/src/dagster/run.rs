//! Runs of Dagster+ jobs: where one stands, by the events that its worker stores.

use std::{fmt, str::FromStr, time::Duration};

/// The most bytes of a run's configuration, as JSON.
pub const MAX_RUN_CONFIG: usize = 128 * 1024;
/// The most tags of a run, those that agents add included.
pub const MAX_RUN_TAGS: usize = 100;
/// The most characters of a tag's key.
pub const MAX_RUN_TAG_KEY: usize = 255;
/// The most characters of a tag's value.
pub const MAX_RUN_TAG_VALUE: usize = 4_096;
/// The most bytes of a run's tags together.
pub const MAX_RUN_TAG_BYTES: usize = 64 * 1024;
/// The most bytes of what says where the code of a run is, its container's context included, as JSON.
pub const MAX_RUN_ORIGIN: usize = 128 * 1024;
/// The most characters of a job's and a repository's name.
pub const MAX_JOB: usize = 255;
/// The most characters of an idempotency key.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;
/// The most events of one run that are kept; of what comes then, only what changes where it stands.
pub const MAX_RUN_EVENTS: i64 = 20_000;
/// The most bytes of one event that are kept.
pub const MAX_RUN_EVENT: usize = 64 * 1024;
/// The most bytes of the events of one run; of what comes then, only what changes where it stands is kept.
pub const MAX_RUN_EVENT_BYTES: i64 = 64 * 1024 * 1024;
/// The most bytes of one log of a run.
pub const MAX_RUN_LOG: i64 = 8 * 1024 * 1024;
/// The most bytes of the logs of one run together.
pub const MAX_RUN_LOG_BYTES: i64 = 256 * 1024 * 1024;
/// The most logs of one run: one of each stream of each of its steps and of itself.
pub const MAX_RUN_LOGS: i64 = 500;
/// How long an agent that is heard has for starting a run: one that first starts a code server, or has an image pulled, takes its time.
pub const RUN_STARTS_WITHIN: Duration = Duration::from_secs(30 * 60);
/// After how long of silence a run is lost, while no agent is heard that could say what became of its worker.
pub const RUN_SILENT_FOR: Duration = Duration::from_secs(12 * 3600);
/// How long a run is kept once it has ended.
pub const RUN_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunStatus {
    /// No agent has taken it.
    NotStarted,
    /// An agent was given it.
    Starting,
    /// Its worker runs.
    Started,
    /// Its worker was told to stop.
    Canceling,
    /// All of it was done.
    Success,
    /// It could not be started, or something of it could not be done.
    Failure,
    /// It was stopped.
    Canceled,
    /// Nothing more can be heard of it, for a reason that stands beside it.
    Lost,
}

impl RunStatus {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::NotStarted,
        Self::Starting,
        Self::Started,
        Self::Canceling,
        Self::Success,
        Self::Failure,
        Self::Canceled,
        Self::Lost,
    ];

    /// The word for programs; Dagster's own but for `LOST`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT_STARTED",
            Self::Starting => "STARTING",
            Self::Started => "STARTED",
            Self::Canceling => "CANCELING",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Canceled => "CANCELED",
            Self::Lost => "LOST",
        }
    }

    /// The same for Dagster's own programs, which know no `LOST`: they wait for one of their own ends.
    #[must_use]
    pub const fn of_dagster(self) -> &'static str {
        match self {
            Self::Lost => Self::Failure.as_str(),
            other => other.as_str(),
        }
    }

    /// Whether it has ended; then it stays as it is.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Canceled | Self::Lost)
    }

    /// Where it stands after an event.
    #[must_use]
    pub const fn after(self, event: RunEvent) -> Self {
        match (self, event) {
            (Self::Success | Self::Failure | Self::Canceled | Self::Lost, _) => self,
            (_, RunEvent::Success) => Self::Success,
            (_, RunEvent::Failure) => Self::Failure,
            (_, RunEvent::Canceled) => Self::Canceled,
            (_, RunEvent::Canceling) | (Self::Canceling, _) => Self::Canceling,
            (Self::Started, _) | (_, RunEvent::Start) => Self::Started,
            (_, RunEvent::Starting) => Self::Starting,
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no status of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of NOT_STARTED, STARTING, STARTED, CANCELING, SUCCESS, FAILURE, CANCELED and LOST")]
pub struct NotARunStatus;

impl FromStr for RunStatus {
    type Err = NotARunStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(NotARunStatus)
    }
}

/// An event that changes where a run stands. All others change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEvent {
    /// It is being launched.
    Starting,
    /// Its worker runs.
    Start,
    /// It is being stopped.
    Canceling,
    /// All of it was done.
    Success,
    /// Something of it was not.
    Failure,
    /// It was stopped.
    Canceled,
}

impl RunEvent {
    /// By the name that the protocol has for it; none for every other event.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "PIPELINE_STARTING" => Self::Starting,
            "PIPELINE_START" => Self::Start,
            "PIPELINE_CANCELING" => Self::Canceling,
            "PIPELINE_SUCCESS" => Self::Success,
            "PIPELINE_FAILURE" => Self::Failure,
            "PIPELINE_CANCELED" => Self::Canceled,
            _ => return None,
        })
    }
}

/// Why nothing more can be heard of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostBecause {
    /// Its worker used the same token.
    Revoked,
    /// The token's time ran out.
    Expired,
    /// The token's scope was narrowed: its deployment is not in it.
    Narrowed,
    /// The same: its queue is not in it.
    OtherQueue,
    /// The deployment is gone.
    Deleted,
    /// No agent took it in time.
    NotTaken,
    /// An agent was given it, and nothing came of it.
    NotStarted,
    /// Neither it nor an agent of its token was heard for [`RUN_SILENT_FOR`].
    Silent,
}

impl LostBecause {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Revoked => "its agent's token was revoked",
            Self::Expired => "its agent's token expired",
            Self::Narrowed => "its agent's token no longer reaches the deployment",
            Self::OtherQueue => "its agent's token no longer reaches the run's queue",
            Self::Deleted => "its deployment was deleted",
            Self::NotTaken => {
                "no agent took it in time; see that one runs which serves the deployment and the code location's queue"
            }
            Self::Silent => "nothing was heard of it for 12 hours, and no agent of its token runs",
            Self::NotStarted => "an agent was given it and said nothing more; see the agent's errors",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_back() {
        for status in RunStatus::ALL {
            assert_eq!(status.to_string().parse(), Ok(status));
        }
        assert_eq!("QUEUED".parse::<RunStatus>(), Err(NotARunStatus));
        assert_eq!(RunStatus::Lost.of_dagster(), "FAILURE");
        let hours = format!("for {} hours", RUN_SILENT_FOR.as_secs() / 3600);
        assert!(LostBecause::Silent.words().contains(&hours), "{hours}");
    }

    #[test]
    fn events_lead_on_and_an_end_stays() {
        use RunStatus as S;
        let [starting, start, canceling, success, failure, canceled] =
            ["STARTING", "START", "CANCELING", "SUCCESS", "FAILURE", "CANCELED"]
                .map(|it| RunEvent::of(&format!("PIPELINE_{it}")).expect("an event"));
        for (from, event, to) in [
            (S::NotStarted, starting, S::Starting),
            (S::NotStarted, start, S::Started),
            (S::NotStarted, failure, S::Failure),
            (S::Starting, start, S::Started),
            (S::Starting, canceling, S::Canceling),
            (S::Started, starting, S::Started),
            (S::Started, success, S::Success),
            (S::Started, failure, S::Failure),
            (S::Started, canceling, S::Canceling),
            (S::Canceling, starting, S::Canceling),
            (S::Canceling, start, S::Canceling),
            (S::Canceling, canceled, S::Canceled),
            (S::Canceling, failure, S::Failure),
            (S::Canceling, success, S::Success),
        ] {
            assert_eq!(from.after(event), to, "{from} and {event:?}");
        }
        for over in S::ALL.into_iter().filter(|it| it.is_over()) {
            for event in [starting, start, canceling, success, failure, canceled] {
                assert_eq!(over.after(event), over);
            }
        }
        for other in ["STEP_START", "ENGINE_EVENT", "PIPELINE_ENQUEUED", "", "pipeline_start"] {
            assert_eq!(RunEvent::of(other), None);
        }
    }
}
