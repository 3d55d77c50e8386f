//! How an instance is set.

use std::time::Duration;

use countersign_domain::token::Prefix;

use crate::artifacts::Limits;

/// A day.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest that a ping is held: agents give up a call after 60 s, and this server one after 30 s.
pub const MAX_PING_HOLD: Duration = Duration::from_secs(25);

/// How an instance is set. Each has a default and a flag of `countersign server`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address under which people and agents reach the server; without a slash at its end. Issuer of the tokens of jobs.
    pub public_url: String,
    /// What new token values begin with. Old values keep theirs and stay valid.
    pub prefix: Prefix,
    /// How often agents ask what there is to do; whole seconds, at least 1.
    pub ping_interval: Duration,
    /// How often agents say that they are there; whole seconds, at least 1.
    pub heartbeat_interval: Duration,
    /// How often agents ask whether their job is canceled; whole seconds, at least 1.
    pub job_status_interval: Duration,
    /// How long a job is kept for an agent that does not take it.
    pub assignment_timeout: Duration,
    /// How long a ping of an idle agent is held open for a job to come, at most [`MAX_PING_HOLD`]; zero: it is answered at once.
    pub ping_hold: Duration,
    /// Whether agents may be told by a stream what there is to do.
    pub streaming_pings: bool,
    /// The most agents that wait at one time, by a stream or a held ping. Those beyond are answered at once and ask again.
    pub max_waiting: usize,
    /// The most agents that have a session at one time with one agent token.
    pub max_agents_per_token: u32,
    /// How often what gathers in memory is written.
    pub flush_interval: Duration,
    /// How often windows are closed, agents given up and the audit log sealed.
    pub sweep_interval: Duration,
    /// How long a job waits for an agent before it expires; `None`: for ever.
    pub job_expiry: Option<Duration>,
    /// How long what builds leave is kept.
    pub retention: Retention,
    /// How much a job may leave behind.
    pub artifacts: Limits,
}

/// How long what builds leave is kept, from the end of each build; `None`: for ever. What has not ended stays, and the audit log too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Builds, with all that belongs to them.
    pub builds: Option<Duration>,
    /// The logs of a build's jobs, if that is shorter.
    pub logs: Option<Duration>,
    /// The bytes of a build's artifacts, if that is shorter; that there were such artifacts is known as long as the build is.
    pub artifacts: Option<Duration>,
    /// Agents that have left or were lost, from then on, as long as no job names them; Dagster+ agents from their last heartbeat on.
    pub agents: Option<Duration>,
}

impl Default for Retention {
    /// A build is worth having for as long as people ask what was run a year ago. Its log and its artifacts are what fills disks, and
    /// are hardly looked at after half a year, which is how long Buildkite keeps artifacts. An agent that is gone is worth nothing but its
    /// name in a job, and such a one stays with its job.
    fn default() -> Self {
        Self { builds: Some(365 * DAY), logs: Some(180 * DAY), artifacts: Some(180 * DAY), agents: Some(30 * DAY) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:8420".to_owned(),
            prefix: Prefix::default(),
            ping_interval: Duration::from_secs(2),
            heartbeat_interval: Duration::from_secs(30),
            job_status_interval: Duration::from_secs(2),
            assignment_timeout: Duration::from_secs(60),
            ping_hold: Duration::from_secs(5),
            streaming_pings: true,
            max_waiting: 4_096,
            max_agents_per_token: 10_000,
            flush_interval: Duration::from_secs(5),
            sweep_interval: Duration::from_secs(1),
            job_expiry: Some(30 * DAY),
            retention: Retention::default(),
            artifacts: Limits::default(),
        }
    }
}
